// Draws two charts in SVG: usage over time, stacked by tool, and a cycle's running total with its forecast.

const colour = (name) => `var(--${name})`;
const chartHeight = 300;
const paperWidth = 720;
let onPaperNow = false;

function svg(name, attributes = {}, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name); // A namespace. # ignore-https-check
  for (const [attribute, value] of Object.entries(attributes)) made.setAttribute(attribute, value);
  made.append(...children.flat(Infinity));
  return made;
}

const text = (x, y, words, more = {}) => svg("text", { x, y, "font-size": 12, fill: colour("quiet"), ...more }, words);

// Returns about four values for an axis. The distance between them is 1, 2 or 5 times a power of ten.
function ticks(most) {
  const power = 10 ** Math.floor(Math.log10(most / 4));
  const step = [1, 2, 5, 10].find((one) => (most / 4) <= one * power) * power;
  return Array.from({ length: Math.ceil(most / step) + 1 }, (_, n) => n * step);
}

const short = (value) => new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 2 }).format(value);

// Draws a chart's title, unit and legend, and an axis up to `most`. Returns the SVG and two functions for coordinates:
// `y` takes a value, and `x` takes a position from 0 (left) to 1 (right).
function frame(place, { title, unit, most, legend = [] }) {
  const width = onPaperNow ? paperWidth : Math.max(280, place.clientWidth);
  let [x, top] = [0, 16 + 18 * title.length];
  const items = legend.map(({ name, paint, dashed, points }) => {
    const size = 26 + 7.3 * name.length;
    if (x && x + size > width) [x, top] = [0, top + 20];
    const mark = !points ? svg("rect", { x, y: top - 10, width: 11, height: 11, fill: paint })
      : svg("line", { x1: x, x2: x + 12, y1: top - 4, y2: top - 4, stroke: paint, "stroke-width": 3,
        "stroke-dasharray": dashed || "1 0" });
    const item = [mark, text(x + 17, top, name, { fill: colour("ink") })];
    x += size;
    return item;
  });
  const [left, low] = [52, top + 28 + chartHeight];
  const steps = ticks(most || 1);
  const y = (value) => low - (chartHeight * value) / steps.at(-1);
  const root = svg("svg", { viewBox: `0 0 ${width} ${low + 28}`, width: "100%", role: "img",
    "aria-label": `${title.join(", ")}, in ${unit.title}` },
    title.map((line, n) => text(0, 12 + 18 * n, line, { "font-weight": 600, fill: colour("ink") })), items,
    text(left - 6, y(steps.at(-1)) - 9, unit.title, { "text-anchor": "end" }),
    steps.map((step) => [svg("line", { x1: left, x2: width - 8, y1: y(step), y2: y(step), stroke: colour("line") }),
      text(left - 6, y(step) + 4, short(step), { "text-anchor": "end" })]));
  place.replaceChildren(root);
  return { root, y, low, x: (share) => left + share * (width - 8 - left), width: width - 8 - left };
}

// Returns as many labels as fit below the axis, each at its position from 0 (left) to 1 (right).
function names(at, labels, words) {
  const every = Math.ceil(labels.length / Math.max(1, Math.floor(at.width / 95)));
  return labels.filter((_, n) => n % every === 0).map(({ share, day, wide = 0 }) => {
    const isLast = share + wide > 0.93;
    return text(at.x(share + (isLast ? wide : wide / 2)), at.low + 18, words(day),
      { "text-anchor": isLast ? "end" : wide ? "middle" : "start" });
  });
}

// Shows the text lines from `lines()` next to the pointer while it is over `mark`.
function tip(mark, lines) {
  const box = document.getElementById("tip");
  mark.addEventListener("pointermove", ({ clientX, clientY }) => {
    box.replaceChildren(...lines().map((one) => element("div", {}, one)));
    box.hidden = false;
    box.style.left = `${Math.max(8, Math.min(clientX + 14, innerWidth - box.offsetWidth - 8))}px`;
    box.style.top = `${Math.max(8, Math.min(clientY + 14, innerHeight - box.offsetHeight - 8))}px`;
  });
  mark.addEventListener("pointerleave", () => { box.hidden = true; });
  return mark;
}

// Draws usage over time. `bars`: {start, what, whole, pieces: [{tool, sum}], sum}; `paint`: the colour of each tool.
function timeline(place, title, unit, bars, paint) {
  const value = (sum) => unit.value(sum) || 0;
  const used = paint.filter(({ name }) => bars.some(({ pieces }) => pieces.some(({ tool }) => tool === name)));
  const at = frame(place, { title, unit, legend: used, most: Math.max(...bars.map(({ sum }) => value(sum)), 0) });
  const wide = 1 / Math.max(bars.length, 8);
  const first = (1 - wide * bars.length) / 2;
  at.root.append(...bars.flatMap((bar, n) => {
    let sum = 0;
    const [left, width] = [at.x(first + n * wide), Math.max(1, at.width * wide * 0.86)];
    const pieces = bar.pieces.filter((piece) => value(piece.sum) > 0).map((piece) => {
      sum += value(piece.sum);
      return svg("rect", { class: "piece", x: left, width, y: at.y(sum), height: at.low - at.y(value(piece.sum)),
        opacity: bar.whole ? 1 : 0.45, fill: used.find(({ name }) => name === piece.tool).paint });
    });
    const lines = () => [element("strong", {}, bar.what), ...bar.pieces.toReversed()
      .map(({ tool, sum: one }) => `${tool}: ${amountOf(unit, one, unit.of)}, ${plural(one.uses, "use", "uses")}`),
      `Total: ${amountOf(unit, bar.sum, unit.of)}`];
    return [...pieces, tip(svg("rect", { x: left, width, y: at.low - chartHeight, height: chartHeight,
      fill: "transparent" }), lines)];
  }), ...names(at, bars.map(({ start }, n) => ({ share: first + n * wide, wide, day: start })),
    (day) => inWords(day, { day: "numeric", month: "short", year: "2-digit" })));
}

// Draws running totals. `lines`: {name, paint, dashed, points: [{n, value, day}]}; `limit`: the allowance or null.
function runningTotal(place, title, unit, lines, limit, days) {
  const shown = [...lines, ...(limit ? [{ name: `Allowance: ${unit.of(limit)}`, paint: colour("bad"), dashed: "2 3",
    points: [] }] : [])];
  const at = frame(place, { title, unit, legend: shown, most: Math.max(limit || 0,
    ...lines.flatMap(({ points }) => points.map(({ value }) => value))) });
  const share = (n) => n / Math.max(1, days.length - 1);
  const line = ({ points, paint, dashed = "1 0" }) => svg("polyline",
    { class: "line", "data-end": points.at(-1)?.value, fill: "none", stroke: paint, "stroke-width": 2.5,
    "stroke-dasharray": dashed,
    points: points.map(({ n, value }) => `${at.x(share(n))},${at.y(value)}`).join(" ") });
  at.root.append(
    ...(limit ? [svg("line", { x1: at.x(0), x2: at.x(1), y1: at.y(limit), y2: at.y(limit), stroke: colour("bad"),
      "stroke-width": 2, "stroke-dasharray": "2 3" })] : []),
    ...lines.map(line),
    ...lines.flatMap(({ name, points, paint }) => points.map(({ n, value, day }) => tip(
      svg("circle", { cx: at.x(share(n)), cy: at.y(value), r: 7, fill: n === points.at(-1).n ? paint : "transparent",
        "fill-opacity": 0.5 }),
      () => [element("strong", {}, name), `Up to ${dayInWords(day)}: ${unit.of(value)}`]))),
    ...names(at, days.map((day, n) => ({ share: share(n), day })),
      (day) => inWords(day, { day: "numeric", month: "short" })));
}

// Saves a PNG at twice the chart's size, with a white background even in dark mode.
function picture(place, name) {
  const copy = place.querySelector("svg").cloneNode(true);
  const margin = 40;
  const [, , width, height] = copy.getAttribute("viewBox").split(" ").map(Number);
  const colours = document.getElementById("colours").textContent;
  copy.prepend(svg("style", {}, `${colours} svg { font-family: ${getComputedStyle(document.body).fontFamily} }`));
  copy.setAttribute("width", 2 * width);
  copy.setAttribute("height", 2 * height);
  const image = new Image();
  image.onload = () => {
    const canvas = element("canvas", { width: 2 * width + 2 * margin, height: 2 * height + 2 * margin });
    const context = canvas.getContext("2d");
    context.fillStyle = "#ffffff";
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.drawImage(image, margin, margin);
    save(`${name}.png`, canvas.toDataURL("image/png"));
  };
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(new XMLSerializer().serializeToString(copy))}`;
}
