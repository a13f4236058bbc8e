// Problems and their tests.

import { address } from "./address.js";
import { get } from "./api.js";
import { badge, block, card, count, facts, h, heading, mebibytes, moment, shown, words } from "./dom.js";
import { DAYS, filters, named, oneOf } from "./filters.js";
import { listGroups } from "./groups.js";
import { liveTable } from "./live_table.js";
import { testContent } from "./tests.js";

const MOST_TESTS = 50;
const CHECKS = ["pending", "sound", "unsound", "quarantined"].map((name) => [name, name]);
const FIELDS = [named("problem", "Name"), oneOf("check_state", "Check", CHECKS), ...DAYS];

export async function showProblems(page, life) {
  const chosen = filters(FIELDS, () => life.attempt(list.restart));
  const read = (part) => get("problems", { ...chosen.parameters(), ...part }, life.signal);
  const list = liveTable(life, {
    columns: COLUMNS,
    read,
    noun: ["problem", "problems"],
    empty: "No problem is like that.",
  });
  page.append(heading("Problems"), card("Oldest first", [chosen.form, list.element]));
  await list.start();
}

const COLUMNS = [
  ["Name", (problem) => h("a", { href: address("problems", [problem.id]) }, shown(problem.slug)), "name"],
  ["Language", (problem) => problem.language],
  ["Entry point", (problem) => (problem.entry_point ? h("code", {}, shown(problem.entry_point)) : "–"), "name"],
  ["Tests", (problem) => count(problem.num_tests), "number"],
  ["Check", (problem) => words(problem.check_state)],
  ["Created", (problem) => moment(problem.created_at)],
];

export async function showProblem(page, life, id) {
  const problem = await get(`problems/${encodeURIComponent(id)}`, {}, life.signal);
  const groups = listGroups(life, () => ({ problem_id: problem.id }), "It has no group yet.");
  const limits = problem.limits;
  const said = [
    ["Language", problem.language],
    ["Image", problem.image],
    ["Entry point", problem.entry_point ?? "none"],
    ["CPU time", `${limits.cpu_seconds} s a test at most, ${limits.total_cpu_seconds} s in all`],
    ["Memory", mebibytes(limits.memory_bytes)],
    ["Integrity", problem.integrity],
    ...checkFacts(problem),
  ];
  const tests = problem.tests.slice(0, MOST_TESTS).map((test, at) =>
    h(
      "details",
      { open: at < 3 },
      h("summary", {}, `${at + 1} `, badge(test.kind, "plain")),
      testContent(test, problem),
    ),
  );
  page.append(
    heading(shown(problem.slug)),
    h("div", { class: "ways" }, h("a", { href: address("candidates", [], { problem: problem.slug }) }, "Its candidates")),
    h(
      "div",
      { class: "two" },
      card("Prompt", [block(problem.prompt, "source"), facts(said.map(([name, value]) => [name, shown(value)]))]),
      card(`Tests (${count(problem.num_tests)})`, [
        tests,
        problem.tests.length > MOST_TESTS ? h("p", { class: "quiet" }, `The first ${MOST_TESTS} are shown.`) : null,
      ]),
    ),
    card("Groups", groups.element),
  );
  await groups.start();
}

function checkFacts({ check, strength }) {
  const found = check.finding;
  const said = [["Check", check.reason ? `${check.state}: ${check.reason}` : check.state]];
  if (found?.fault) said.push(["Fault of the tests", `${found.fault}: ${found.detail}`]);
  if (found?.integrity) said.push(["Tests run", `${found.integrity}: ${found.reason}`]);
  if (found?.tests != null) said.push(["Tests found", count(found.tests)]);
  if (found?.guards) said.push(["Checks guarded", `${found.guards.guarded} of ${found.guards.sites}`]);
  if (found?.cpu_seconds != null) said.push(["Reference program", `${found.cpu_seconds.toFixed(3)} s CPU`]);
  if (strength != null) said.push(["Mutants noticed", `${Math.round(strength * 100)} %`]);
  return said;
}
