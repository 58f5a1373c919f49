// The table of layers, in groups that open and close; rows of what is closed are not made.

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
    `<td>${layers.length} layer${layers.length > 1 ? "s" : ""}</td><td>${escaped(SHAPES[entry.to - 1])}</td>${cellsOf(layers)}</tr>`;
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
