// What the page knows of the network: its parts, as geometry.js reads them, and a column for each figure.

const DATA = JSON.parse(document.getElementById("data").textContent);
const G = DATA.constants, COLOURS = DATA.colours, LAYERS = DATA.layers;
const column = ([distinctValues, places]) => places.map((place) => distinctValues[place]);
const TYPES = column(LAYERS.types), SHAPES = column(LAYERS.shapes), FIELDS = column(LAYERS.fields);
const VALUES = Object.fromEntries(Object.entries(LAYERS.values).map(([by, packed]) => [by, column(packed)]));
const PREFIXES = { macs: ["T", "G", "M", "k"], params: ["T", "G", "M", "k"] };
const MOST_ROWS = 400;

const state = { by: DATA.by, chosen: -1, query: "", wide: true, sort: "", zoom: 1, fits: true, top: G.BORDER + G.HEADING - 8 };
const tiles = [], parts = [], tileOfLayer = [];
const $ = (id) => document.getElementById(id);

// --- what the data says -------------------------------------------------------------------------------------

function decoded(packed, level = 0, up = null) {
  const [k, ...rest] = packed;
  const part = { k, up: null, id: parts.length };
  parts.push(part);
  if (k === "t") {
    const [form, kind, strips, places, count, w, h, flags, message] = rest;
    const formName = ["card", "circle", "pill"][form];
    Object.assign(part, { form: formName, kind, strips, places, count, message, w, h, axis: half(w), up, number: tiles.length });
    part.joins = formName === "circle" || (kind === "merge" && formName === "card");
    part.each = strips.filter((strip) => strip[1] !== "note").length;
    setFlags(part, flags);
    tiles.push(part);
    places.forEach((layer, place) => (tileOfLayer[layer] = [part, place % part.each]));
  } else if (k === "b") {
    const [name, about, path, count, madeUp, closedWidth, titleWidth, lanes, body, flags] = rest;
    Object.assign(part, { name, about, path, count, madeUp, closedWidth, titleWidth, lanes, level, up, open: !level });
    part.body = part.inside = decoded(body, level + 1, part);
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
    Object.assign(part, { passes: !!passes, joint: null });
    const none = (flag) => !part.branches.some((branch) => branch[flag]);
    part.isTrunk = part.passes && (none("feeds") || none("reads"));
    setFlags(part, flags);
  } else {
    const [steps, bottom] = rest;
    part.steps = steps.map(([down, across, upward, lanes]) => ({ lanes,
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
function duration(seconds) {
  for (const [unit, name] of [[1, "s"], [1e-3, "ms"]]) if (seconds >= unit) return `${four(seconds / unit)} ${name}`;
  return `${four(seconds * 1e6)} µs`;
}
const figure = (by, value) => (by === "memory" ? bytes(value) : by === "time" ? duration(value) : exact(value));

function titleOf(part) {
  const layers = part.places || [];
  if (!layers.length) return part.message || (part.strips ? part.strips[0][0] : part.name);
  const first = LAYERS.names[layers[0]], last = LAYERS.names[layers[layers.length - 1]];
  const head = part.k === "b" ? `${part.path || part.name}${part.count > 1 ? ` and ${part.count - 1} like it` : ""}, ${layers.length} layers`
    : part.count > 1 || layers.length > part.each ? `${first} … ${last}` : first;
  const share = shareText(valueOf(part) / total());
  return `${head}\n${figure(state.by, valueOf(part))} of ${DATA.words[state.by]}${share ? ` (${share})` : ""}`;
}
