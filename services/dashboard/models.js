// How often models solve the stored problems, and where two of them differ.

import { address } from "./address.js";
import { get } from "./api.js";
import { legend, stackedBars } from "./charts.js";
import { card, count, h, heading, percent, shown, table, words } from "./dom.js";
import { LABELS } from "./overview.js";

const SECONDS = 60;
const nameOf = (model) => (model === "" ? "not said" : shown(model));
const points = (share) => `${share > 0 ? "+" : ""}${(100 * share).toFixed(1)}`;

export async function showModels(page, life) {
  const found = await get("models", {}, life.signal);
  if (!found.models.length) {
    page.append(heading("Models"), card("Pass rates", h("p", { class: "empty" }, "Nothing is labelled yet.")));
    return;
  }
  const rates = h("div", {}, drawRates(found));
  page.append(heading("Models"), rates, drawChoice(found.models, life));
  life.every(SECONDS, async () => rates.replaceChildren(...drawRates(await get("models", {}, life.signal))), false);
}

function drawRates(found) {
  const ks = found.models[0].pass_at.map((one) => one.k);
  const rate = (model, k) => {
    const { mean, low, high, problems } = model.pass_at.find((one) => one.k === k);
    if (mean === null) return "–";
    const rated = `${percent(mean)} [${percent(low)}, ${percent(high)}]`;
    return problems === model.problems ? rated : `${rated} of ${count(problems)}`;
  };
  return [
    card(
      "By model and set of problems",
      [
        table(
          [
            ["Model", (one) => nameOf(one.model), "name"],
            ["Problems of", (one) => shown(one.problem_set), "name"],
            ...ks.map((k) => [`pass@${k}`, (one) => rate(one, k), "number"]),
            ["Problems", (one) => count(one.problems), "number"],
            ...LABELS.map((label) => [words(label), (one) => count(one.labels[label] ?? 0), "number"]),
          ],
          found.models,
          "",
        ),
        h(
          "p",
          { class: "quiet" },
          `Over the newest ${count(found.candidates)} labelled candidates. In brackets: 95 % intervals of what other problems of the kind would give.`,
        ),
      ],
      null,
      "tall",
    ),
    card("Label mix", [
      stackedBars(
        LABELS,
        found.models.map((one, place) => ({
          tick: place + 1,
          title: `${one.model || "not said"}, ${one.problem_set}`,
          values: one.labels,
        })),
        { share: true, label: "Label mix by model and set of problems, in the order of the table" },
      ),
      legend(LABELS),
    ]),
  ];
}

function drawChoice(models, life) {
  const names = [...new Set(models.map((one) => one.model))];
  const sets = [...new Set(models.map((one) => one.problem_set))];
  const choose = (label, options, chosen) =>
    h(
      "select",
      { "aria-label": label, onchange: () => life.attempt(compare) },
      options.map(([value, name]) => h("option", { value, selected: value === chosen }, name)),
    );
  const before = choose("First model", names.map((name) => [name, nameOf(name)]), names[0]);
  const after = choose("Second model", names.map((name) => [name, nameOf(name)]), names.at(-1));
  const set = choose("Set of problems", [["", "all problems"], ...sets.map((name) => [name, shown(name)])], "");
  const result = h("div", {});
  const compare = async () => {
    if (before.value === after.value) {
      result.replaceChildren(h("p", { class: "empty" }, "Choose two models to compare."));
      return;
    }
    const asked = { before: before.value, after: after.value, problem_set: set.value };
    result.replaceChildren(...drawComparison(await get("comparison", asked, life.signal)));
  };
  life.attempt(compare);
  return card("Compare", result, h("span", { class: "choices" }, before, after, set));
}

function drawComparison(found) {
  const { mean, low, high } = found.difference;
  const share = ([all, right]) => `${count(right)} of ${count(all)}`;
  return [
    h(
      "p",
      {},
      `${percent(found.before_pass_at_1)} and ${percent(found.after_pass_at_1)} of ${count(found.problems)} problems: `,
      `${points(mean)} points [${points(low)}, ${points(high)}]; ${count(found.won)} won, ${count(found.lost)} lost`,
      found.mcnemar_p === null ? "" : `, McNemar’s p ${found.mcnemar_p.toPrecision(3)}`,
    ),
    table(
      [
        ["Problem", (one) => h("a", { href: address("problems", [one.problem_id]) }, shown(one.slug)), "name"],
        ["First", (one) => share(one.before), "number"],
        ["Second", (one) => share(one.after), "number"],
      ],
      found.changes,
      "They solve the same problems as often.",
    ),
  ];
}
