// The page: graph, table and panel of one network, kept together by the layer that is chosen.

// --- the graph ----------------------------------------------------------------------------------------------

function laidOut() {
  for (const box of boxes) box.body = box.inside;
  root.body = root.inside;
  size(root.body);
  setRoutes(root);
  if (root.body.k === "v") {
    if (root.body.steps.some((step) => step.lanes.length)) Object.assign(root, { routes: [], tracks: 0 });
  } else {
    const { around, body } = bestColumns(state.wide && !root.lanes.length ? G.MOST_COLUMNS : 1, DATA.headingWidth);
    put(around, body);
  }
  const body = root.body, placing = new Placing();
  placing.place(body, G.BORDER, G.BORDER + G.HEADING);
  Object.assign(root, { x: G.BORDER, y: G.BORDER + G.HEADING, h: body.h, w: body.w + beside(root) });
  placing.lines.push(...laneLines(placing));
  const texts = most(placing.texts.map(([x, , text]) => x + widthOf(text)));
  return { placing, w: Math.max(root.w + 2 * G.BORDER, texts + G.BORDER), h: root.h + G.HEADING + 2 * G.BORDER };
}

function draw(keep = null) {
  const before = keep && keep.y !== undefined ? [keep.x, keep.y] : null;
  const picture = (state.picture = laidOut());
  $("graph").innerHTML = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 ${state.top} ${picture.w} ${picture.h - state.top}" font-family="Helvetica, Arial, 'Liberation Sans', 'DejaVu Sans Condensed', sans-serif" font-size="12" role="group" aria-label="graph">${svgOf(picture)}</svg>`;
  resize();
  if (before) {
    $("graph").scrollLeft += (keep.x - before[0]) * zoomNow();
    $("graph").scrollTop += (keep.y - before[1]) * zoomNow();
  }
  mark();
}

const drawnPart = (part) => $("graph").querySelector(`[data-part="${part.id}"]`);

function toggle(box) {
  box.open = !box.open;
  draw(box);
  const again = drawnPart(box);
  if (again) again.focus({ preventScroll: true });
}

function openAround(part) {
  let opened = false;
  for (let around = part.up; around; around = around.up) {
    opened = opened || !around.open;
    around.open = true;
  }
  return opened;
}

function setAll(open) {
  for (const box of boxes) box.open = open;
  draw();
}

function openTo(depth) {
  for (const box of boxes) box.open = box.level < depth;
}

function mark() {
  for (const element of $("graph").querySelectorAll(".chosen, .hit")) element.classList.remove("chosen", "hit");
  for (const element of $("graph").querySelectorAll(".badge")) element.remove();
  if (state.chosen >= 0 && tileOfLayer[state.chosen]) {
    const [tile, strip] = tileOfLayer[state.chosen], seen = shown(tile), element = drawnPart(seen);
    if (element) {
      element.classList.add("chosen");
      const rect = element.querySelector(`[data-strip="${strip}"]`);
      if (rect) rect.classList.add("chosen");
    }
  }
  if (!state.query) return;
  const found = new Map();
  for (const layer of hits())
    if (tileOfLayer[layer]) {
      const part = shown(tileOfLayer[layer][0]);
      found.set(part, (found.get(part) || 0) + 1);
    }
  for (const [part, count] of found) {
    const element = drawnPart(part);
    if (!element) continue;
    element.classList.add("hit");
    if (part.k === "b") element.insertAdjacentHTML("beforeend", badgeOf(part, count));
  }
}

const SHOWN = 160; // pixels of the panel that come into view

// --- choosing a layer ---------------------------------------------------------------------------------------

function choose(layer, from = "") {
  state.chosen = layer;
  const hash = `#layer=${encodeURIComponent(LAYERS.names[layer])}`;
  if (location.hash !== hash) history.replaceState(null, "", hash);
  if (tileOfLayer[layer]) {
    const [tile] = tileOfLayer[layer];
    if (openAround(tile)) draw();
    else mark();
    const element = drawnPart(tile);
    if (element && from !== "graph") centre(element);
  }
  table();
  panel(layer);
  if (from !== "graph") document.querySelector(".graph").scrollIntoView({ block: "nearest" });
  else scrollBy(0, Math.max(0, $("panel").getBoundingClientRect().top - innerHeight + SHOWN)); // it is below on a phone
}

function centre(element) {
  const graph = $("graph"), inner = element.getBoundingClientRect(), outer = graph.getBoundingClientRect();
  graph.scrollTop += inner.top - outer.top - outer.height / 2;
  graph.scrollLeft += inner.left - outer.left - outer.width / 2;
}

let opened = null;
async function formulas() {
  if (opened) return opened;
  const packed = Uint8Array.from(atob(DATA.formulas), (letter) => letter.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  opened = JSON.parse(await new Response(stream).text());
  return opened;
}

const link = (name) => {
  const layer = LAYERS.names.indexOf(name);
  return layer < 0 ? escaped(name) : `<a href="#layer=${encodeURIComponent(name)}">${escaped(name)}</a>`;
};

async function panel(layer) {
  const names = LAYERS.inputs[layer].map((input) => (typeof input === "number" ? LAYERS.names[input] : input));
  const readers = LAYERS.names.filter((_, other) => LAYERS.inputs[other].includes(layer));
  const facts = [["reads", names.map(link).join(", ")], ["output", SHAPES[layer]]];
  if (readers.length) facts.push(["read by", readers.slice(0, 8).map(link).join(", ") + (readers.length > 8 ? ", …" : "")]);
  for (const by of Object.keys(VALUES)) facts.push([DATA.titles[by], figure(by, VALUES[by][layer])]);
  facts.push(["sees", FIELDS[layer]]);
  $("panel").innerHTML = `<h2>${escaped(LAYERS.names[layer])}</h2><p>${escaped(TYPES[layer])} · <button type="button" id="row">its row</button></p>` +
    `<dl>${facts.map(([name, value]) => `<dt>${name}</dt><dd>${value}</dd>`).join("")}</dl><pre id="formulas"></pre>`;
  const { lines, layers, of } = await formulas();
  if (state.chosen === layer) $("formulas").textContent = layers[of[layer]].map((line) => lines[line]).join("\n");
}

// --- hands --------------------------------------------------------------------------------------------------

function clicked(event) {
  if (hand.moved) return;
  const element = event.target.closest(".part");
  if (!element) return;
  const part = parts[+element.dataset.part];
  if (part.k === "b") toggle(part);
  else if (part.message) $("panel").innerHTML = `<h2>${escaped(part.strips[0][0])}</h2><p>${escaped(part.message)}</p>`;
  else if (part.places.length) choose(part.places[+(event.target.dataset.strip || part.strips.findIndex((strip) => strip[2])) % part.each], "graph");
}

function step(event) {
  if (/^[+-]$/.test(event.key) && !event.ctrlKey && !event.metaKey) return zoomBy(event.key === "+" ? ZOOM.step : 1 / ZOOM.step);
  const element = event.target.closest(".part");
  if (!element) return undefined;
  if (event.key === "Enter" || event.key === " ") {
    hand.moved = false;
    event.preventDefault();
    clicked(event);
  } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    event.preventDefault();
    const order = state.picture.placing.parts, at = order.indexOf(parts[+element.dataset.part]);
    const next = order[at + (event.key === "ArrowDown" ? 1 : -1)];
    const there = next && drawnPart(next);
    if (!there) return;
    if (!there.hasAttribute("tabindex")) there.setAttribute("tabindex", "-1");
    there.focus();
  }
}

function save() {
  const { w, h, placing } = state.picture;
  const heading = textAt(G.BORDER, G.BORDER + 10, DATA.title, "ink", 15, true) + textAt(G.BORDER, G.BORDER + 27, DATA.about, "muted", 10);
  const text = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${w} ${h}" width="${w}" height="${h}" font-family="Helvetica, Arial, 'Liberation Sans', 'DejaVu Sans Condensed', sans-serif" font-size="12"><rect width="${w}" height="${h}" fill="#ffffff"/>${heading}${svgOf({ placing })}</svg>`;
  const anchor = Object.assign(document.createElement("a"), { download: `${DATA.title.replace(/[^\w.-]+/g, "_")}.svg` });
  anchor.href = URL.createObjectURL(new Blob([text], { type: "image/svg+xml" }));
  anchor.click();
  setTimeout(() => URL.revokeObjectURL(anchor.href), 1000);
}

function press(event) {
  const button = event.target.closest("button");
  if (!button) return;
  if (button.dataset.by) {
    state.by = button.dataset.by;
    for (const other of document.querySelectorAll("button[data-by]")) other.setAttribute("aria-pressed", other === button);
    draw();
    table();
  } else if (button.dataset.group) {
    const group = findGroup(groups, button.dataset.group);
    group.open = !group.open;
    table();
    const again = [...$("rows").querySelectorAll("button")].find((other) => other.dataset.group === button.dataset.group);
    if (again) again.focus();
  } else if (button.dataset.order) {
    const order = button.dataset.order, first = order === "layer" ? "" : "-";
    state.sort = state.sort === first + order ? (first ? order : `-${order}`) : state.sort && state.sort.replace("-", "") === order ? "" : first + order;
    table();
  } else if (button.id === "more") {
    shownRows += MOST_ROWS;
    table();
  } else if (button.id === "row") $("rows").querySelector(".chosen").scrollIntoView({ block: "center" });
  else if (button.id === "expand") setAll(true);
  else if (button.id === "collapse") setAll(false);
  else if (button.id === "save") save();
  else if (button.id === "fit") fitWidth();
  else if (button.id === "nearer") zoomBy(ZOOM.step);
  else if (button.id === "farther") zoomBy(1 / ZOOM.step);
  else if (button.id === "wide") {
    state.wide = !state.wide;
    button.setAttribute("aria-pressed", state.wide);
    draw();
  }
}

function fromHash() {
  if (!location.hash.startsWith("#layer=")) return;
  const layer = LAYERS.names.indexOf(decodeURIComponent(location.hash.slice(7)));
  if (layer >= 0 && layer !== state.chosen) choose(layer);
}

document.addEventListener("click", press);
$("graph").addEventListener("click", clicked);
$("graph").addEventListener("keydown", step);
$("search").addEventListener("input", (event) => {
  state.query = event.target.value.trim();
  shownRows = MOST_ROWS;
  table();
  mark();
});
$("search").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && state.query && hits().length) choose(hits()[0]);
  if (event.key === "Escape") {
    event.target.value = state.query = "";
    table();
    mark();
  }
});
document.addEventListener("keydown", (event) => {
  if (event.key === "/" && !/INPUT|TEXTAREA/.test(event.target.tagName)) {
    event.preventDefault();
    $("search").focus();
  }
});
window.addEventListener("hashchange", fromHash);
window.addEventListener("beforeprint", () => {
  shownRows = 5000;
  table();
});
document.documentElement.classList.add("scripted");
$("wide").hidden = root.body.k === "v";
openTo(DATA.depth);
draw();
// On a phone columns side by side would be too small to read, or cut off.
if (innerWidth < 600 && !$("wide").hidden && state.picture.w * ZOOM.readable > $("graph").clientWidth) $("wide").click();
table();
fromHash();
