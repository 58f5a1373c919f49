// Places of parts, top down, and the lines and texts between them: what placing.py does, in the same integers.

class Placing {
  constructor() {
    Object.assign(this, { lines: [], texts: [], parts: [], beside: [] });
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

  line(points, to = null) {
    this.lines.push({ points, skip: false, arrow: to !== null && endsInArrow(to) });
  }

  skip(points, arrow = true) {
    this.lines.push({ points, skip: true, arrow });
  }

  label(x, y, text) {
    if (text) this.texts.push([x, y, text]);
  }

  box(box, x, y, up) {
    this.parts.push(box);
    if (!box.open) return;
    const sign = up ? -1 : 1, body = box.body, first = up ? G.MARGIN : G.HEADER;
    this.place(body, x + box.axis - body.axis, y + sign * first, up);
    const axis = x + box.axis, top = y + sign * first;
    if (box.reads) this.line([[axis, y], [axis, top]], body);
    if (box.feeds) this.line([[axis, top + sign * body.h], [axis, y + sign * box.h]]);
    if (box.routes.length) this.beside.push(box);
  }

  stack(stack, x, y, up) {
    const sign = up ? -1 : 1, axis = x + stack.axis;
    stack.items.forEach((item, place) => {
      const top = y + sign * stack.tops[place];
      this.place(item, axis - item.axis, top, up);
      if (place + 1 === stack.items.length) return;
      const below = stack.items[place + 1], end = top + sign * item.h, then = y + sign * stack.tops[place + 1];
      const joint = item.k === "f" ? item.joint : null;
      const isStraight = !joint || item.branches.some((branch) => branch.feeds);
      if (isStraight && stack.links[place + 1] && item.feeds && below.reads) this.line([[axis, end], [axis, then]], below);
      this.label(axis + 6, end + sign * (up ? 6 : 12), stack.labels[place]);
      if (!joint) return;
      const bus = top + sign * G.BUS, lane = axis - item.axis + item.lane;
      const middle = then + sign * half(below.h), edge = axis + below.w - below.axis;
      this.skip([[axis, top], [axis, bus], [lane, bus], [lane, middle], [edge, middle]]);
    });
  }

  fork(fork, x, y, up) {
    const sign = up ? -1 : 1, middle = x + fork.axis, bottom = y + sign * fork.h;
    const bus = y + sign * G.BUS, join = y + sign * (fork.h - G.BUS);
    fork.branches.forEach((branch, place) => {
      const left = x + fork.lefts[place], axis = left + branch.axis, top = y + sign * fork.tops[place];
      this.place(branch, left, top, up);
      if (branch.reads) this.line([[middle, y], [middle, bus], [axis, bus], [axis, top]], branch);
      const corners = axis === middle ? [] : [[axis, join], [middle, join]];
      if (branch.feeds) this.line([[axis, top + sign * branch.h], ...corners, [middle, bottom]]);
    });
    const lane = x + fork.lane;
    if (fork.isTrunk) this.line([[middle, y], [middle, bottom]]);
    else if (fork.passes && !fork.joint)
      this.skip([[middle, y], [middle, bus], [lane, bus], [lane, join], [middle, join], [middle, bottom]], false);
  }

  columns(columns, x, y) {
    const top = y + G.TURN + 12, bottom = y + columns.h - (columns.returns ? G.TURN : 0), start = x + columns.axis;
    if (columns.stacks[0].reads) this.line([[start, y], [start, top]], columns.stacks[0]);
    columns.stacks.forEach((stack, place) => {
      const left = columns.lefts[place], after = columns.stacks[place + 1], last = stack.items.length - 1;
      this.place(stack, x + left, top);
      if (!after || !(stack.links[last + 1] && after.links[0] && stack.items[last].feeds && after.items[0].reads)) return;
      const here = x + left + stack.axis, there = x + columns.lefts[place + 1] + after.axis;
      const middle = x + columns.lefts[place + 1] - half(G.COLUMN_GAP), end = top + stack.h;
      this.line([[here, end], [here, bottom], [middle, bottom], [middle, y], [there, y], [there, top]], after);
      this.label(here + 6, end + 12, stack.labels[last]);
    });
    if (!columns.returns) return;
    const last = columns.stacks.length - 1, stack = columns.stacks[last], here = x + columns.lefts[last] + stack.axis;
    const end = y + columns.h - 4;
    this.line([[here, top + stack.h], [here, end], [start, end], [start, y + columns.h]]);
  }

  valley(valley, x, y) {
    const left = x + valley.left, right = x + valley.right;
    valley.steps.forEach((step, place) => {
      const { down, up } = step, end = y + valley.bottoms[place], after = valley.steps[place + 1];
      this.place(down, left - down.axis, end - down.h);
      this.place(up, right - up.axis, end, true);
      if (!step.lanes.length) this.across(step.across, down, up, Math.floor((left + right) / 4) * 2);
      this.label(left + 6, end + 12, down.labels[down.labels.length - 1]);
      if (!after) return;
      const nextEnd = y + valley.bottoms[place + 1], top = nextEnd - after.up.h;
      this.line([[left, end], [left, nextEnd - after.down.h]], after.down);
      this.line([[right, top], [right, end]], up);
      this.label(right + 6, top - 6, after.up.labels[after.up.labels.length - 1]);
    });
    this.bottom(valley, x, y);
  }

  across(across, down, up, middle) {
    const joint = up.items[0], source = down.items[down.items.length - 1], height = joint.y + half(joint.h);
    let start = source.x + source.w;
    if (across) {
      this.place(across, middle - half(across.w), height - half(across.h));
      this.skip([[start, height], [across.x, height]]);
      start = across.x + across.w;
    }
    this.skip([[start, height], [joint.x, height]]);
  }

  bottom(valley, x, y) {
    const inner = valley.bottom, { up } = valley.steps[valley.steps.length - 1];
    const left = x + valley.left, right = x + valley.right, end = y + valley.bottoms[valley.bottoms.length - 1];
    const top = end + G.LABEL_GAP + 2 * G.TURN, turn = top - G.TURN, innerX = x + valleyLeft(valley);
    this.place(inner, innerX, top);
    const axis = innerX + inner.axis, below = top + inner.h, under = below + G.TURN, side = innerX + inner.w + G.TURN;
    this.line([[left, end], [left, turn], [axis, turn], [axis, top]], inner);
    this.line([[axis, below], [axis, under], [side, under], [side, turn], [right, turn], [right, end]], up);
  }
}

function endsInArrow(part) {
  if (part.k === "s") return part.items.length > 0 && endsInArrow(part.items[0]);
  if (part.k === "v") return endsInArrow(part.steps[0].down);
  if (part.k === "c") return !part.stacks[0].reads && endsInArrow(part.stacks[0]);
  return part.k === "t" || (part.k === "b" && !part.open);
}
