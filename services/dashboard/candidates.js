// Candidates of all groups, newest first.

import { address } from "./address.js";
import { get } from "./api.js";
import { badge, card, h, heading, moment, percent, short, shown, words } from "./dom.js";
import { DAYS, filters, named, oneOf } from "./filters.js";
import { liveTable } from "./live_table.js";
import { LABELS } from "./overview.js";
import { pickBox } from "./picked.js";

const choices = (names) => names.map((name) => [name, words(name)]);
const FIELDS = [
  named("problem", "Problem"),
  named("model", "Model"),
  oneOf("label", "Label", choices(LABELS)),
  oneOf("author", "Author", choices(["teacher", "student"])),
  oneOf("state", "State", choices(["submitted", "labelled", "quarantined"])),
  ...DAYS,
];

export async function showCandidates(page, life) {
  const chosen = filters(FIELDS, () => life.attempt(list.restart));
  const read = (part) => get("candidates", { ...chosen.parameters(), ...part }, life.signal);
  const list = liveTable(life, {
    columns: COLUMNS,
    read,
    noun: ["candidate", "candidates"],
    empty: "No candidate is like that.",
  });
  page.append(heading("Candidates"), card("Newest first", [chosen.form, list.element]));
  await list.start();
}

/** Name a candidate in few words. */
export const nameOf = (one) => `${short(one.id)} of ${one.model || one.author}`;
/** Link to the page of a candidate. */
export const candidateLink = (one, ...text) => h("a", { href: address("candidates", [one.id]), title: one.id }, text);

const COLUMNS = [
  [h("span", { class: "hidden" }, "Compare"), (one) => pickBox(one.id, nameOf(one))],
  ["Candidate", (one) => candidateLink(one, h("code", {}, short(one.id)))],
  ["Problem", (one) => h("a", { href: address("problems", [one.problem_id]) }, shown(one.problem_slug)), "name"],
  ["Author", (one) => badge(one.author)],
  ["Model", (one) => (one.model ? shown(one.model) : "not said"), "name"],
  ["Label", (one) => badge(one.label ?? one.state)],
  ["Passed", (one) => (one.pass_fraction === null ? "–" : percent(one.pass_fraction)), "number"],
  ["Group", (one) => h("a", { href: address("groups", [one.group_id]), title: one.group_id }, h("code", {}, short(one.group_id)))],
  ["Created", (one) => moment(one.created_at)],
];
