// Small charts in SVG; colours come from the style sheet by class, so that both modes have theirs.

import { count, h, percent, svg, words } from "./dom.js";

const WIDE = 620;
const NARROW = 360; // On a phone, so that letters are not drawn smaller than elsewhere.
const FULL = 190;
const LEFT = 44;
const RIGHT = 8;
const TOP = 10;
const BOTTOM = 24;
const TICK_WIDTH = 68;

/** How wide a chart is to be drawn on this screen. */
export const chartWidth = () => (matchMedia("(max-width: 700px)").matches ? NARROW : WIDE);
const innerWidth = () => chartWidth() - LEFT - RIGHT;

/** Draw bars of stacked kinds; a row is {tick, title, values by kind}. */
export function stackedBars(kinds, rows, { share = false, label, height: high = FULL }) {
  const [bottom, inner] = [high - BOTTOM, high - BOTTOM - TOP];
  const sums = rows.map((row) => kinds.reduce((sum, kind) => sum + (row.values[kind] ?? 0), 0));
  const most = share ? 1 : niceTop(Math.max(...sums, 1));
  const chart = frame(label, high, most, share ? percent : count);
  const step = innerWidth() / Math.max(rows.length, 1);
  const wide = Math.min(Math.max(step - (step > 6 ? 2 : 0.5), 1), 48);
  rows.forEach((row, at) => {
    const x = LEFT + at * step + (step - wide) / 2;
    const bar = svg("g", {}, svg("title", {}, [row.title, ...said(kinds, row.values, sums[at])].join("\n")));
    let top = bottom;
    for (const kind of kinds) {
      const value = (row.values[kind] ?? 0) / (share ? Math.max(sums[at], 1) : 1);
      if (!value) continue;
      const height = (value / most) * inner;
      top -= height;
      bar.append(svg("rect", { class: `fill ${kind}`, x, y: top, width: wide, height }));
    }
    // The whole column answers to the pointer, also where its bar is low.
    bar.append(svg("rect", { class: "hit", x: LEFT + at * step, y: TOP, width: step, height: inner }));
    chart.append(bar);
  });
  ticks(chart, high, rows.map((row, at) => [LEFT + (at + 0.5) * step, row.tick]));
  return chart;
}

function said(kinds, values, sum) {
  return kinds
    .filter((kind) => values[kind])
    .map((kind) => `${words(kind)}: ${count(values[kind])} (${percent(values[kind] / sum)})`);
}

/**
 * Draw lines; a series is {kind, name, points: [[x, y]]}, x are whole numbers. `marks` are places
 * with an upright line; `span`, the least and the largest x, is for charts under one another.
 */
export function lines(series, { label, top = null, format = (y) => y.toPrecision(3), marks = [], span = null }) {
  const points = series.flatMap((one) => one.points);
  const xs = [...points.map(([x]) => x), ...(span ?? [])];
  const [first, last] = [Math.min(...xs), Math.max(...xs)];
  const most = top ?? niceTop(Math.max(...points.map(([, y]) => y), 1e-9));
  const chart = frame(label, FULL, most, top === 1 ? percent : (y) => String(Number(y.toPrecision(3))));
  const at = ([x, y]) => [
    LEFT + 6 + ((x - first) / Math.max(last - first, 1)) * (innerWidth() - 12),
    FULL - BOTTOM - (Math.max(y, 0) / most) * (FULL - BOTTOM - TOP),
  ];
  for (const mark of marks) {
    const [x] = at([mark, 0]);
    chart.append(svg("line", { class: "mark", x1: x, x2: x, y1: TOP, y2: FULL - BOTTOM }, svg("title", {}, `a round begins at ${mark}`)));
  }
  for (const { kind, name, points: own } of series) {
    const places = own.map(at);
    chart.append(svg("polyline", { class: `line ${kind}`, points: places.map((xy) => xy.join(",")).join(" ") }));
    places.forEach(([cx, cy], number) => {
      const [x, y] = own[number];
      const dot = svg("circle", { class: `fill ${kind}`, cx, cy, r: own.length > 60 ? 1.5 : 3 });
      chart.append(svg("g", {}, svg("title", {}, `${name}\n${x}: ${format(y)}`), dot));
    });
  }
  const whole = [...new Set(xs)].sort((one, other) => one - other);
  ticks(chart, FULL, whole.map((x) => [at([x, 0])[0], String(x)]));
  return chart;
}

function frame(label, high, most, format) {
  const chart = svg("svg", { class: "chart", viewBox: `0 0 ${chartWidth()} ${high}`, role: "img", "aria-label": label });
  for (const part of [0, 0.5, 1]) {
    const y = high - BOTTOM - part * (high - BOTTOM - TOP);
    chart.append(
      svg("line", { class: "grid", x1: LEFT, x2: chartWidth() - RIGHT, y1: y, y2: y }),
      svg("text", { class: "tick", x: LEFT - 6, y: y + 4, "text-anchor": "end" }, format(part * most)),
    );
  }
  return chart;
}

/** Write as many of the ticks as there is room for. */
function ticks(chart, high, places) {
  const every = Math.ceil((places.length * TICK_WIDTH) / innerWidth());
  places.forEach(([x, text], at) => {
    if (at % every === 0)
      chart.append(svg("text", { class: "tick", x, y: high - 6, "text-anchor": "middle" }, text));
  });
}

/** The next number above that is easy to halve. */
function niceTop(value) {
  const size = 10 ** Math.floor(Math.log10(value));
  return [1, 1.2, 1.6, 2, 4, 6, 8, 10].find((step) => step * size >= value) * size;
}

/** Name the colours. */
export function legend(kinds, names = {}) {
  return h(
    "ul",
    { class: "legend" },
    kinds.map((kind) => h("li", {}, h("span", { class: `swatch ${kind}` }), names[kind] ?? words(kind))),
  );
}
