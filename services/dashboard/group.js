// The group inspector: programs side by side, what their tests did, and what was learnt from it.

import { address } from "./address.js";
import { each, find, get } from "./api.js";
import { notes } from "./candidate.js";
import { candidateLink, nameOf } from "./candidates.js";
import { badge, block, card, count, duration, facts, h, heading, mebibytes, moment, percent, short, shown, source, table, words } from "./dom.js";
import { pairTable, scoreLines } from "./pairs.js";
import { pickBox } from "./picked.js";
import { MARKS } from "./tests.js";
import { batchLink, checkpointFacts } from "./training.js";

const AT_ONCE = 12;
const MOST_CELLS = 200;
const MOST_PAIRS = 60;
const MOST_FAILURES = 20;
const SECONDS = 4;

export async function showGroup(page, life, id) {
  const [state, body] = [h("span", {}), h("div", {})];
  let seen = null;
  const load = async () => {
    const group = await get(`groups/${encodeURIComponent(id)}`, {}, life.signal);
    const now = JSON.stringify(group);
    if (now === seen) return group;
    const { language } = await get(`problems/${group.problem_id}`, {}, life.signal);
    body.replaceChildren(...(await draw(group, language, life)));
    state.replaceChildren(badge(group.state));
    seen = now;
    return group;
  };
  const group = await load();
  page.append(heading(shown(group.problem_slug), state), body);
  if (group.state !== "ranked") life.every(SECONDS, load, false);
}

async function draw(group, language, life) {
  const ranking = await find(`groups/${group.id}/ranking`, life.signal);
  const candidates = ranked(await everyCandidate(group.id, life), ranking);
  const numbers = new Map(candidates.map((one, at) => [one.id, `#${at + 1}`]));
  const strips = h("div", {});
  const programs = h("div", { class: "programs" });
  const more = h("button", { type: "button", onclick: () => life.attempt(next) });
  const known = [];
  const next = async () => {
    const wanted = candidates.slice(known.length, known.length + AT_ONCE);
    const details = await each(wanted, (one) => get(`candidates/${one.id}`, {}, life.signal));
    known.push(...details);
    strips.replaceChildren(testStrips(known, numbers));
    programs.append(...details.map((one) => programCard(one, language, ranking, numbers)));
    more.textContent = `Show more of ${count(candidates.length)}`;
    more.hidden = known.length >= candidates.length;
  };
  await next();
  return [
    await lineage(group, ranking, life),
    h("div", { class: "two" }, card("Tests", [strips, key()]), card("Scores and pairs", pairs(candidates, ranking, numbers))),
    samples(group.samples),
    h("h2", {}, "Programs"),
    programs,
    more,
  ];
}

async function everyCandidate(id, life) {
  const items = [];
  let cursor = "";
  do {
    const page = await get(`groups/${id}/candidates`, { limit: 500, cursor }, life.signal);
    items.push(...page.items);
    cursor = page.next_cursor;
  } while (cursor);
  return items;
}

function ranked(candidates, ranking) {
  const places = new Map((ranking?.order ?? []).map((entry, at) => [entry.candidate_id, at]));
  const place = (one) => places.get(one.id) ?? candidates.length;
  return [...candidates].sort((one, other) => place(one) - place(other));
}

/** Draw the way from the problem to the checkpoint that has learnt from the group. */
async function lineage(group, ranking, life) {
  const batchId = ranking?.training_batch_id;
  const batch = batchId ? await find(`training-batches/${batchId}`, life.signal) : null;
  const checkpoint = batch?.checkpoint_id ? await find(`checkpoints/${batch.checkpoint_id}`, life.signal) : null;
  const total = Object.values(group.candidates).reduce((sum, number) => sum + number, 0);
  const steps = [
    ["Problem", h("a", { href: address("problems", [group.problem_id]) }, shown(group.problem_slug))],
    ["Group", [h("code", { title: group.id }, short(group.id)), `, ${count(total)} candidates, `, moment(group.created_at)]],
    ["Ranking", ranking ? rankingFacts(ranking) : "not ranked yet"],
    ["Batch", batch ? [batchLink(batch.id), " ", badge(batch.state), " ", shown(batch.worker ?? "")] : noBatch(ranking)],
    ["Checkpoint", checkpoint ? [shown(checkpoint.policy), ", ", checkpointFacts(checkpoint)] : `none yet of ${group.policy}`],
  ];
  return h("ol", { class: "lineage" }, steps.map(([name, value]) => h("li", {}, h("h2", {}, name), h("p", {}, value))));
}

function rankingFacts(ranking) {
  const dropped = ranking.dropped_pairs ? `, ${count(ranking.dropped_pairs)} dropped` : "";
  return [`${ranking.preset}, ${count(ranking.pairs.length)} pairs${dropped}, `, moment(ranking.created_at)];
}

function noBatch(ranking) {
  if (!ranking) return "–";
  return ranking.skip_reason ? `not trained on, ${words(ranking.skip_reason)}: ${ranking.advice}` : "waits for a batch";
}

const key = () =>
  h("ul", { class: "legend" }, Object.entries(MARKS).map(([outcome, sign]) => h("li", {}, h("span", { class: `cell ${outcome}`, "aria-hidden": "true" }, sign), words(outcome))));

const cell = (outcome, sign, title) => h("span", { class: `cell ${outcome}`, title, role: "img", "aria-label": title }, sign);

/** Draw one strip of outcomes for each candidate, under one another. */
function testStrips(candidates, numbers) {
  const strip = (tests) => [
    tests
      .slice(0, MOST_CELLS)
      .map((test, at) => cell(test.outcome, MARKS[test.outcome], `test ${at + 1}: ${words(test.outcome)}`)),
    tests.length > MOST_CELLS ? ` and ${count(tests.length - MOST_CELLS)} more` : null,
  ];
  return table(
    [
      [h("span", { class: "hidden" }, "Candidate"), (one) => candidateLink(one, numbers.get(one.id))],
      ["Author", (one) => badge(one.author)],
      ["Label", (one) => badge(one.label ?? one.state)],
      ["Passed", (one) => (one.execution ? `${one.execution.passed} / ${one.execution.total}` : "–"), "number"],
      ["Tests", (one) => (one.execution ? strip(one.execution.tests) : "–"), "strip"],
    ],
    candidates,
    "No candidate has come yet.",
  );
}

function pairs(candidates, ranking, numbers) {
  if (!ranking) return h("p", { class: "empty" }, "There is no ranking yet.");
  const models = new Map(candidates.map((one) => [one.id, one.model || one.author]));
  const why = ranking.skip_reason ? `No pairs, ${words(ranking.skip_reason)}: ${ranking.advice}.` : "No pairs.";
  return [
    scoreLines(ranking.order, ranking.pairs, numbers),
    pairTable(ranking.pairs.slice(0, MOST_PAIRS), numbers, (id) => h("span", { class: "quiet" }, shown(models.get(id))), why),
    ranking.pairs.length > MOST_PAIRS ? h("p", { class: "quiet" }, `The first ${MOST_PAIRS} of ${ranking.pairs.length} pairs.`) : null,
  ];
}

function samples(requests) {
  if (!requests.length) return "";
  return card(
    "Samples asked for",
    table(
      [
        ["Author", (one) => badge(one.plan.author)],
        ["Backend", (one) => shown(`${one.plan.backend} ${one.plan.model ?? ""}`), "name"],
        ["Number", (one) => count(one.plan.num_samples), "number"],
        ["State", (one) => badge(one.state)],
        ["Attempts", (one) => count(one.attempts), "number"],
        ["Why", (one) => shown(one.reason ?? "–"), "wide"],
      ],
      requests,
      "",
    ),
  );
}

/** Draw one program with its verdict. */
function programCard(one, language, ranking, numbers) {
  const entry = ranking?.order.find((item) => item.candidate_id === one.id);
  const run = one.execution;
  const said = [
    ["Score", entry ? entry.score.toFixed(3) : "–"],
    ["Passed", run ? `${run.passed} of ${run.total} (${percent(run.total ? run.passed / run.total : 0)})` : "–"],
    ["Time", run ? `${duration(run.cpu_seconds)} CPU, ${duration(run.wall_seconds)} wall` : "–"],
    ["Memory", run ? mebibytes(run.memory_bytes) : "–"],
    ["Version", one.policy_version === null ? "not said" : String(one.policy_version)],
  ];
  return h(
    "article",
    { class: "card program", id: one.id },
    h("div", { class: "head" }, h("h3", {}, `${numbers.get(one.id)} `, candidateLink(one, shown(one.model || one.author))), badge(one.author), badge(one.label ?? one.state)),
    h("label", { class: "quiet" }, pickBox(one.id, nameOf(one)), " Compare"),
    notes(one, ranking, numbers),
    facts(said, "tight"),
    one.reason ? h("p", { class: "wrong" }, shown(one.reason)) : null,
    source(one.program, language),
    run ? verdict(run) : null,
    one.completion && one.completion !== one.program ? fold("Raw completion", one.completion) : null,
  );
}

function verdict(run) {
  const failures = failuresOf(run.tests);
  const isNews = run.error && !failures.some(({ detail }) => detail === run.error);
  return [
    isNews ? [h("h4", {}, "Error"), block(run.error)] : null,
    failures.length ? [h("h4", {}, "Tests not passed"), failures.slice(0, MOST_FAILURES).map(failure)] : null,
    failures.length > MOST_FAILURES ? h("p", { class: "quiet" }, `And ${count(failures.length - MOST_FAILURES)} other failures.`) : null,
    run.stdout ? fold("Standard output", run.stdout) : null,
    run.stderr ? fold("Standard error", run.stderr) : null,
    h("p", { class: "quiet" }, shown(run.sandbox)),
  ];
}

/** Gather tests that failed in the same way. */
function failuresOf(tests) {
  const found = new Map();
  tests.forEach(({ outcome, detail }, at) => {
    if (outcome === "passed" || outcome === "not_run") return;
    const same = `${outcome} ${detail}`;
    if (!found.has(same)) found.set(same, { outcome, detail, numbers: [] });
    found.get(same).numbers.push(at + 1);
  });
  return [...found.values()];
}

function failure({ outcome, detail, numbers }) {
  const named = numbers.slice(0, 12).join(", ") + (numbers.length > 12 ? `, … (${count(numbers.length)})` : "");
  return h("div", { class: "failed" }, h("p", {}, `${named} `, badge(outcome)), detail ? block(detail) : null);
}

const fold = (title, text) => h("details", {}, h("summary", {}, title), block(text));
