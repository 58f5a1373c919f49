// The lines beside the tree, around what stands between: what lanes.py does, in the same integers.

const widthOf = (text) => Math.ceil(([...text].reduce((sum, letter) => sum + (G.LETTERS[letter] || 1000), 0) * 9) / 1000);
const cell = (at) => Math.floor(at / G.CELL);

class LaneRouter {
  constructor(placing) {
    Object.assign(this, { blocks: new Map(), level: new Map(), upright: new Map() });
    for (const part of placing.parts)
      if (part.k === "t" || !part.open) this.add([part.x, part.y, part.x + part.w, part.y + part.h, part]);
    for (const [x, y, text] of placing.texts) this.add([x, y - 8, x + widthOf(text), y + 2, null]);
    this.widest = Math.max(0, ...[...this.blocks.values()].map((blocks) => blocks.length));
    this.left = G.MOST_LOOKED_AT;
    for (const line of placing.lines) this.lay(line.points, null);
  }

  add(block) {
    for (let at = cell(block[1] - G.CLEAR); at <= cell(block[3] + G.CLEAR); at++) append(this.blocks, at, block);
  }

  lay(points, part) {
    for (let i = 1; i < points.length; i++) {
      const [[x, y], [thenX, thenY]] = [points[i - 1], points[i]];
      if (y === thenY) append(this.level, cell(y), [y, Math.min(x, thenX), Math.max(x, thenX), part]);
      else append(this.upright, cell(x), [x, Math.min(y, thenY), Math.max(y, thenY), part]);
    }
  }

  way(part, x, arrives) {
    const side = x > part.x ? part.x + part.w : part.x, heights = heightsOf(part, arrives);
    this.left -= this.widest;
    const found = this.left >= 0 && (this.free(part, side, x, heights, true) || this.free(part, side, x, heights, false));
    const points = found || [[side, heights[0]], [x, heights[0]]];
    this.lay(points, part);
    return points;
  }

  free(part, side, x, heights, alone) {
    for (const y of heights) if (this.isLevelFree(y, side, x, part, alone)) return [[side, y], [x, y]];
    for (const y of heights)
      for (const turn of this.turns(y, side, x, part)) {
        if (!this.isLevelFree(y, side, turn, part, alone)) continue;
        for (const other of this.gaps(y, turn, x))
          if (this.isLevelFree(other, turn, x, part, alone) && this.isUprightFree(turn, y, other, part, alone))
            return [[side, y], [turn, y], [turn, other], [x, other]];
      }
    return null;
  }

  turns(y, side, x, part) {
    const low = Math.min(side, x), high = Math.max(side, x), way = x > side ? 1 : -1;
    const found = (this.blocks.get(cell(y)) || []).filter((block) => block[4] !== part && meets(block, low, high, y, y));
    const first = found.map((block) => (way > 0 ? block[0] : block[2])).reduce((a, b) => (way * (b - a) < 0 ? b : a), x);
    return [...G.TURNS.map((distance) => side + way * distance), first - way * G.TURNS[0]];
  }

  gaps(y, start, end) {
    const low = Math.min(start, end), high = Math.max(start, end), found = new Set();
    for (let at = cell(y - G.FAR); at <= cell(y + G.FAR); at++)
      for (const [left, top, right, bottom] of this.blocks.get(at) || [])
        if (left < high && right > low) {
          for (const distance of G.ABOVE) found.add(top - distance);
          for (const distance of G.BELOW) found.add(bottom + distance);
        }
    return [...found].sort((a, b) => Math.abs(a - y) - Math.abs(b - y) || a - b);
  }

  isLevelFree(y, start, end, part, alone) {
    const low = Math.min(start, end), high = Math.max(start, end);
    const stands = (this.blocks.get(cell(y)) || []).some((block) => block[4] !== part && meets(block, low, high, y, y));
    return !stands && (!alone || isAlone(this.level, y, low, high, part));
  }

  isUprightFree(x, start, end, part, alone) {
    const low = Math.min(start, end), high = Math.max(start, end);
    for (let at = cell(low); at <= cell(high); at++)
      if ((this.blocks.get(at) || []).some((block) => block[4] !== part && meets(block, x, x, low, high))) return false;
    return !alone || isAlone(this.upright, x, low, high, part);
  }
}

const append = (map, key, value) => (map.has(key) ? map.get(key).push(value) : map.set(key, [value]));
const meets = ([left, top, right, bottom], x, thenX, y, thenY) =>
  left - G.CLEAR < thenX && right + G.CLEAR > x && top - G.CLEAR < thenY && bottom + G.CLEAR > y;

function isAlone(runs, at, low, high, part) {
  for (let strip = cell(at - G.APART); strip <= cell(at + G.APART); strip++)
    for (const [there, start, end, owner] of runs.get(strip) || [])
      if (owner !== part && Math.abs(there - at) < G.APART && start < high && end > low) return false;
  return true;
}

function heightsOf(part, arrives) {
  const middle = part.y + half(part.h), upper = part.y + 8, lower = part.y + part.h - 8;
  if (part.form === "circle") return [middle];
  return arrives !== (part.k === "t" && part.flipped) ? [upper, middle, lower] : [lower, middle, upper];
}

function laneLines(placing) {
  const boxes = [...placing.beside, root];
  if (!boxes.some((box) => box.lanes.length)) return [];
  const router = new LaneRouter(placing), found = [];
  for (const box of boxes) {
    if (box.body.k === "v") found.push(...acrossLines(router, box.body));
    for (const [source, target, track] of box.routes)
      found.push(laneLine(router, source, target, box.x + box.w - 8 - G.TRACK * track));
  }
  return found;
}

function acrossLines(router, valley) {
  const middle = valley.x + Math.floor((valley.left + valley.right) / 4) * 2, found = [];
  for (const step of valley.steps)
    for (const [from, to] of step.lanes) {
      const source = shown(tiles[from]), target = shown(tiles[to]);
      const low = Math.max(source.y, target.y) + 8, high = Math.min(source.y + source.h, target.y + target.h) - 8;
      const y = half(low + high);
      found.push(low <= high ? { points: [[source.x + source.w, y], [target.x, y]], skip: true, arrow: true }
        : laneLine(router, source, target, middle));
    }
  return found;
}

const laneLine = (router, source, target, x) => ({
  points: [...router.way(source, x, false), ...router.way(target, x, true).reverse()], skip: true, arrow: true });
