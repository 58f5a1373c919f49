// The page: graph, table and panel of one network, kept together by the layer that is chosen.

const DATA = JSON.parse(document.getElementById("data").textContent);
const G = DATA.constants, COLOURS = DATA.colours, LAYERS = DATA.layers;
const column = ([distinctValues, places]) => places.map((place) => distinctValues[place]);
const TYPES = column(LAYERS.types), SHAPES = column(LAYERS.shapes), FIELDS = column(LAYERS.fields);
const VALUES = Object.fromEntries(Object.entries(LAYERS.values).map(([by, packed]) => [by, column(packed)]));
const PREFIXES = { macs: ["T", "G", "M", "k"], params: ["T", "G", "M", "k"] };
const MOST_ROWS = 400;

const state = { by: DATA.by, chosen: -1, query: "", wide: true, sort: "" };
const tiles = [], parts = [], tileOfLayer = [];
const $ = (id) => document.getElementById(id);

// --- what the data says -------------------------------------------------------------------------------------

function decoded(packed, level = 0, up = null) {
  const [k, ...rest] = packed;
  const part = { k, up: null, id: parts.length };
  parts.push(part);
  if (k === "t") {
    const [form, kind, strips, places, count, w, h, flags] = rest;
    const formName = ["card", "circle", "pill"][form];
    Object.assign(part, { form: formName, kind, strips, places, count, w, h, axis: half(w), up, number: tiles.length });
    part.joins = formName === "circle" || (kind === "merge" && formName === "card");
    part.each = strips.filter((strip) => strip[1] !== "note").length;
    setFlags(part, flags);
    tiles.push(part);
    places.forEach((layer, place) => (tileOfLayer[layer] = [part, place % part.each]));
  } else if (k === "b") {
    const [name, about, path, count, madeUp, closedWidth, titleWidth, tracks, lanes, body, flags] = rest;
    Object.assign(part, { name, about, path, count, madeUp, closedWidth, titleWidth, tracks, lanes, level, up, open: !level });
    part.body = decoded(body, level + 1, part);
    part.places = tiles.length ? placesIn(part.body) : [];
    setFlags(part, flags);
  } else if (k === "s") {
    const [items, links, labels, flags] = rest;
    part.items = items.map((item) => decoded(item, level, up));
    Object.assign(part, { links: [...links].map((link) => link === "1"), labels: labels.map((label) => label || "") });
    setFlags(part, flags);
    part.items.forEach((item, place) => {
      const below = part.items[place + 1];
      if (item.k === "f" && item.passes && !item.isTrunk && below && below.joins) item.joint = below;
    });
  } else if (k === "f") {
    const [branches, passes, flags] = rest;
    part.branches = branches.map((branch) => decoded(branch, level, up));
    Object.assign(part, { passes: !!passes, isTrunk: !!passes && !part.branches.some((branch) => branch.feeds), joint: null });
    setFlags(part, flags);
  } else {
    const [steps, bottom] = rest;
    part.steps = steps.map(([down, across, upward]) => ({
      down: decoded(down, level, up), across: across ? decoded(across, level, up) : null, up: decoded(upward, level, up) }));
    Object.assign(part, { bottom: decoded(bottom, level, up), reads: true, feeds: true });
  }
  return part;
}

const setFlags = (part, flags) => Object.assign(part, { reads: !!(flags & 1), feeds: !!(flags & 2) });

function placesIn(part) {
  if (part.k === "t" || part.k === "b") return part.places;
  if (part.k === "s") return part.items.flatMap(placesIn);
  if (part.k === "f") return part.branches.flatMap(placesIn);
  return [...part.steps.flatMap((step) => [step.down, step.up, ...(step.across ? [step.across] : [])].flatMap(placesIn)),
    ...placesIn(part.bottom)];
}

const root = decoded(DATA.root);
const boxes = parts.filter((part) => part.k === "b" && part !== root);
const total = () => DATA.totals[state.by];
const sumOf = (layers, by) => layers.reduce((sum, layer) => sum + VALUES[by][layer], 0);
const valueOf = (part) => {
  part.sums = part.sums || {};
  if (!(state.by in part.sums)) part.sums[state.by] = sumOf(part.places || [], state.by);
  return part.sums[state.by];
};

const exact = (number) => Math.round(number).toLocaleString("en-US");
function fixed(value, digits) {
  const scaled = value * 10 ** digits, floor = Math.floor(scaled);
  return ((scaled - floor === 0.5 ? floor + (floor % 2) : Math.round(scaled)) / 10 ** digits).toFixed(digits);
}
function four(value) {
  const text = fixed(value, value < 10 ? 3 : value < 100 ? 2 : value < 1000 ? 1 : 0);
  return text.includes(".") ? text.replace(/\.?0+$/, "") : text;
}
function bytes(count) {
  for (const [unit, name] of [[2 ** 40, "TiB"], [2 ** 30, "GiB"], [2 ** 20, "MiB"], [2 ** 10, "KiB"]])
    if (count >= unit) return `${four(count / unit)} ${name}`;
  return `${count} B`;
}
const figure = (by, value) => (by === "memory" ? bytes(value) : by === "time" ? `${four(value * 1e6)} µs` : exact(value));

function titleOf(part) {
  const layers = part.places || [];
  if (!layers.length) return part.strips ? part.strips[0][0] : part.name;
  const first = LAYERS.names[layers[0]], last = LAYERS.names[layers[layers.length - 1]];
  const head = part.k === "b" ? `${part.path || part.name}${part.count > 1 ? ` and ${part.count - 1} like it` : ""}, ${layers.length} layers`
    : part.count > 1 || layers.length > part.each ? `${first} … ${last}` : first;
  const share = shareText(valueOf(part) / total());
  return `${head}\n${figure(state.by, valueOf(part))} of ${DATA.words[state.by]}${share ? ` (${share})` : ""}`;
}
const spoken = (box) => `${box.name}${box.count > 1 ? ` ×${box.count}` : ""}: ${box.about}`;

// --- the graph ----------------------------------------------------------------------------------------------

function laidOut() {
  size(root.body);
  const isStack = root.body.k === "s";
  const body = isStack && state.wide && !root.lanes.length ? bestColumns(root.body, DATA.headingWidth) : root.body;
  size(body);
  const placing = new Placing();
  placing.place(body, G.BORDER, G.BORDER + G.HEADING);
  Object.assign(root, { x: G.BORDER, y: G.BORDER + G.HEADING, h: body.h, w: body.w + (root.tracks ? G.TRACK * root.tracks + 8 : 0) });
  placing.lines.push(...laneLines([...placing.lanes, root]));
  const beside = most(placing.texts.map(([x, , text]) => x + text.length * 6));
  return { placing, w: Math.max(root.w + 2 * G.BORDER, beside + G.BORDER), h: root.h + G.HEADING + 2 * G.BORDER };
}

function draw(keep = null) {
  const before = keep && keep.y !== undefined ? keep.y : null;
  const picture = laidOut();
  state.picture = picture;
  const top = G.BORDER + G.HEADING - 8;
  $("graph").innerHTML = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 ${top} ${picture.w} ${picture.h - top}" width="${picture.w}" height="${picture.h - top}" font-family="Helvetica, Arial, 'Liberation Sans', sans-serif" font-size="12" role="group" aria-label="graph">${svgOf(picture)}</svg>`;
  if (before !== null) $("graph").scrollTop += keep.y - before;
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
  if (state.chosen >= 0 && tileOfLayer[state.chosen]) {
    const [tile, strip] = tileOfLayer[state.chosen], seen = shown(tile), element = drawnPart(seen);
    if (element) {
      element.classList.add("chosen");
      const rect = element.querySelector(`[data-strip="${strip}"]`);
      if (rect) rect.classList.add("chosen");
    }
  }
  if (!state.query) return;
  for (const part of new Set(hits().filter((layer) => tileOfLayer[layer]).map((layer) => shown(tileOfLayer[layer][0])))) {
    const element = drawnPart(part);
    if (element) element.classList.add("hit");
  }
}

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

// --- the table ----------------------------------------------------------------------------------------------

function grouped(from, to, depth, path) {
  const found = [];
  for (let start = from; start < to; ) {
    const names = LAYERS.names[start].split(".");
    if (names.length <= depth + 1) {
      found.push({ layer: start++ });
      continue;
    }
    const prefix = [...path, names[depth]].join(".");
    let end = start + 1;
    while (end < to && LAYERS.names[end].startsWith(`${prefix}.`)) end++;
    found.push({ name: names[depth], path: prefix, from: start, to: end, depth, open: LAYERS.names.length <= MOST_ROWS, inner: null });
    start = end;
  }
  return found;
}
const innerOf = (group) => (group.inner = group.inner || grouped(group.from, group.to, group.depth + 1, group.path.split(".")));
const groups = grouped(0, LAYERS.names.length, 0, []);

function visibleRows(list, level, found) {
  for (const entry of list) {
    found.push([entry, level]);
    if (entry.inner !== undefined && entry.open) visibleRows(innerOf(entry), level + 1, found);
  }
  return found;
}

const hits = () => {
  const query = state.query.toLowerCase();
  return LAYERS.names.map((_, layer) => layer).filter((layer) => `${LAYERS.names[layer]} ${TYPES[layer]}`.toLowerCase().includes(query));
};

function flatRows() {
  const rows = state.query ? hits() : LAYERS.names.map((_, layer) => layer);
  const [by, down] = [state.sort.replace("-", ""), state.sort.startsWith("-")];
  const value = by === "layer" ? (layer) => LAYERS.names[layer] : by in VALUES ? (layer) => VALUES[by][layer] : null;
  if (value) rows.sort((a, b) => (value(a) < value(b) ? -1 : value(a) > value(b) ? 1 : a - b) * (down ? -1 : 1));
  return rows.map((layer) => [{ layer }, -1]);
}

const cellsOf = (layers) => Object.keys(VALUES).map((by) => {
  const value = layers.length === 1 ? VALUES[by][layers[0]] : sumOf(layers, by);
  const share = by === state.by ? ` style="background-size:${((100 * value) / total() || 0).toFixed(1)}% 100%" class="share"` : "";
  return `<td${share}>${figure(by, value)}</td>`;
}).join("");

function rowOf([entry, level]) {
  if (entry.inner === undefined) {
    const { layer } = entry, name = LAYERS.names[layer];
    const text = level < 0 ? name : name.split(".").slice(level).join(".");
    return `<tr data-layer="${layer}"${layer === state.chosen ? ' class="chosen"' : ""}><th scope="row" style="padding-left:${0.4 + Math.max(level, 0)}em"><a href="#layer=${encodeURIComponent(name)}">${escaped(text)}</a></th>` +
      `<td>${escaped(TYPES[layer])}</td><td>${escaped(SHAPES[layer])}</td>${cellsOf([layer])}</tr>`;
  }
  const layers = Array.from({ length: entry.to - entry.from }, (_, place) => entry.from + place);
  return `<tr class="group"><th scope="row" style="padding-left:${0.4 + level}em"><button type="button" data-group="${escaped(entry.path)}|${entry.from}" aria-expanded="${entry.open}">${entry.open ? "▾" : "▸"} ${escaped(entry.name)}</button></th>` +
    `<td>${layers.length} layers</td><td>${escaped(SHAPES[entry.to - 1])}</td>${cellsOf(layers)}</tr>`;
}

let shownRows = MOST_ROWS;
function table() {
  if (state.chosen >= 0) openGroups(groups, state.chosen);
  const rows = state.query || state.sort ? flatRows() : visibleRows(groups, 0, []);
  const at = rows.findIndex(([entry]) => entry.layer === state.chosen);
  if (at >= shownRows) shownRows = at + MOST_ROWS;
  const rest = rows.length - shownRows;
  $("rows").innerHTML = rows.slice(0, shownRows).map(rowOf).join("") +
    (rest > 0 ? `<tr><td colspan="6"><button type="button" id="more">${exact(rest)} more rows</button></td></tr>` : "");
  for (const head of document.querySelectorAll("#layers thead th[data-sort]")) {
    const is = state.sort.replace("-", "") === head.dataset.sort;
    head.setAttribute("aria-sort", is ? (state.sort.startsWith("-") ? "descending" : "ascending") : "none");
  }
  $("found").textContent = state.query ? `${exact(hits().length)} found` : "";
}

function openGroups(list, layer) {
  for (const group of list)
    if (group.inner !== undefined && group.from <= layer && layer < group.to) {
      group.open = true;
      openGroups(innerOf(group), layer);
    }
}

function findGroup(list, key) {
  for (const group of list) {
    if (group.inner === undefined) continue;
    if (`${group.path}|${group.from}` === key) return group;
    const within = group.inner && findGroup(group.inner, key);
    if (within) return within;
  }
  return null;
}

// --- hands --------------------------------------------------------------------------------------------------

function clicked(event) {
  const element = event.target.closest(".part");
  if (!element) return;
  const part = parts[+element.dataset.part];
  if (part.k === "b") toggle(part);
  else if (part.places.length) choose(part.places[+(event.target.dataset.strip || part.strips.findIndex((strip) => strip[2])) % part.each], "graph");
}

function step(event) {
  const element = event.target.closest(".part");
  if (!element) return;
  if (event.key === "Enter" || event.key === " ") {
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
  const text = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${w} ${h}" width="${w}" height="${h}" font-family="Helvetica, Arial, sans-serif" font-size="12"><rect width="${w}" height="${h}" fill="#ffffff"/>${heading}${svgOf({ placing })}</svg>`;
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
  else if (button.id === "fit") button.setAttribute("aria-pressed", $("graph").classList.toggle("fits"));
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
openTo(DATA.depth);
draw();
table();
fromHash();
