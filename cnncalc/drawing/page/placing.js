// Places top down, and the lines and texts between: what placing.py does, in the same integers.

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
    if (box.routes.length) this.beside.push(box);
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
      const corners = axis === fork.axis ? [] : [[axis, join], [fork.axis, join]];
      if (branch.feeds) this.line(x, y, up, [[axis, end], ...corners, [fork.axis, fork.h]]);
    });
    if (fork.isTrunk) this.line(x, y, up, [[fork.axis, 0], [fork.axis, fork.h]]);
    else if (fork.passes && !fork.joint)
      this.line(x, y, up, [[fork.axis, 0], [fork.axis, G.BUS], [fork.lane, G.BUS], [fork.lane, join],
        [fork.axis, join], [fork.axis, fork.h]], true);
  }

  columns(columns, x, y) {
    const top = y + G.TURN + 12, bottom = y + columns.h - (columns.returns ? G.TURN : 0), start = x + columns.axis;
    if (columns.stacks[0].reads)
      this.lines.push({ points: [[start, y], [start, top]], skip: false, arrow: endsInArrow(columns.stacks[0]) });
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
    if (columns.returns) {
      const last = columns.stacks.length - 1, stack = columns.stacks[last], here = x + columns.lefts[last] + stack.axis;
      const end = y + columns.h - 4;
      this.lines.push({ points: [[here, top + stack.h], [here, end], [start, end], [start, y + columns.h]], skip: false, arrow: false });
    }
  }

  valley(valley, x, y) {
    const left = x + valley.left, right = x + valley.right;
    valley.steps.forEach((step, place) => {
      const { down, up } = step, end = y + valley.bottoms[place], after = valley.steps[place + 1];
      this.place(down, left - down.axis, end - down.h);
      this.place(up, right - up.axis, end, true);
      if (!step.lanes.length) this.across(step.across, down, up, Math.floor((left + right) / 4) * 2);
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
  if (part.k === "c") return !part.stacks[0].reads && endsInArrow(part.stacks[0]);
  return part.k === "t" || (part.k === "b" && !part.open);
}
