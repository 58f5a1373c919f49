"use strict";
// Sizes bottom up, places top down, and the lines between: what geometry.py does, in the same integers.
// G holds the constants of geometry.py and parts.py; a test holds the two languages equal.

const half = (number) => Math.floor(number / 2);
const most = (numbers) => numbers.reduce((a, b) => (b > a ? b : a), 0);
const even = (width) => Math.ceil(width / 4) * 4;

function size(part) {
  if (part.k === "s") sizeStack(part);
  else if (part.k === "f") sizeFork(part);
  else if (part.k === "b") sizeBox(part);
  else if (part.k === "v") sizeValley(part);
  else if (part.k === "c") sizeColumns(part);
}

function sizeBox(box) {
  if (!box.open) {
    Object.assign(box, { w: box.closedWidth, h: G.CLOSED, axis: half(box.closedWidth) });
    return;
  }
  size(box.body);
  box.axis = Math.max(G.MARGIN + box.body.axis, even(box.titleWidth) + 20);
  box.w = box.axis - box.body.axis + box.body.w + G.MARGIN + (box.tracks ? G.TRACK * box.tracks + 8 : 0);
  box.h = G.HEADER + box.body.h + G.MARGIN;
}

function sizeStack(stack) {
  let top = 0;
  stack.tops = [];
  stack.items.forEach((item, place) => {
    size(item);
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

function sizeColumns(columns) {
  let left = 0;
  columns.lefts = [];
  for (const stack of columns.stacks) {
    size(stack);
    columns.lefts.push(left);
    left += stack.w + G.COLUMN_GAP;
  }
  columns.w = left - G.COLUMN_GAP;
  columns.h = most(columns.stacks.map((stack) => stack.h)) + 2 * G.TURN + 12;
  columns.axis = columns.stacks[0].axis;
}

function bestColumns(stack, heading) {
  let best = stack, least = null;
  for (let count = 1; count <= G.MOST_COLUMNS; count++) {
    const columns = inColumns(stack, count);
    size(columns);
    const tall = columns.h / Math.max(columns.w, heading);
    const worth = Math.max(tall / G.TALLNESS, G.TALLNESS / tall);
    if (least === null || worth < least * 0.95) [best, least] = [columns, worth];
  }
  return best;
}

function inColumns(stack, count) {
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
      labels: stack.labels.slice(start, end), reads: true, feeds: true };
  });
  return { k: "c", stacks, reads: true, feeds: true };
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

class Placing {
  constructor() {
    Object.assign(this, { lines: [], texts: [], parts: [], lanes: [] });
  }

  place(part, x, y, up = false) {
    Object.assign(part, { x, y: up ? y - part.h : y, flipped: up });
    if (part.k === "t") this.parts.push(part);
    else if (part.k === "s") this.stack(part, x, y, up);
    else if (part.k === "f") this.fork(part, x, y, up);
    else if (part.k === "v") this.valley(part, x, y);
    else if (part.k === "c") this.columns(part, x, y);
    else this.box(part, x, y, up);
  }

  line(x, y, up, points, skip = false, arrow = false) {
    const sign = up ? -1 : 1;
    this.lines.push({ points: points.map(([dx, dy]) => [x + dx, y + sign * dy]), skip, arrow });
  }

  box(box, x, y, up) {
    this.parts.push(box);
    if (!box.open) return;
    const body = box.body, first = up ? G.MARGIN : G.HEADER;
    this.place(body, x + box.axis - body.axis, up ? y - first : y + first, up);
    if (box.reads) this.line(x, y, up, [[box.axis, 0], [box.axis, first]], false, endsInArrow(body));
    if (box.feeds) this.line(x, y, up, [[box.axis, first + body.h], [box.axis, box.h]]);
    if (box.lanes.length) this.lanes.push(box);
  }

  stack(stack, x, y, up) {
    const sign = up ? -1 : 1;
    stack.items.forEach((item, place) => {
      const top = stack.tops[place];
      this.place(item, x + stack.axis - item.axis, y + sign * top, up);
      if (place + 1 === stack.items.length) return;
      const below = stack.items[place + 1], end = top + item.h, then = stack.tops[place + 1];
      const joint = item.k === "f" ? item.joint : null;
      if (stack.links[place + 1] && item.feeds && below.reads)
        if (!joint || item.branches.some((branch) => branch.feeds))
          this.line(x, y, up, [[stack.axis, end], [stack.axis, then]], false, endsInArrow(below));
      if (stack.labels[place])
        this.texts.push([x + stack.axis + 6, y + sign * (end + 8 + (up ? -2 : 4)), stack.labels[place]]);
      if (joint) {
        const left = stack.axis - item.axis, lane = left + item.lane;
        const middle = then + half(below.h), edge = left + item.axis + below.w - below.axis;
        this.line(x, y, up, [[stack.axis, top], [stack.axis, top + G.BUS], [lane, top + G.BUS], [lane, middle],
          [edge, middle]], true, true);
      }
    });
  }

  fork(fork, x, y, up) {
    const sign = up ? -1 : 1, join = fork.h - G.BUS;
    fork.branches.forEach((branch, place) => {
      const left = fork.lefts[place], top = fork.tops[place];
      this.place(branch, x + left, y + sign * top, up);
      const axis = left + branch.axis, end = top + branch.h;
      if (branch.reads)
        this.line(x, y, up, [[fork.axis, 0], [fork.axis, G.BUS], [axis, G.BUS], [axis, top]], false, endsInArrow(branch));
      if (branch.feeds)
        this.line(x, y, up, [[axis, end], [axis, join], [fork.axis, join], [fork.axis, fork.h]]);
    });
    if (fork.isTrunk) this.line(x, y, up, [[fork.axis, 0], [fork.axis, fork.h]]);
    else if (fork.passes && !fork.joint)
      this.line(x, y, up, [[fork.axis, 0], [fork.axis, G.BUS], [fork.lane, G.BUS], [fork.lane, join],
        [fork.axis, join], [fork.axis, fork.h]], true);
  }

  columns(columns, x, y) {
    const top = y + G.TURN + 12, bottom = y + columns.h;
    columns.stacks.forEach((stack, place) => {
      const left = columns.lefts[place];
      this.place(stack, x + left, top);
      const after = columns.stacks[place + 1];
      if (!after) return;
      const last = stack.items.length - 1;
      if (!(stack.links[last + 1] && after.links[0] && stack.items[last].feeds && after.items[0].reads)) return;
      const here = x + left + stack.axis, there = x + columns.lefts[place + 1] + after.axis;
      const middle = x + columns.lefts[place + 1] - half(G.COLUMN_GAP);
      this.lines.push({ points: [[here, top + stack.h], [here, bottom], [middle, bottom], [middle, y], [there, y],
        [there, top]], skip: false, arrow: endsInArrow(after) });
      if (stack.labels[last]) this.texts.push([here + 6, top + stack.h + 12, stack.labels[last]]);
    });
  }

  valley(valley, x, y) {
    const left = x + valley.left, right = x + valley.right;
    valley.steps.forEach((step, place) => {
      const { down, up } = step, end = y + valley.bottoms[place], after = valley.steps[place + 1];
      this.place(down, left - down.axis, end - down.h);
      this.place(up, right - up.axis, end, true);
      this.across(step.across, down, up, Math.floor((left + right) / 4) * 2);
      const label = down.labels[down.labels.length - 1];
      if (label) this.texts.push([left + 6, end + 12, label]);
      if (!after) return;
      const nextEnd = y + valley.bottoms[place + 1];
      this.lines.push({ points: [[left, end], [left, nextEnd - after.down.h]], skip: false, arrow: endsInArrow(after.down) });
      this.lines.push({ points: [[right, nextEnd - after.up.h], [right, end]], skip: false, arrow: endsInArrow(up) });
      const above = after.up.labels[after.up.labels.length - 1];
      if (above) this.texts.push([right + 6, nextEnd - after.up.h - 6, above]);
    });
    this.bottom(valley, x, y);
  }

  across(across, down, up, middle) {
    const joint = up.items[0], source = down.items[down.items.length - 1];
    const height = joint.y + half(joint.h), start = source.x + source.w;
    if (!across) {
      this.lines.push({ points: [[start, height], [joint.x, height]], skip: true, arrow: true });
      return;
    }
    this.place(across, middle - half(across.w), height - half(across.h));
    this.lines.push({ points: [[start, height], [across.x, height]], skip: true, arrow: true });
    this.lines.push({ points: [[across.x + across.w, height], [joint.x, height]], skip: true, arrow: true });
  }

  bottom(valley, x, y) {
    const inner = valley.bottom, last = valley.steps[valley.steps.length - 1];
    const left = x + valley.left, right = x + valley.right, end = y + valley.bottoms[valley.bottoms.length - 1];
    const top = end + G.LABEL_GAP + 2 * G.TURN, turn = top - G.TURN, innerX = x + valleyLeft(valley);
    this.place(inner, innerX, top);
    const axis = innerX + inner.axis, below = top + inner.h, side = innerX + inner.w + G.TURN;
    this.lines.push({ points: [[left, end], [left, turn], [axis, turn], [axis, top]], skip: false, arrow: endsInArrow(inner) });
    this.lines.push({ points: [[axis, below], [axis, below + G.TURN], [side, below + G.TURN], [side, turn], [right, turn],
      [right, end]], skip: false, arrow: endsInArrow(last.up) });
  }
}

function endsInArrow(part) {
  if (part.k === "s") return part.items.length > 0 && endsInArrow(part.items[0]);
  if (part.k === "v") return endsInArrow(part.steps[0].down);
  if (part.k === "c") return endsInArrow(part.stacks[0]);
  return part.k === "t" || (part.k === "b" && !part.open);
}

function shown(tile) {
  let seen = tile;
  for (let around = tile.up; around; around = around.up) if (!around.open) seen = around;
  return seen;
}

function laneLines(boxes) {
  const found = [];
  for (const box of boxes)
    for (const [from, to, track] of box.lanes) {
      const source = shown(tiles[from]), target = shown(tiles[to]);
      if (source === target) continue;
      const x = box.x + box.w - 8 - G.TRACK * track, start = source.y + source.h - 8, end = target.y + 8;
      found.push({ points: [[source.x + source.w, start], [x, start], [x, end], [target.x + target.w, end]], skip: true, arrow: true });
    }
  return found;
}
