// Problems and their tests.

import { get } from "./api.js";
import { badge, block, card, count, h, mebibytes, moment, shown, table } from "./dom.js";
import { listGroups } from "./groups.js";

const MOST_TESTS = 50;

export async function showProblems(page, life) {
  const list = h("div", {});
  const name = h("input", { type: "search", placeholder: "exact name", "aria-label": "Name" });
  const form = h(
    "form",
    {
      class: "filter",
      onsubmit: (event) => {
        event.preventDefault();
        life.attempt(load);
      },
    },
    name,
  );
  const load = async () => {
    const items = [];
    const more = async (cursor) => {
      const found = await get("problems", { slug: name.value.trim(), limit: 100, cursor }, life.signal);
      items.push(...found.items);
      list.replaceChildren(
        table(COLUMNS, items, "There is no such problem."),
        found.next_cursor
          ? h("button", { type: "button", onclick: () => life.attempt(() => more(found.next_cursor)) }, "More")
          : "",
      );
    };
    await more("");
  };
  page.append(card("Problems", list, form));
  await load();
}

const COLUMNS = [
  ["Name", (problem) => h("a", { href: `#/problems/${problem.id}` }, shown(problem.slug))],
  ["Language", (problem) => problem.language],
  ["Entry point", (problem) => (problem.entry_point ? h("code", {}, shown(problem.entry_point)) : "–")],
  ["Tests", (problem) => count(problem.num_tests), "number"],
  ["Check", (problem) => problem.check_state],
  ["Created", (problem) => moment(problem.created_at)],
];

export async function showProblem(page, life, id) {
  const problem = await get(`problems/${encodeURIComponent(id)}`, {}, life.signal);
  const groups = h("div", {});
  const limits = problem.limits;
  const facts = [
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
      testContent(test, problem.entry_point),
    ),
  );
  page.append(
    h("h1", {}, shown(problem.slug)),
    h(
      "div",
      { class: "two" },
      card("Prompt", [
        block(problem.prompt, "source"),
        h("dl", {}, facts.map(([name, value]) => [h("dt", {}, name), h("dd", {}, shown(value))])),
      ]),
      card(`Tests (${count(problem.num_tests)})`, [
        tests,
        problem.tests.length > MOST_TESTS ? h("p", { class: "quiet" }, `The first ${MOST_TESTS} are shown.`) : null,
      ]),
    ),
    card("Groups", groups),
  );
  await listGroups(groups, { problem_id: problem.id }, life);
}

function checkFacts({ check, strength }) {
  const found = check.finding;
  const facts = [["Check", check.reason ? `${check.state}: ${check.reason}` : check.state]];
  if (found?.fault) facts.push(["Fault of the tests", `${found.fault}: ${found.detail}`]);
  if (found?.integrity) facts.push(["Tests run", `${found.integrity}: ${found.reason}`]);
  if (found?.tests != null) facts.push(["Tests found", count(found.tests)]);
  if (found?.guards) facts.push(["Checks guarded", `${found.guards.guarded} of ${found.guards.sites}`]);
  if (found?.cpu_seconds != null) facts.push(["Reference program", `${found.cpu_seconds.toFixed(3)} s CPU`]);
  if (strength != null) facts.push(["Mutants noticed", `${Math.round(strength * 100)} %`]);
  return facts;
}

function testContent(test, entryPoint) {
  if (test.kind === "assert" || test.kind === "program") return block(test.source, "source");
  const how = test.comparator === "exact" ? null : h("p", { class: "quiet" }, `compared by ${test.comparator}`);
  const checker = test.checker ? block(test.checker, "source") : null;
  if (test.kind === "stdio")
    return [h("h3", {}, "Standard input"), block(test.stdin), h("h3", {}, "Expected output"), block(test.expected_stdout), how, checker];
  const named = Object.entries(test.kwargs).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  const given = [...test.args.map((value) => JSON.stringify(value)), ...named].join(", ");
  return [block(`${test.function ?? entryPoint}(${given})\n→ ${JSON.stringify(test.expected)}`), how, checker];
}
