// Two candidates side by side.

import { address } from "./address.js";
import { get } from "./api.js";
import { candidateLink, nameOf } from "./candidates.js";
import { aligned, within } from "./diff.js";
import { badge, card, count, duration, h, heading, mebibytes, percent, short, shown, table } from "./dom.js";
import { tokens } from "./highlight.js";
import { marked } from "./tests.js";

const MOST_TESTS = 200;

export async function showComparison(page, life, ...ids) {
  const both = await Promise.all(ids.map((id) => read(id, life)));
  page.append(
    heading(["Compare ", short(both[0].id), " and ", short(both[1].id)]),
    h("div", { class: "ways" }, h("a", { href: address("compare", [...ids].reverse()) }, "The other way round")),
    card("Facts", factTable(both)),
    card("Tests that differ", differing(both)),
    card("Programs", programs(both)),
  );
}

async function read(id, life) {
  const one = await get(`candidates/${encodeURIComponent(id)}`, {}, life.signal);
  const group = await get(`groups/${one.group_id}`, {}, life.signal);
  const problem = await get(`problems/${group.problem_id}`, {}, life.signal);
  return { ...one, group, problem };
}

function factTable(both) {
  const measured = (say) => (one) => (one.execution ? say(one.execution) : "–");
  const lines = [
    ["Problem", (one) => h("a", { href: address("problems", [one.problem.id]) }, shown(one.problem.slug))],
    ["Author", (one) => badge(one.author)],
    ["Model", (one) => (one.model ? shown(one.model) : "not said")],
    ["Label", (one) => badge(one.label ?? one.state)],
    ["Passed", measured((run) => `${count(run.passed)} of ${count(run.total)} (${percent(run.total ? run.passed / run.total : 0)})`)],
    ["Time", measured((run) => `${duration(run.cpu_seconds)} CPU, ${duration(run.wall_seconds)} wall`)],
    ["Memory", measured((run) => mebibytes(run.memory_bytes))],
    ["Version", (one) => one.policy_version ?? "not said"],
    ["Group", (one) => h("a", { href: address("groups", [one.group.id]) }, short(one.group.id))],
  ];
  const column = (at) => [candidateLink(both[at], shown(nameOf(both[at]))), ([, say]) => say(both[at]), "half"];
  return table([[h("span", { class: "hidden" }, "Fact"), ([name]) => name], column(0), column(1)], lines, "");
}

function differing([one, other]) {
  if (one.problem.id !== other.problem.id) return h("p", { class: "empty" }, "They are programs for different problems.");
  if (!one.execution || !other.execution) return h("p", { class: "empty" }, "Not both have been executed.");
  const [left, right] = [one.execution.tests, other.execution.tests];
  const rows = Array.from({ length: Math.max(left.length, right.length) }, (_, at) => [at + 1, left[at], right[at]]);
  const differs = ([, a, b]) => a?.outcome !== b?.outcome || a?.detail !== b?.detail;
  const found = rows.filter(differs);
  const cell = (test) => (test ? [badge(test.outcome), test.detail ? h("p", {}, shown(test.detail)) : null] : "not run");
  const columns = [
    ["Test", ([number, test]) => (test?.name && test.name !== String(number) ? shown(`${number} ${test.name}`) : number)],
    ["First", ([, test]) => cell(test), "half"],
    ["Second", ([, , test]) => cell(test), "half"],
  ];
  const more = found.length > MOST_TESTS ? h("p", { class: "quiet" }, `The first ${count(MOST_TESTS)} of ${count(found.length)}.`) : null;
  return [table(columns, found.slice(0, MOST_TESTS), "Every test ended alike, with the same words."), more];
}

function programs([one, other]) {
  const rows = aligned(one.program, other.program);
  if (rows.every(({ kind }) => kind === "same")) return h("p", {}, "The programs are the same, line by line.");
  const columns = [
    [h("span", { class: "hidden" }, "Line of the first"), ({ left }) => left?.[0] ?? "", "line"],
    ["First", (row) => side(row, "left", one.problem.language), "program"],
    [h("span", { class: "hidden" }, "Line of the second"), ({ right }) => right?.[0] ?? "", "line"],
    ["Second", (row) => side(row, "right", other.problem.language), "program"],
  ];
  const made = table(columns, rows, "");
  made.classList.add("side-by-side");
  return made;
}

function side({ kind, left, right }, name, language) {
  const line = name === "left" ? left : right;
  if (!line) return h("span", { class: "hidden" }, "no such line");
  const [, text] = line;
  if (kind === "same") return h("code", {}, tokens(text, language).map(([token, piece]) => (token ? h("span", { class: token }, shown(piece)) : shown(piece))));
  const parts = kind === "changed" ? within(left[1], right[1])[name === "left" ? 0 : 1] : [[false, text]];
  return h(name === "left" ? "del" : "ins", {}, h("code", {}, marked(parts)));
}
