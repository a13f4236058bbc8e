// The scores of a group on one line, and the pairs that the policy learns from them.

import { chartWidth } from "./charts.js";
import { h, svg, table } from "./dom.js";

const LEFT = 66;
const RIGHT = 16;
const LANES = { teacher: 34, student: 104 };
const HEIGHT = 150;
const TOP_SCORE = 1; // All tests passed.

/** Draw candidates by score, teachers above students, with a line for each pair. */
export function scoreLines(entries, pairs, numbers) {
  const width = chartWidth();
  const most = Math.max(TOP_SCORE, ...entries.map((entry) => entry.score));
  const least = Math.min(0, ...entries.map((entry) => entry.score));
  const across = (score) => LEFT + ((score - least) / (most - least)) * (width - LEFT - RIGHT);
  const chart = svg("svg", {
    class: "chart",
    viewBox: `0 0 ${width} ${HEIGHT}`,
    role: "img",
    "aria-label": "Candidates by score, and pairs",
  });
  for (const [author, y] of Object.entries(LANES))
    chart.append(
      svg("line", { class: "grid", x1: LEFT, x2: width - RIGHT, y1: y, y2: y }),
      svg("text", { class: "tick", x: 4, y: y + 4 }, author),
    );
  for (const score of [0, 0.25, 0.5, 0.75, 1].filter((tick) => tick >= least))
    chart.append(svg("text", { class: "tick", x: across(score), y: HEIGHT - 6, "text-anchor": "middle" }, String(score)));
  const places = new Map();
  const taken = new Map();
  for (const entry of entries) {
    const spot = `${entry.author} ${entry.score.toFixed(2)}`;
    const before = taken.get(spot) ?? 0;
    taken.set(spot, before + 1);
    // Equal scores lie beside one another, outwards, where no line passes.
    const outwards = entry.author === "teacher" ? -1 : 1;
    places.set(entry.candidate_id, [across(entry.score), LANES[entry.author] + outwards * Math.min(before * 9, 22)]);
  }
  for (const pair of pairs) {
    const [x1, y1] = places.get(pair.better_id);
    const [x2, y2] = places.get(pair.worse_id);
    const what = `${numbers.get(pair.better_id)} over ${numbers.get(pair.worse_id)}, gap ${pair.gap.toFixed(3)}`;
    chart.append(svg("g", {}, svg("title", {}, what), svg("line", { class: "pair", x1, y1, x2, y2 })));
  }
  for (const entry of entries) {
    const [cx, cy] = places.get(entry.candidate_id);
    const what = `${numbers.get(entry.candidate_id)} ${entry.author}, score ${entry.score.toFixed(3)}`;
    const dot = svg("circle", { class: `fill dot ${entry.label}`, cx, cy, r: 5 });
    chart.append(svg("g", {}, svg("title", {}, what), dot));
  }
  return chart;
}

const bar = (share) =>
  svg(
    "svg",
    { class: "bar", viewBox: "0 0 100 6", preserveAspectRatio: "none", "aria-hidden": "true" },
    svg("rect", { class: "rest", width: 100, height: 6 }),
    svg("rect", { class: "gap", width: 100 * share, height: 6 }),
  );

/** List pairs with their gaps, widest first. */
export function pairTable(pairs, numbers, name, empty) {
  const widest = Math.max(...pairs.map((pair) => pair.gap), 0);
  return table(
    [
      ["Better", (pair) => [`${numbers.get(pair.better_id)} `, name(pair.better_id)], "name"],
      ["Worse", (pair) => [`${numbers.get(pair.worse_id)} `, name(pair.worse_id)], "name"],
      ["Gap", (pair) => pair.gap.toFixed(3), "number"],
      [h("span", { class: "hidden" }, "Gap, drawn"), (pair) => bar(pair.gap / widest), "wide"],
    ],
    [...pairs].sort((one, other) => other.gap - one.gap),
    empty,
  );
}
