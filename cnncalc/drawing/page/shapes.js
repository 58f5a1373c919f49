// The picture as SVG text: what svg.py writes, with parts that can be clicked.

const escaped = (text) =>
  String(text).replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;").replace(/"/g, "&quot;");
const sign = Math.sign;
const far = (a, b) => Math.abs(a[0] - b[0]) + Math.abs(a[1] - b[1]);
const toward = (a, b, distance) => [a[0] + distance * sign(b[0] - a[0]), a[1] + distance * sign(b[1] - a[1])];
const distinct = (points) => points.filter((p, i) => !i || p[0] !== points[i - 1][0] || p[1] !== points[i - 1][1]);

function pathOf(line) {
  const points = distinct(line.points);
  const last = points.length - 1;
  if (last < 1) return "";
  if (line.arrow) points[last] = toward(points[last], points[last - 1], 3);
  let found = `M${points[0].join(" ")}`;
  for (let i = 1; i < last; i++) {
    const [before, corner, after] = points.slice(i - 1, i + 2);
    const room = Math.min(6, half(far(before, corner)), half(far(corner, after)));
    found += `L${toward(corner, before, room).join(" ")}Q${corner.join(" ")} ${toward(corner, after, room).join(" ")}`;
  }
  return `${found}L${points[last].join(" ")}`;
}

function headOf(line) {
  const points = distinct(line.points), [x, y] = points[points.length - 1];
  if (!line.arrow || points.length < 2) return "";
  const [dx, dy] = [sign(x - points[points.length - 2][0]), sign(y - points[points.length - 2][1])];
  return `M${x} ${y}L${x - 7 * dx - 4 * dy} ${y - 7 * dy - 4 * dx}L${x - 7 * dx + 4 * dy} ${y - 7 * dy + 4 * dx}z`;
}

function textAt(x, y, text, style, fontSize = 12, bold = false, anchor = "") {
  const fill = style === "muted" ? "#555b66" : "#16191d";
  return `<text class="${style}" x="${x}" y="${y}" fill="${fill}" font-size="${fontSize}"` +
    `${bold ? ' font-weight="bold"' : ""}${anchor ? ` text-anchor="${anchor}"` : ""}>${escaped(text)}</text>`;
}

function rectAt(x, y, w, h, kind, radius = 4, more = "") {
  const [tint, border] = COLOURS[kind];
  return `<rect class="${kind}" x="${x}" y="${y}" width="${w}" height="${h}" rx="${radius}" fill="${tint}" stroke="${border}"${more}/>`;
}

const barAt = (x, y, room, value, largest) =>
  `<rect class="bar" x="${x}" y="${y}" width="${Math.max(Math.round((room * value * 10) / largest) / 10, 0.5)}" height="3" rx="1" fill="#c2410c"/>`;

function shareText(share) {
  if (!share) return "";
  if (share < 0.0005) return "<0.1 %";
  return `${fixed(100 * share, share >= 0.0995 ? 0 : 1)} %`;
}

function frameOf(box) {
  const name = box.count > 1 ? `${box.name}  ×${box.count}` : box.name;
  const together = box.count > 1
    ? textAt(box.x + box.w - 10, box.y + 16, `all ${box.count} together`, "muted", 9, false, "end") : "";
  return `<g class="part" data-part="${box.id}" tabindex="0" role="button" aria-expanded="true">` +
    `<title>${escaped(titleOf(box))}</title>` +
    `<rect class="frame" x="${box.x}" y="${box.y}" width="${box.w}" height="${box.h}" rx="8" fill="#16191d" fill-opacity=".035" stroke="#aab2bd"${box.madeUp ? ' stroke-dasharray="4 3"' : ""}/>` +
    textAt(box.x + 10, box.y + 16, name, "muted", 11, true) + together + "</g>";
}

function closedOf(box, largest) {
  const { x, y, w, h } = box, right = x + w - 9, value = valueOf(box), share = shareText(value / total());
  return `<g class="part" data-part="${box.id}" tabindex="0" role="button" aria-expanded="false">` +
    `<title>${escaped(titleOf(box))}</title>` +
    (box.count > 1 ? rectAt(x + 4, y + 4, w, h, "box", 6) : "") + rectAt(x, y, w, h, "box", 6) +
    textAt(x + 9, y + 15, box.name, "ink", 12, true) +
    (box.count > 1 ? textAt(right, y + 15, `×${box.count}`, "ink", 12, true, "end") : "") +
    textAt(x + 9, y + 28, box.about, "muted", 10) +
    (share ? textAt(right, y + 28, share, "muted", 10, false, "end") + barAt(x + 9, y + 33, w - 18, value, largest) : "") +
    "</g>";
}

function badgeOf(box, count) {
  const text = `${count} found`, w = 6 * text.length + 10;
  return `<g class="badge"><rect x="${box.x + box.w - w}" y="${box.y - 9}" width="${w}" height="16" rx="8" fill="#c2410c"/>` +
    `<text x="${box.x + box.w - half(w)}" y="${box.y + 3}" fill="#ffffff" font-size="10" text-anchor="middle">${text}</text></g>`;
}

function tileOf(tile, largest) {
  const { x, y } = tile;
  let inside = `<title>${escaped(titleOf(tile))}</title>`;
  if (tile.form === "pill")
    inside += rectAt(x, y, tile.w, tile.h, tile.kind, half(tile.h)) + textAt(x + tile.axis, y + 15, tile.strips[0][0], "ink", 12, false, "middle");
  else if (tile.form === "circle") {
    const [tint, border] = COLOURS[tile.kind], cx = x + 12, cy = y + 12;
    const cross = tile.strips[0][0].startsWith("add")
      ? `M${cx - 5} ${cy}H${cx + 5}M${cx} ${cy - 5}V${cy + 5}` : `M${cx - 4} ${cy - 4}L${cx + 4} ${cy + 4}M${cx - 4} ${cy + 4}L${cx + 4} ${cy - 4}`;
    inside += `<circle class="${tile.kind}" cx="${cx}" cy="${cy}" r="11" fill="${tint}" stroke="${border}"/>` +
      `<path class="${tile.kind}" d="${cross}" fill="none" stroke="${border}" stroke-width="1.6"/>`;
  } else inside += cardOf(tile, largest);
  return `<g class="part" data-part="${tile.id}">${inside}</g>`;
}

function cardOf(tile, largest) {
  const { x, w } = tile, value = valueOf(tile), share = shareText(value / total()), right = x + w - 9;
  let { y } = tile, found = tile.count > 1 ? rectAt(x + 4, y + 4, w, tile.h, tile.kind) : "";
  const order = tile.strips.map((strip, place) => [...strip, place]);
  for (const [text, kind, isHead, place] of tile.flipped ? order.reverse() : order) {
    found += rectAt(x, y, w, isHead ? G.HEAD : G.STRIP, kind, 3, ` data-strip="${place}"`);
    if (!isHead) found += textAt(x + tile.axis, y + 11, text, "ink", 10, false, "middle");
    else if (!share && tile.count === 1) found += textAt(x + tile.axis, y + 18, text, "ink", 12, false, "middle");
    else {
      found += textAt(x + 9, y + (share ? 16 : 18), text, "ink");
      if (tile.count > 1) found += textAt(right, y + (share ? 12 : 18), `×${tile.count}`, "ink", 11, true, "end");
      if (share)
        found += textAt(right, y + (tile.count > 1 ? 22 : 16), share, "muted", 10, false, "end") +
          barAt(x + 9, y + G.HEAD - 6, w - 18 - (tile.count > 1 ? 32 : 0), value, largest);
    }
    y += isHead ? G.HEAD : G.STRIP;
  }
  return found;
}

function svgOf(picture) {
  const { parts, lines, texts } = picture.placing;
  const seen = parts.filter((part) => part.k === "t" || !part.open);
  const largest = most(seen.map(valueOf));
  const drawn = parts.filter((part) => part.k === "b" && part.open).map(frameOf);
  for (const skip of [false, true]) {
    const chosen = lines.filter((line) => line.skip === skip), colour = skip ? "#7d4fc0" : "#6d7684";
    const ways = chosen.map(pathOf).join(""), heads = chosen.map(headOf).join("");
    if (chosen.length) drawn.push(`<path class="${skip ? "skip" : "line"}" d="${ways}" fill="none" stroke="${colour}" stroke-width="1.3"/>`);
    if (heads) drawn.push(`<path class="${skip ? "skiphead" : "head"}" d="${heads}" fill="${colour}"/>`);
  }
  drawn.push(...seen.map((part) => (part.k === "t" ? tileOf(part, largest) : closedOf(part, largest))));
  drawn.push(...texts.map(([x, y, text]) => textAt(x, y, text, "muted", 9)));
  return drawn.join("");
}
