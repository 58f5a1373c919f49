// The graph as large as the reader wants it: to the width there is, nearer, farther, and moved by hand.

const ZOOM = { least: 0.1, most: 4, step: 1.25, readable: 0.6 };

function zoomNow() {
  if (!state.fits) return state.zoom;
  return Math.min(1, Math.max(ZOOM.readable, ($("graph").clientWidth - 2) / state.picture.w));
}

function resize() {
  const svg = $("graph").querySelector("svg"), zoom = zoomNow();
  svg.setAttribute("width", Math.round(state.picture.w * zoom));
  svg.setAttribute("height", Math.round((state.picture.h - state.top) * zoom));
  $("zoom").textContent = `${Math.round(100 * zoom)} %`;
  $("fit").setAttribute("aria-pressed", state.fits);
}

// Zoom by a factor and keep what is at a place of the graph where it is; the middle, if no place is given.
function zoomBy(factor, x = $("graph").clientWidth / 2, y = $("graph").clientHeight / 2) {
  const graph = $("graph"), before = zoomNow();
  state.zoom = Math.min(ZOOM.most, Math.max(ZOOM.least, before * factor));
  state.fits = false;
  const ratio = state.zoom / before, left = (graph.scrollLeft + x) * ratio - x, top = (graph.scrollTop + y) * ratio - y;
  resize();
  graph.scrollTo(left, top);
}

function fitWidth() {
  [state.zoom, state.fits] = [zoomNow(), !state.fits];
  if (!state.fits) state.zoom = 1;
  resize();
}

function wheel(event) {
  if (!event.ctrlKey && !event.metaKey) return;
  event.preventDefault();
  const inner = $("graph").getBoundingClientRect();
  zoomBy(Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.002)), event.clientX - inner.left, event.clientY - inner.top);
}

const hand = { from: null, moved: false };

function grab(event) {
  hand.moved = false;
  if (event.button === 0 && event.pointerType === "mouse") hand.from = [event.clientX, event.clientY, $("graph").scrollLeft, $("graph").scrollTop];
}

function drag(event) {
  if (!hand.from) return;
  const [x, y, left, top] = hand.from;
  if (!hand.moved && Math.abs(event.clientX - x) + Math.abs(event.clientY - y) < 5) return;
  hand.moved = true;
  $("graph").classList.add("held");
  $("graph").scrollTo(left + x - event.clientX, top + y - event.clientY);
}

function release() {
  hand.from = null;
  $("graph").classList.remove("held");
}

$("graph").addEventListener("wheel", wheel, { passive: false });
$("graph").addEventListener("pointerdown", grab);
window.addEventListener("pointermove", drag);
window.addEventListener("pointerup", release);
window.addEventListener("pointercancel", release);
window.addEventListener("resize", () => state.picture && state.fits && resize());
