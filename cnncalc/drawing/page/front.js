"use strict";
// The points of a sweep on axes that the reader chooses, with those that no other beats on both.

const DATA = JSON.parse(document.getElementById("data").textContent);
const $ = (id) => document.getElementById(id);
const short = (value) => {
  for (const [unit, prefix] of [[1e12, "T"], [1e9, "G"], [1e6, "M"], [1e3, "k"]])
    if (value >= unit) return `${+(value / unit).toPrecision(4)} ${prefix}`;
  return String(+value.toPrecision(4));
};
const escaped = (text) => String(text).replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;").replace(/"/g, "&quot;");

function front(points, xMore, yMore) {
  const order = points.map((_, place) => place).sort((a, b) => {
    const [dx, dy] = [(points[a][0] - points[b][0]) * (xMore ? -1 : 1), (points[a][1] - points[b][1]) * (yMore ? -1 : 1)];
    return dx || dy || a - b;
  });
  const found = [];
  let best = null;
  for (const place of order) {
    const y = points[place][1] * (yMore ? 1 : -1);
    if (best === null || y > best) {
      found.push(place);
      best = y;
    }
  }
  return found;
}

function scale(values, from, to) {
  const least = Math.min(...values), most = Math.max(...values);
  const log = least > 0 && most / least > 20, of = (value) => (log ? Math.log10(value) : value);
  const span = of(most) - of(least) || 1;
  return { least, most, log, place: (value) => from + ((of(value) - of(least)) / span) * (to - from) };
}

function draw() {
  const [x, y] = [DATA.figures.indexOf($("x").value), DATA.figures.indexOf($("y").value)];
  const points = DATA.rows.map((row) => [row[x], row[y]]);
  const across = scale(points.map((point) => point[0]), DATA.box[0], DATA.box[2]);
  const upward = scale(points.map((point) => point[1]), DATA.box[3], DATA.box[1]);
  const best = new Set(front(points, $("xbest").value === "more", $("ybest").value === "more"));
  const circle = (place) => `<circle class="${best.has(place) ? "best" : "other"}" data-place="${place}" tabindex="${best.has(place) ? 0 : -1}" cx="${across.place(points[place][0]).toFixed(1)}" cy="${upward.place(points[place][1]).toFixed(1)}" r="${best.has(place) ? 6 : 4}"><title>${escaped(DATA.names[place])}</title></circle>`;
  const places = points.map((_, place) => place);
  $("points").innerHTML = places.filter((place) => !best.has(place)).map(circle).join("") + [...best].map(circle).join("");
  const line = [...best].map((place) => `${across.place(points[place][0]).toFixed(1)} ${upward.place(points[place][1]).toFixed(1)}`);
  $("line").setAttribute("d", `M${line.join("L")}`);
  for (const [id, text] of [["xleast", short(across.least)], ["xmost", short(across.most)], ["yleast", short(upward.least)], ["ymost", short(upward.most)], ["xname", $("x").value], ["yname", $("y").value]]) $(id).textContent = text;
  $("best").textContent = `${best.size} of ${points.length} are on the front`;
  for (const row of document.querySelectorAll("tbody tr")) row.classList.toggle("chosen", best.has(+row.dataset.place));
}

function report(event) {
  const place = event.target.dataset && event.target.dataset.place;
  if (place === undefined) return;
  const figures = DATA.figures.map((name, at) => `${name} ${DATA.rows[place][at].toLocaleString("en-US")}`);
  $("pointed").textContent = `${DATA.names[place]}: ${figures.join(" · ")}`;
}

for (const id of ["x", "y", "xbest", "ybest"]) $(id).addEventListener("change", draw);
$("points").addEventListener("pointerover", report);
$("points").addEventListener("focusin", report);
document.documentElement.classList.add("scripted");
draw();
