// Groups, newest first.

import { address } from "./address.js";
import { get } from "./api.js";
import { badge, card, count, h, heading, moment, shown, words } from "./dom.js";
import { DAYS, filters, named, oneOf } from "./filters.js";
import { liveTable } from "./live_table.js";

const FIELDS = [
  named("problem", "Problem"),
  oneOf("state", "State", [["open", "open"], ["ranked", "ranked"]]),
  named("policy", "Policy", "whole name"),
  ...DAYS,
];

export async function showGroups(page, life) {
  const chosen = filters(FIELDS, () => life.attempt(list.restart));
  const list = listGroups(life, chosen.parameters, "No group is like that.");
  page.append(heading("Groups"), card("Newest first", [chosen.form, list.element]));
  await list.start();
}

/** Make a live table of groups; `parameters` says what they are narrowed by. */
export function listGroups(life, parameters, empty) {
  const read = (part) => get("groups", { ...parameters(), newest_first: true, ...part }, life.signal);
  return liveTable(life, { columns: COLUMNS, read, noun: ["group", "groups"], empty });
}

const COLUMNS = [
  ["Problem", (group) => h("a", { href: address("groups", [group.id]) }, shown(group.problem_slug)), "name"],
  ["State", (group) => badge(group.state)],
  ["Policy", (group) => shown(group.policy), "name"],
  ["Candidates", (group) => states(group.candidates)],
  ["Priority", (group) => words(group.priority)],
  ["Created", (group) => moment(group.created_at)],
  ["Ranked", (group) => moment(group.ranked_at)],
];

const states = (counts) =>
  Object.entries(counts)
    .map(([state, number]) => `${count(number)} ${words(state)}`)
    .join(", ") || "–";
