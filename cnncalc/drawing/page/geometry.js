"use strict";
// Sizes of parts, bottom up: what geometry.py and columns.py do, in the same integers.
// G holds their constants; a test holds the two languages equal.

const half = (number) => Math.floor(number / 2);
const most = (numbers) => numbers.reduce((a, b) => (b > a ? b : a), 0);
const even = (width) => Math.ceil(width / 4) * 4;

function size(part) {
  if (part.k === "s") {
    part.items.forEach(size);
    pile(part);
  } else if (part.k === "f") sizeFork(part);
  else if (part.k === "b") sizeBox(part);
  else if (part.k === "v") sizeValley(part);
  else if (part.k === "c") {
    part.stacks.forEach(size);
    setApart(part);
  }
}

function sizeBox(box) {
  if (!box.open) {
    Object.assign(box, { w: box.closedWidth, h: G.CLOSED, axis: half(box.closedWidth) });
    return;
  }
  size(box.body);
  setRoutes(box);
  enclose(box);
}

function enclose(box) {
  box.axis = Math.max(G.MARGIN + box.body.axis, even(box.titleWidth) + 20);
  box.w = box.axis - box.body.axis + box.body.w + G.MARGIN + beside(box);
  box.h = G.HEADER + box.body.h + G.MARGIN;
}

const beside = (box) => (box.tracks ? G.TRACK * box.tracks + 8 : 0);

function pile(stack) {
  let top = 0;
  stack.tops = [];
  stack.items.forEach((item, place) => {
    stack.tops.push(top);
    top += item.h;
    if (place + 1 < stack.items.length) top += gap(item, stack.items[place + 1], stack.labels[place]);
  });
  stack.h = top;
  stack.axis = most(stack.items.map((item) => item.axis));
  stack.w = stack.axis + most(stack.items.map((item) => item.w - item.axis));
}

function gap(above, below, label) {
  if (above.k === "f") return G.FORK_GAP;
  if (below.k === "f" && below.reads) return label ? 14 : 0;
  return label ? G.LABEL_GAP : G.GAP;
}

function sizeFork(fork) {
  let left = fork.isTrunk ? 2 * G.BESIDE : 0;
  fork.lefts = [];
  for (const branch of fork.branches) {
    size(branch);
    fork.lefts.push(left);
    left += branch.w + G.BESIDE;
  }
  const axes = fork.branches.map((branch, place) => fork.lefts[place] + branch.axis);
  const width = Math.max(left - G.BESIDE, 0);
  const heights = fork.branches.map((branch) => branch.h);
  const highest = most(heights);
  if (fork.isTrunk) fork.axis = fork.lane = G.BESIDE;
  else if (axes.length === 1) fork.axis = axes[0];
  else if (axes.length === 2 && 3 * Math.min(...heights) <= 2 * highest) fork.axis = axes[heights.indexOf(highest)];
  else fork.axis = Math.floor(width / 4) * 2;
  fork.w = width;
  if (fork.passes && !fork.isTrunk) {
    const room = fork.joint ? fork.joint.w - fork.joint.axis : 0;
    fork.lane = Math.max(width, fork.axis + room) + G.LANE;
    fork.w = fork.lane + 4;
  }
  const above = fork.reads ? G.SPREAD : 0;
  fork.h = above + highest + (meet(fork, axes) ? G.MERGE : 4);
  fork.tops = fork.branches.map((branch) => above + rise(branch, highest));
}

function meet(fork, axes) {
  const ends = axes.filter((_, place) => fork.branches[place].feeds);
  if (fork.passes && !fork.joint) ends.push(fork.lane);
  return ends.length > 1 || ends.some((axis) => axis !== fork.axis);
}

function rise(branch, highest) {
  if (!branch.reads) return highest - branch.h;
  return branch.feeds ? half(highest - branch.h) : 0;
}

function sizeValley(valley) {
  size(valley.bottom);
  let across = 40;
  for (const step of valley.steps) {
    size(step.down);
    size(step.up);
    if (step.across) across = Math.max(across, step.across.w + 2 * G.ACROSS);
  }
  const downs = valley.steps.map((step) => step.down), ups = valley.steps.map((step) => step.up);
  valley.left = most(downs.map((down) => down.axis));
  const width = valley.left + most(downs.map((down) => down.w - down.axis));
  valley.right = width + across + most(ups.map((up) => up.axis));
  let top = 0;
  valley.bottoms = [];
  for (const step of valley.steps) {
    top += Math.max(step.down.h, step.up.h);
    valley.bottoms.push(top);
    top += G.LABEL_GAP + 8;
  }
  valley.h = top + 2 * G.TURN + valley.bottom.h + G.TURN;
  valley.axis = valley.left;
  valley.w = Math.max(valley.right + most(ups.map((up) => up.w - up.axis)),
    valleyLeft(valley) + valley.bottom.w + 2 * G.TURN);
}

const valleyLeft = (valley) =>
  Math.max(Math.floor((valley.left + valley.right) / 4) * 2 - valley.bottom.axis, 0);

function setApart(columns) {
  let left = 0;
  columns.lefts = [];
  for (const stack of columns.stacks) {
    columns.lefts.push(left);
    left += stack.w + G.COLUMN_GAP;
  }
  columns.w = left - G.COLUMN_GAP;
  columns.h = most(columns.stacks.map((stack) => stack.h)) + 2 * G.TURN + 12 + (columns.returns ? G.TURN : 0);
  columns.axis = columns.stacks[0].axis;
}

// --- beside the tree ----------------------------------------------------------------------------------------

function shown(tile) {
  let seen = tile;
  for (let around = tile.up; around; around = around.up) if (!around.open) seen = around;
  return seen;
}

function directPairs(part, found = new Set()) {
  if (part.k === "f") for (const branch of part.branches) directPairs(branch, found);
  if (part.k === "s")
    part.items.forEach((below, place) => {
      const above = part.items[place - 1];
      if (place && part.links[place] && above.feeds && below.reads) found.add(`${above.id} ${below.id}`);
      if (below.k === "f") directPairs(below, found);
    });
  return found;
}

function setRoutes(box) {
  const spans = new Map(), direct = box.lanes.length ? directPairs(box.body) : null;
  for (const [from, to, first, last] of box.lanes) {
    const ends = [shown(tiles[from]), shown(tiles[to])], key = `${ends[0].id} ${ends[1].id}`;
    const span = spans.get(key) || { ends, first, last };
    if (ends[0] !== ends[1] && !direct.has(key))
      spans.set(key, { ends, first: Math.min(span.first, first), last: Math.max(span.last, last) });
  }
  const filled = [];
  box.routes = [];
  for (const { ends, first, last } of spans.values()) {
    let track = filled.findIndex((end) => end <= first);
    if (track < 0) track = Math.min(filled.length, G.TRACKS - 1);
    if (track === filled.length) filled.push(0);
    filled[track] = Math.max(filled[track], last);
    box.routes.push([...ends, track]);
  }
  box.tracks = filled.length;
}

// --- columns ------------------------------------------------------------------------------------------------

const excess = (heading) =>
  Math.max(Math.max(root.body.w + beside(root), heading) / G.PAGE_WIDTH, root.body.h / G.PAGE_HEIGHT);

function bestColumns(most, heading) {
  const boxes = largestBoxes(), tried = [];
  boxes.forEach((box, place) => {
    const whole = box.body, around = boxes.slice(0, place + 1);
    for (let count = place ? 2 : 1; count <= most; count++) {
      const body = inColumns(whole, count, place > 0);
      put(around, body);
      tried.push({ around, body, columns: body.k === "c" ? body.stacks.length : 1, excess: excess(heading) });
    }
    put(around, whole);
  });
  const best = Math.min(...tried.map((one) => one.excess)), limit = best > G.FITS ? G.FEWER * best : Math.min(G.FEWER * best, G.FITS);
  const near = tried.filter((one) => one.excess <= limit);
  return near.reduce((a, b) => (b.columns < a.columns || (b.columns === a.columns && b.excess < a.excess) ? b : a));
}

function put(boxes, body) {
  let last = boxes[boxes.length - 1];
  last.body = body;
  for (const outer of boxes.slice(0, -1).reverse()) {
    enclose(last);
    pile(outer.body);
    last = outer;
  }
}

function largestBoxes() {
  const found = [root];
  for (;;) {
    const { body } = found[found.length - 1];
    const isCut = (item) => item.k === "b" && item.open && item.count === 1 && !item.lanes.length && item.body.k === "s";
    const inside = body.k === "s" && body.items.find((item) => isCut(item) && 2 * item.h > root.body.h);
    if (!inside) return found;
    found.push(inside);
  }
}

function inColumns(stack, count, returns) {
  if (count === 1 || stack.items.length < 2) return stack;
  let low = most(stack.items.map((item) => item.h)), high = stack.h;
  while (low < high) {
    const middle = half(low + high);
    if (cuts(stack, middle).length <= count) high = middle;
    else low = middle + 1;
  }
  const starts = cuts(stack, high);
  const stacks = starts.map((start, place) => {
    const end = place + 1 < starts.length ? starts[place + 1] : stack.items.length;
    return { k: "s", items: stack.items.slice(start, end), links: stack.links.slice(start, end + 1),
      labels: stack.labels.slice(start, end), reads: place > 0 || stack.reads, feeds: true };
  });
  const columns = { k: "c", stacks, returns: returns && stack.feeds, reads: true, feeds: true };
  stacks.forEach(pile);
  setApart(columns);
  return columns;
}

function cuts(stack, height) {
  const starts = [0];
  let filled = 0;
  stack.items.forEach((item, place) => {
    const above = stack.items[place - 1];
    const before = place ? gap(above, item, stack.labels[place - 1]) : 0;
    if (place && filled + before + item.h > height && above.k !== "f") {
      starts.push(place);
      filled = item.h;
    } else filled += before + item.h;
  });
  return starts;
}
