// The suite as it is now: what waits, who works, what came out over time.

import { get } from "./api.js";
import { legend, stackedBars } from "./charts.js";
import { badge, card, count, duration, facts, h, heading, mebibytes, moment, part, percent, shown, table, words } from "./dom.js";

export const LABELS = ["all_pass", "partial_pass", "runtime_error", "compile_error"];
const AUTHORS = ["teacher", "student"];
const WINDOWS = [
  [15, "15 minutes"],
  [60, "1 hour"],
  [360, "6 hours"],
  [1440, "24 hours"],
];
const BINS = 60;
const LIVE_SECONDS = 4;
const TOTALS_SECONDS = 20;
const SLOW_SECONDS = 60;

export async function showOverview(page, life) {
  const [now, rate, mix, totals, workers, slow] = Array.from({ length: 6 }, part);
  const choice = h(
    "select",
    { "aria-label": "Time shown", onchange: () => life.attempt(draw) },
    WINDOWS.map(([minutes, name]) => h("option", { value: minutes, selected: minutes === 60 }, name)),
  );
  let last = 0;
  const draw = async () => {
    last = Date.now();
    drawTimeline(await get("timeline", { minutes: choice.value, bins: BINS }, life.signal), rate, mix);
  };
  page.append(
    heading("Overview"),
    now,
    h("div", { class: "two" }, card("Labelled", rate, choice), card("Label mix by author", mix)),
    h("div", { class: "two" }, card("All time", totals), card("Workers", workers)),
    card("What took the executors' time, last 24 hours", slow),
  );
  life.every(LIVE_SECONDS, async () => drawLive(await get("live", {}, life.signal), now, workers));
  life.every(TOTALS_SECONDS, async () => totals.replaceChildren(...drawTotals(await get("stats", {}, life.signal))));
  life.every(SLOW_SECONDS, async () => slow.replaceChildren(...drawSlow(await get("slow", {}, life.signal))));
  // A longer window changes more slowly, and costs more to count.
  life.every(5, async () => {
    const seconds = Math.max(10, (60 * choice.value) / BINS / 4);
    if (Date.now() - last >= 1000 * seconds) await draw();
  });
}

function drawLive(live, now, workers) {
  const oldest = live.oldest_seconds;
  const aged = (step) => (oldest[step] ? `oldest ${duration(oldest[step])}` : "nothing waits");
  const running = (room) => live.workers.filter((worker) => worker.room === room);
  const slots = running("executor").reduce((sum, worker) => sum + worker.slots, 0);
  const busy = running("executor").reduce((sum, worker) => sum + worker.running, 0);
  const batches = live.training_batches;
  now.replaceChildren(
    h(
      "ol",
      { class: "steps" },
      step("Sampler", live.queues.sampler, "messages", aged("sampler")),
      step("Waiting", live.waiting, "candidates", aged("outbox")),
      step("Executors", live.sent, "candidates sent", aged("executor"), `${busy} of ${slots} slots busy`),
      step("Ranker", live.queues.ranker, "messages", `${count(live.open_groups)} groups open`),
      step("Batches", batches.ready, "ready", aged("training_batch"), batches.quarantined ? `${batches.quarantined} set aside` : null),
      step("Trainers", batches.leased, "batches leased", live.trainers.length ? live.trainers.map((one) => one.policy).join(", ") : "none holds a lease"),
    ),
  );
  workers.replaceChildren(
    table(
      [
        ["Worker", (one) => shown(one.name), "name"],
        ["Running", (one) => `${one.running} / ${one.slots}`, "number"],
        ["Begun", (one) => count(one.begun), "number"],
        ["Memory", (one) => mebibytes(one.memory_bytes), "number"],
        ["Up", (one) => duration(one.uptime_seconds), "number"],
      ],
      live.workers,
      "No worker answers.",
    ),
    live.trainers.length
      ? table(
          [
            ["Trainer", (one) => shown(one.worker), "name"],
            ["Policy", (one) => shown(one.policy), "name"],
            ["Batches", (one) => one.batches, "number"],
            ["Lease until", (one) => moment(one.lease_until)],
          ],
          live.trainers,
          "",
        )
      : "",
  );
}

function step(name, number, unit, ...below) {
  return h(
    "li",
    { class: "step" },
    h("h2", {}, name),
    h("p", { class: "big" }, count(number), h("small", {}, ` ${unit}`)),
    below.filter(Boolean).map((line) => h("p", { class: "quiet" }, shown(line))),
  );
}

function drawTimeline(timeline, rate, mix) {
  const rows = (pick) =>
    timeline.bins.map((bin) => ({
      tick: new Date(bin.start).toLocaleTimeString("sv", { hour: "2-digit", minute: "2-digit" }),
      title: new Date(bin.start).toLocaleString("sv"),
      values: pick(bin),
    }));
  const all = (bin) => {
    const sums = {};
    for (const labels of Object.values(bin.labels))
      for (const [label, number] of Object.entries(labels)) sums[label] = (sums[label] ?? 0) + number;
    return sums;
  };
  const every = rows(all);
  const total = every.reduce((sum, row) => sum + Object.values(row.values).reduce((a, b) => a + b, 0), 0);
  const minutes = (timeline.bin_seconds * timeline.bins.length) / 60;
  rate.replaceChildren(
    h(
      "p",
      { class: "quiet" },
      `candidates per ${duration(timeline.bin_seconds)}; ${count(total)} in all, ${(total / minutes).toFixed(1)} a minute`,
    ),
    stackedBars(LABELS, every, { label: "Candidates labelled over time, by label" }),
    legend(LABELS),
  );
  mix.replaceChildren(
    ...AUTHORS.map((author) =>
      h(
        "figure",
        { class: "low" },
        h("figcaption", {}, badge(author)),
        stackedBars(LABELS, rows((bin) => bin.labels[author] ?? {}), {
          share: true,
          label: `Label mix of the ${author} over time`,
          height: 108,
        }),
      ),
    ),
  );
}

function drawTotals(stats) {
  const sum = (counts) => Object.values(counts).reduce((all, number) => all + number, 0);
  const skipped = Object.entries(stats.skipped).map(([reason, number]) => `${words(reason)} ${count(number)} (${stats.advice[reason]})`);
  const sums = [
    ["Candidates", `${count(stats.candidates.labelled)} labelled, ${count(stats.candidates.quarantined)} in quarantine`],
    ["Groups", `${count(stats.groups.ranked)} ranked, ${count(stats.groups.open)} open`],
    ["Pairs", count(stats.pairs)],
    ["Batches", `${count(stats.training_batches.completed)} trained; ${count(stats.waiting_groups)} groups wait for the next`],
    ["Not trained on", skipped.length ? skipped.join("; ") : "no group"],
  ];
  return [
    facts(sums),
    table(
      [
        ["Author", ([author]) => badge(author)],
        ["pass@1", ([author]) => (author in stats.pass_at_1 ? percent(stats.pass_at_1[author]) : "–"), "number"],
        ...LABELS.map((label) => [words(label), ([, labels]) => count(labels[label] ?? 0), "number"]),
        ["Sum", ([, labels]) => count(sum(labels)), "number"],
      ],
      Object.entries(stats.labels),
      "",
    ),
  ];
}

function drawSlow(slow) {
  const taken = [
    ["Executions", (one) => count(one.executions), "number"],
    ["Slots", (one) => duration(one.slot_seconds), "number"],
    ["Hang", (one) => count(one.hangs), "number"],
    ["Slots of those", (one) => duration(one.hang_seconds), "number"],
  ];
  const saved = (one) => (one.saved_seconds === null ? "–" : duration(one.saved_seconds));
  return [
    table(
      [["Problem", (one) => shown(one.problem), "name"], ...taken, ["A calibrated limit saves", saved, "number"]],
      slow.problems,
      "Nothing was executed.",
    ),
    slow.models.length ? table([["Model", (one) => shown(one.model), "name"], ...taken], slow.models, "") : "",
    slow.tests.length
      ? table(
          [
            ["Problem", (one) => shown(one.problem), "name"],
            ["Test", (one) => shown(one.test), "name"],
            ["Hang", (one) => count(one.hangs), "number"],
            ["Time", (one) => duration(one.wall_seconds), "number"],
          ],
          slow.tests,
          "",
        )
      : "",
  ];
}
