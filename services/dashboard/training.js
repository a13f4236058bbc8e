// What each version of a policy wrote, and how it was trained.

import { address } from "./address.js";
import { find, get } from "./api.js";
import { legend, lines, stackedBars } from "./charts.js";
import { badge, card, count, facts, h, heading, moment, part, percent, shown, short, table, words } from "./dom.js";
import { LABELS } from "./overview.js";

const MOST_CHECKPOINTS = 200;
const CURVES = ["loss", "rank_loss", "ce_loss"];
const ORDER = "pair_accuracy";
const HELD_OUT = ".held-out"; // Of the name of a policy: its evaluation.
const SECONDS = 30;

export async function showTraining(page, life) {
  const policies = (await get("policies", { limit: 500 }, life.signal)).items;
  if (!policies.length) {
    page.append(heading("Training"), card("Policies", h("p", { class: "empty" }, "There is no policy yet: the first group makes one.")));
    return;
  }
  const body = part();
  const choice = h(
    "select",
    { "aria-label": "Policy", onchange: () => life.attempt(load) },
    policies.map((policy) => h("option", { value: policy.name }, shown(policy.name))),
  );
  const load = async () => {
    const policy = choice.value;
    const name = encodeURIComponent(policy);
    const [versions, checkpoints, evaluations] = await Promise.all([
      get("versions", {}, life.signal),
      get(`policies/${name}/checkpoints`, { limit: MOST_CHECKPOINTS }, life.signal),
      get(`policies/${name}/evaluations`, { limit: MOST_CHECKPOINTS }, life.signal),
    ]);
    const of = (name) => versions.versions.filter((one) => one.policy === name);
    const [own, heldOut] = [of(policy), of(policy + HELD_OUT)];
    body.replaceChildren(
      h("div", { class: "two" }, drawRounds(own, heldOut, checkpoints.items), drawMix(own)),
      drawTable(own, heldOut, versions.candidates),
      ...drawEvaluations(evaluations.items),
      drawCheckpoints(checkpoints.items),
    );
  };
  page.append(heading("Training", choice), body);
  await load();
  life.every(SECONDS, load, false);
}

const isStudent = (one) => one.author === "student" && one.version !== null;
const number = (metrics, name) => (typeof metrics[name] === "number" ? metrics[name] : null);

/** Draw what the versions wrote above how they were trained, step under step. */
function drawRounds(own, heldOut, checkpoints) {
  const passed = (versions) => versions.filter(isStudent).map((one) => [one.version, one.pass_at_1]);
  const metric = (name) =>
    checkpoints
      .map((one) => [one.version, number(one.metrics, name)])
      .filter(([, value]) => value !== null)
      .reverse();
  const written = [
    { kind: "student", name: "student", points: passed(own) },
    { kind: "held_out", name: "held out", points: passed(heldOut) },
  ];
  const losses = CURVES.map((name) => ({ kind: name, name: words(name), points: metric(name) }));
  const order = [{ kind: ORDER, name: "pairs in order", points: metric(ORDER) }];
  const marks = passed(own).map(([version]) => version);
  const steps = [written, losses, order].flat().flatMap((one) => one.points.map(([x]) => x));
  const shared = { marks, span: steps.length ? [Math.min(...steps), Math.max(...steps)] : null };
  const chart = (series, empty, looks) => {
    const drawn = series.filter((one) => one.points.length);
    const names = Object.fromEntries(series.map((one) => [one.kind, one.name]));
    return drawn.length ? [lines(drawn, { ...shared, ...looks }), legend(drawn.map((one) => one.kind), names)] : h("p", { class: "empty" }, empty);
  };
  const share = { top: 1, format: percent };
  return card("Rounds and training, by optimizer step", [
    h("h3", {}, "pass@1"),
    chart(written, "No student's candidate says which version wrote it.", { label: "pass@1 by policy version", ...share }),
    h("h3", {}, "Loss"),
    chart(losses, "There is no checkpoint yet.", { label: "Loss by optimizer step" }),
    h("h3", {}, "Pairs in order"),
    chart(order, "No checkpoint says.", { label: "Share of pairs in order by optimizer step", ...share }),
    h("p", { class: "quiet" }, "An upright line is a version that wrote candidates: where a round begins."),
  ]);
}

function drawMix(own) {
  const rows = own.filter((one) => one.author === "student");
  if (!rows.length) return card("Student's label mix by policy version", h("p", { class: "empty" }, "Nothing of a student is labelled yet."));
  const bars = rows.map((one) => ({ tick: one.version ?? "–", title: versionName(one), values: one.labels }));
  return card("Student's label mix by policy version", [
    stackedBars(LABELS, bars, { share: true, label: "Label mix of the student by policy version" }),
    legend(LABELS),
  ]);
}

const versionName = (one) => (one.version === null ? "not said" : `version ${one.version}`);

function drawTable(own, heldOut, looked) {
  const evaluated = new Map(heldOut.filter(isStudent).map((one) => [one.version, one.pass_at_1]));
  const students = own.filter((one) => one.author === "student");
  const outside = (one) => (isStudent(one) && evaluated.has(one.version) ? percent(evaluated.get(one.version)) : "–");
  return card(
    "By author and version",
    [
      table(
        [
          ["Author", (one) => badge(one.author)],
          ["Version", versionName],
          ["pass@1", (one) => percent(one.pass_at_1), "number"],
          ["Held out", outside, "number"],
          ["Problems", (one) => count(one.problems), "number"],
          ...LABELS.map((label) => [words(label), (one) => count(one.labels[label] ?? 0), "number"]),
        ],
        [...students.toReversed(), ...own.filter((one) => one.author === "teacher")],
        "Nothing is labelled yet.",
      ),
      h("p", { class: "quiet" }, `Over the newest ${count(looked)} labelled candidates.`),
    ],
    null,
    "tall",
  );
}

function drawEvaluations(evaluations) {
  if (!evaluations.length) return [];
  const names = [...new Set(evaluations.flatMap((one) => Object.keys(one.rates)))].sort();
  const series = names.map((name, number) => ({
    kind: `series${number % 4}`,
    name: shown(name),
    points: evaluations
      .filter((one) => one.rates[name])
      .map((one) => [one.version, one.rates[name].mean])
      .reverse(),
  }));
  const rate = (one, name) => {
    const found = one.rates[name];
    return found ? `${percent(found.mean)} [${percent(found.low)}, ${percent(found.high)}]` : "–";
  };
  return [
    card("Evaluations of checkpoints", [
      series.length ? lines(series, { label: "pass@1 of evaluated checkpoints", top: 1, format: percent }) : "",
      ...(series.length > 1 ? [named(series)] : []),
      table(
        [
          ["Step", (one) => [`${one.version} `, one.is_best ? badge("best") : ""], "number"],
          ["Score", (one) => (one.score === null ? "at work" : percent(one.score)), "number"],
          ...names.map((name) => [shown(name), (one) => rate(one, name), "number"]),
          ["Heard of", (one) => moment(one.evaluated_at)],
        ],
        evaluations,
        "There is none.",
      ),
    ]),
  ];
}

/** Name the lines of a chart, of which four have colours of their own. */
const named = (series) => legend(series.map((one) => one.kind), Object.fromEntries(series.map((one) => [one.kind, one.name])));

function drawCheckpoints(checkpoints) {
  const metric = (name) => (one) => number(one.metrics, name)?.toPrecision(4) ?? "–";
  return card(
    "Checkpoints",
    table(
      [
        ["Step", (one) => one.version, "number"],
        ["Loss", metric("loss"), "number"],
        ["In order", metric(ORDER), "number"],
        ["Batches", (one) => one.training_batch_ids.map((id) => [batchLink(id), " "])],
        ["Weights", (one) => h("code", { title: one.path }, one.sha256.slice(0, 12))],
        ["Written", (one) => moment(one.created_at)],
      ],
      checkpoints,
      "There is none.",
    ),
    null,
    "tall",
  );
}

/** Link to a training batch. */
export const batchLink = (id) => h("a", { href: address("training", [id]), title: id }, short(id));

export async function showBatch(page, life, id) {
  const batch = await get(`training-batches/${encodeURIComponent(id)}`, {}, life.signal);
  const checkpoint = batch.checkpoint_id ? await find(`checkpoints/${batch.checkpoint_id}`, life.signal) : null;
  const said = [
    ["State", badge(batch.state)],
    ["Policy", shown(batch.policy)],
    ["Pairs", count(batch.num_pairs)],
    ["Attempts", count(batch.attempts)],
    ["Trainer", shown(batch.worker ?? "none yet")],
    ["Formed", moment(batch.created_at)],
    ["Completed", moment(batch.completed_at)],
    ["Checkpoint", checkpoint ? checkpointFacts(checkpoint) : "none yet"],
  ];
  page.append(
    heading(`Training batch ${short(batch.id)}`),
    card("Facts", facts(said)),
    card(
      `Groups (${count(batch.num_groups)})`,
      h("ul", { class: "plain" }, batch.group_ids.map((group) => h("li", {}, h("a", { href: address("groups", [group]) }, group)))),
    ),
  );
}

/** Say which weights a checkpoint is. */
export function checkpointFacts(checkpoint) {
  return [
    `step ${checkpoint.version}, `,
    h("code", {}, shown(checkpoint.path)),
    ", sha256 ",
    h("code", { title: checkpoint.sha256 }, checkpoint.sha256.slice(0, 12)),
  ];
}
