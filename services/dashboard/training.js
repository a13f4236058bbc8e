// What each version of a policy wrote, and how it was trained.

import { find, get } from "./api.js";
import { legend, lines, stackedBars } from "./charts.js";
import { badge, card, count, h, moment, percent, shown, short, table, words } from "./dom.js";
import { LABELS } from "./overview.js";

const MOST_CHECKPOINTS = 200;
const CURVES = ["loss", "rank_loss", "ce_loss"];

export async function showTraining(page, life) {
  const policies = (await get("policies", { limit: 500 }, life.signal)).items;
  if (!policies.length) {
    page.append(card("Training", h("p", { class: "empty" }, "There is no policy yet: the first group makes one.")));
    return;
  }
  const body = h("div", {});
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
    body.replaceChildren(
      ...drawVersions(versions.versions.filter((one) => one.policy === policy), versions.candidates),
      ...drawEvaluations(evaluations.items),
      ...drawCheckpoints(checkpoints.items),
    );
  };
  page.append(h("div", { class: "title" }, h("h1", {}, "Training"), choice), body);
  life.every(30, load);
}

function drawVersions(versions, looked) {
  const known = versions.filter((one) => one.version !== null && one.author === "student");
  const teacher = versions.filter((one) => one.author === "teacher");
  const points = known.map((one) => [one.version, one.pass_at_1]);
  const note = h("p", { class: "quiet" }, `Over the newest ${count(looked)} labelled candidates.`);
  const versionName = (one) => (one.version === null ? "not said" : `version ${one.version}`);
  const passing = points.length
    ? lines([{ kind: "student", name: "student", points }], {
        label: "pass@1 by policy version",
        top: 1,
        format: percent,
      })
    : h("p", { class: "empty" }, "No student's candidate says which version wrote it.");
  const rows = versions.filter((one) => one.author === "student");
  return [
    h(
      "div",
      { class: "two" },
      card("pass@1 by policy version", [passing, note]),
      card("Student's label mix by policy version", [
        stackedBars(
          LABELS,
          rows.map((one) => ({ tick: one.version ?? "–", title: versionName(one), values: one.labels })),
          { share: true, label: "Label mix of the student by policy version" },
        ),
        legend(LABELS),
      ]),
    ),
    card(
      "By author and version",
      table(
        [
          ["Author", (one) => badge(one.author)],
          ["Version", versionName],
          ["pass@1", (one) => percent(one.pass_at_1), "number"],
          ["Problems", (one) => count(one.problems), "number"],
          ...LABELS.map((label) => [words(label), (one) => count(one.labels[label] ?? 0), "number"]),
        ],
        [...rows.toReversed(), ...teacher],
        "Nothing is labelled yet.",
      ),
      null,
      "tall",
    ),
  ];
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
  const number = (metrics, name) => (typeof metrics[name] === "number" ? metrics[name] : null);
  const series = CURVES.map((name) => ({
    kind: name,
    name: words(name),
    points: checkpoints
      .map((one) => [one.version, number(one.metrics, name)])
      .filter(([, value]) => value !== null)
      .reverse(),
  })).filter((one) => one.points.length);
  const metric = (name) => (one) => number(one.metrics, name)?.toPrecision(4) ?? "–";
  const curve = series.length
    ? [lines(series, { label: "Loss by optimizer step" }), legend(series.map((one) => one.kind))]
    : h("p", { class: "empty" }, "There is no checkpoint yet.");
  return [
    h(
      "div",
      { class: "two" },
      card("Loss by optimizer step", curve),
      card(
        "Checkpoints",
        table(
          [
            ["Step", (one) => one.version, "number"],
            ["Loss", metric("loss"), "number"],
            ["In order", metric("pair_accuracy"), "number"],
            ["Batches", (one) => one.training_batch_ids.map((id) => [batchLink(id), " "])],
            ["Weights", (one) => h("code", { title: one.path }, one.sha256.slice(0, 12))],
            ["Written", (one) => moment(one.created_at)],
          ],
          checkpoints,
          "There is none.",
        ),
        null,
        "tall",
      ),
    ),
  ];
}

/** Link to a training batch. */
export const batchLink = (id) => h("a", { href: `#/training/${id}`, title: id }, short(id));

export async function showBatch(page, life, id) {
  const batch = await get(`training-batches/${encodeURIComponent(id)}`, {}, life.signal);
  const checkpoint = batch.checkpoint_id ? await find(`checkpoints/${batch.checkpoint_id}`, life.signal) : null;
  const facts = [
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
    h("h1", {}, `Training batch ${short(batch.id)}`),
    card("Facts", h("dl", {}, facts.map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]))),
    card(
      `Groups (${count(batch.num_groups)})`,
      h("ul", { class: "plain" }, batch.group_ids.map((group) => h("li", {}, h("a", { href: `#/groups/${group}` }, group)))),
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
