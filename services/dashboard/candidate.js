// One candidate: its program, what each test made of it, its output, and what became of it.

import { address } from "./address.js";
import { find, get, post } from "./api.js";
import { candidateLink, nameOf } from "./candidates.js";
import { badge, block, card, count, duration, facts, h, heading, mebibytes, moment, part, percent, short, shown, source, table } from "./dom.js";
import { downloadAll, downloadProgram } from "./download.js";
import { pick, pickBox, showPicked } from "./picked.js";
import { outcomes, testContent } from "./tests.js";

const SECONDS = 5;
const AGAIN = "again"; // The policy of what was run again.

export async function showCandidate(page, life, id) {
  const one = await get(`candidates/${encodeURIComponent(id)}`, {}, life.signal);
  const group = await get(`groups/${one.group_id}`, {}, life.signal);
  const problem = await get(`problems/${group.problem_id}`, {}, life.signal);
  const [state, tests, verdict, history] = [h("span", {}), h("div", {}), h("div", {}), part()];
  let seen = null;
  const refresh = async () => {
    const now = await get(`candidates/${one.id}`, {}, life.signal);
    const ranking = await find(`groups/${group.id}/ranking`, life.signal);
    const text = JSON.stringify([now, ranking]);
    if (text !== seen) draw(now, ranking);
    seen = text;
    history.replaceChildren(...drawHistory(await get(`candidates/${one.id}/history`, {}, life.signal)));
  };
  const draw = (now, ranking) => {
    state.replaceChildren(badge(now.author), " ", badge(now.label ?? now.state));
    tests.replaceChildren(...drawTests(now.execution, problem));
    verdict.replaceChildren(...drawVerdict(now, group, ranking, problem));
  };
  await refresh();
  page.append(
    heading(["Candidate ", short(one.id)], state),
    ways(one, group, problem, life),
    h("div", { class: "two" }, h("div", {}, card("Program", source(one.program, problem.language)), tests), verdict),
    card("History", history),
  );
  life.every(SECONDS, refresh, false);
}

/** What can be done with a candidate. */
function ways(one, group, problem, life) {
  const said = h("span", { class: "quiet", "aria-live": "polite" });
  const again = h("button", { type: "button", class: "main", onclick: () => life.attempt(run) }, "Run again");
  const run = async () => {
    again.disabled = true;
    try {
      const made = await post(`candidates/${one.id}/again`);
      pick(one.id, nameOf(one));
      pick(made.id, nameOf(made));
      showPicked();
      said.replaceChildren("Runs as ", candidateLink(made, short(made.id)), ".");
    } finally {
      again.disabled = false;
    }
  };
  return h(
    "div",
    { class: "ways" },
    h("a", { href: address("problems", [problem.id]) }, shown(problem.slug)),
    h("a", { href: address("groups", [group.id]) }, `Group ${short(group.id)}`),
    h("label", { class: "button" }, pickBox(one.id, nameOf(one)), " Compare"),
    h("button", { type: "button", onclick: () => downloadProgram(one, problem) }, "Download program"),
    h("button", { type: "button", onclick: () => downloadAll(one) }, "Download all (JSON)"),
    life.scopes.includes("submit") ? again : h("span", { class: "quiet" }, "To run it again takes a key with the scope submit."),
    said,
  );
}

function drawVerdict(one, group, ranking, problem) {
  const run = one.execution;
  return [
    card("Facts", [notes(one, ranking), facts([...about(one, group, ranking), ...measured(run), ...allowed(problem)]), one.reason ? h("p", { class: "wrong" }, shown(one.reason)) : null]),
    run && (run.error || run.stdout || run.stderr) ? card("Output", output(run)) : "",
    one.completion && one.completion !== one.program ? card("Raw completion", block(one.completion, "source")) : "",
  ].filter(Boolean);
}

function drawTests(run, problem) {
  const code = problem.tests.filter((test) => test.kind === "assert" || test.kind === "program");
  const parts = code.map((test, at) => h("details", {}, h("summary", {}, `Test code, part ${at + 1}`), testContent(test, problem)));
  return [card("Tests", [run ? outcomes(run, problem) : h("p", { class: "empty" }, "It has not been executed yet."), parts])];
}

function about(one, group, ranking) {
  const place = ranking?.order.findIndex((entry) => entry.candidate_id === one.id) ?? -1;
  const entry = ranking?.order[place];
  const version = one.policy_version === null ? "" : `, version ${one.policy_version}`;
  return [
    ["Model", one.model ? shown(one.model) : "not said"],
    ["Policy", [shown(group.policy), version]],
    ["Score", entry ? `${entry.score.toFixed(3)}, place ${place + 1} of ${count(ranking.order.length)}` : "not ranked"],
    ["Seed", one.seed === null ? "not said" : String(one.seed)],
    ["Generation ended", one.finish_reason ? shown(one.finish_reason) : "not said"],
  ];
}

function measured(run) {
  if (!run) return [];
  return [
    ["Passed", `${count(run.passed)} of ${count(run.total)} (${percent(run.total ? run.passed / run.total : 0)})`],
    ["Time", `${duration(run.cpu_seconds)} CPU, ${duration(run.wall_seconds)} wall`],
    ["Memory", mebibytes(run.memory_bytes)],
    ["Sandbox", shown(run.sandbox)],
  ];
}

const allowed = ({ limits }) => [
  ["Limits", `${limits.cpu_seconds} s CPU a test, ${limits.total_cpu_seconds} s in all, ${mebibytes(limits.memory_bytes)} memory, ${mebibytes(limits.output_bytes)} output, ${limits.processes} processes`],
];

/** What a reader should know of a label, as badges. */
export function notes(one, ranking, numbers = null) {
  const run = one.execution;
  const other = one.duplicate_of && (numbers?.get(one.duplicate_of) ?? short(one.duplicate_of));
  const said = [
    ranking?.best_id === one.id && "imitated",
    run?.integrity === "shared" && "shared process",
    run?.guards && !run.guards.protected && "unprotected",
    run?.unstable && "unstable",
    other && `same as ${other}`,
    one.cached && "from an earlier execution",
  ].filter(Boolean);
  return said.length ? h("p", {}, said.map((note) => [badge(note, "plain"), " "])) : null;
}

function output(run) {
  const named = [["Error", run.error], ["Standard output", run.stdout], ["Standard error", run.stderr]];
  return named.filter(([, text]) => text).map(([title, text]) => [h("h3", {}, title), block(text)]);
}

function drawHistory(history) {
  const moments = [["Created", history.created_at], ["Sent to an executor", history.sent_at], ["Begun", history.started_at], ["Labelled", history.labelled_at]];
  return [
    facts(moments.map(([name, at]) => [name, moment(at)])),
    h("h3", {}, "Executions"),
    table(EXECUTIONS, history.executions, "None of its own."),
    h("h3", {}, "The same program elsewhere"),
    table(SAME, history.same_program, "Nobody else has handed it in for this problem."),
  ];
}

const EXECUTIONS = [
  ["Attempt", (run) => run.attempt, "number"],
  ["Label", (run) => [badge(run.label), run.unstable ? [" ", badge("unstable", "plain")] : null]],
  ["Passed", (run) => `${count(run.passed)} / ${count(run.total)}`, "number"],
  ["CPU", (run) => duration(run.cpu_seconds), "number"],
  ["Memory", (run) => mebibytes(run.memory_bytes), "number"],
  ["At", (run) => moment(run.created_at)],
  ["Sandbox", (run) => shown(run.sandbox), "wide"],
];
const SAME = [
  ["Candidate", (one) => candidateLink(one, h("code", {}, short(one.id)))],
  ["Author", (one) => badge(one.author)],
  ["Model", (one) => (one.model ? shown(one.model) : "not said"), "name"],
  ["Label", (one) => badge(one.label ?? one.state)],
  ["Why", (one) => (one.policy === AGAIN ? "run again" : "handed in")],
  ["Created", (one) => moment(one.created_at)],
];
