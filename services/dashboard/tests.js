// Tests: what they ask, what they expect, and what came instead.

import { aligned, within } from "./diff.js";
import { badge, block, count, duration, h, shown } from "./dom.js";

const MOST = 50;
const OPEN = 3;
/** The signs of outcomes, where there is no room for words. */
export const MARKS = {
  passed: "✓",
  wrong_answer: "≠",
  runtime_error: "!",
  time_limit_exceeded: "T",
  memory_limit_exceeded: "M",
  output_limit_exceeded: "O",
  not_run: "–",
};

/** Show what one test of a problem is. */
export function testContent(test, problem) {
  if (test.kind === "assert" || test.kind === "program") return block(test.source, "source", problem.language);
  const how = test.comparator === "exact" ? null : h("p", { class: "quiet" }, `compared by ${test.comparator}`);
  const checker = test.checker ? block(test.checker, "source", "python") : null;
  return [asked(test, problem), h("h3", {}, "Expected"), block(expected(test)), how, checker];
}

const isExample = (test) => test.kind === "call" || test.kind === "stdio";
const expected = (test) => (test.kind === "stdio" ? test.expected_stdout : JSON.stringify(test.expected));

function asked(test, { entry_point: entryPoint }) {
  if (test.kind === "stdio") return [h("h3", {}, "Standard input"), block(test.stdin)];
  const kwargs = Object.entries(test.kwargs).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  const given = [...test.args.map((value) => JSON.stringify(value)), ...kwargs].join(", ");
  return [h("h3", {}, "Call"), block(`${test.function ?? entryPoint}(${given})`)];
}

/** Show the outcome of every test of an execution, those that were not passed first. */
export function outcomes(run, problem) {
  if (!run.tests.length) return h("p", { class: "empty" }, "No test was run.");
  // Test code has any number of tests in it; only examples are one outcome each.
  const examples = run.tests.length === problem.tests.length && problem.tests.every(isExample) ? problem.tests : [];
  const numbered = run.tests.map((result, at) => ({ result, number: at + 1, example: examples[at] }));
  const failed = numbered.filter(({ result }) => result.outcome !== "passed");
  const ordered = [...failed, ...numbered.filter(({ result }) => result.outcome === "passed")];
  const list = h("div", { class: "outcomes" });
  const draw = (from, to) => list.append(...ordered.slice(from, to).map((one, at) => outcome(one, problem, from + at < OPEN && from + at < failed.length)));
  draw(0, MOST);
  if (ordered.length <= MOST) return list;
  const showAll = () => {
    draw(MOST, ordered.length);
    more.remove();
  };
  const more = h("button", { type: "button", onclick: showAll }, `Show all ${count(ordered.length)} tests`);
  return [list, more];
}

function outcome({ result, number, example }, problem, isOpen) {
  const content = h("div", {});
  const fill = () => {
    if (!content.hasChildNodes()) content.append(...[asAsked(result, example, problem)].flat(Infinity).filter(Boolean));
  };
  const name = result.name && result.name !== String(number) ? [" ", h("code", {}, shown(result.name))] : null;
  const time = result.cpu_seconds ? h("span", { class: "quiet" }, ` ${duration(result.cpu_seconds)} CPU`) : null;
  const summary = h("summary", {}, `Test ${number}`, name, " ", badge(result.outcome), time);
  // Filled when it is first opened: a suite may have a thousand tests.
  const one = h("details", { ontoggle: fill }, summary, content);
  if (isOpen) fill();
  one.open = isOpen;
  return one;
}

function asAsked(result, example, problem) {
  const input = example ? asked(example, problem) : null;
  const got = gotOf(result, example);
  if (got) return [input, h("h3", {}, "Difference"), difference(got.expected, got.actual), got.isCut ? h("p", { class: "quiet" }, "What came is kept in part only.") : null];
  const wanted = example ? [h("h3", {}, "Expected"), block(expected(example))] : null;
  const came = result.detail || (result.outcome === "passed" ? "What was expected." : "Nothing is known of it.");
  return [input, wanted, h("h3", {}, "Got"), block(came)];
}

/** Read what came out of the words of a wrong answer; null where they say something else. */
export function gotOf({ outcome, detail }, example) {
  if (outcome !== "wrong_answer" || !example) return null;
  if (example.kind === "call") {
    const said = /^got ([^]*), expected ([^]*)$/.exec(detail);
    return said && { actual: said[1], expected: said[2], isCut: detail.includes("...") };
  }
  const actual = /^printed /.test(detail) ? unquoted(detail.slice(8)) : null;
  return actual === null ? null : { actual, expected: example.expected_stdout, isCut: actual.length >= 200 };
}

const ESCAPES = { n: "\n", t: "\t", r: "\r", "\\": "\\", "'": "'", '"': '"' };

/** Turn Python's way of writing a string back into the string; null where it is none. */
export function unquoted(text) {
  const quote = text[0];
  if (text.length < 2 || (quote !== "'" && quote !== '"') || text.at(-1) !== quote) return null;
  return text.slice(1, -1).replace(/\\(?:x([\da-f]{2})|u([\da-f]{4})|U([\da-f]{8})|([^]))/g, (whole, two, four, eight, one) => {
    const code = parseInt(two ?? four ?? eight ?? "", 16);
    if (code <= 0x10ffff) return String.fromCodePoint(code);
    return ESCAPES[one] ?? whole;
  });
}

/** Show two texts as one, with what only one of them has marked. */
export function difference(expectedText, actual) {
  const lines = [];
  for (const { kind, left, right } of aligned(expectedText, actual)) {
    if (kind === "same") lines.push(h("div", {}, "  ", shown(left[1])));
    const [was, is] = kind === "changed" ? within(left[1], right[1]) : [[[false, left?.[1]]], [[false, right?.[1]]]];
    if (left && kind !== "same") lines.push(h("del", {}, "- ", marked(was)));
    if (right && kind !== "same") lines.push(h("ins", {}, "+ ", marked(is)));
  }
  return [
    h("p", { class: "quiet" }, h("del", {}, "- expected"), " ", h("ins", {}, "+ got")),
    h("pre", { class: "output difference" }, lines),
  ];
}

/** Make nodes of [is it the same, text], with what is not the same marked. */
export const marked = (parts) => parts.map(([isSame, text]) => (isSame ? shown(text) : text ? h("mark", {}, shown(text)) : null));
