// Groups, newest first.

import { get } from "./api.js";
import { badge, card, count, h, moment, shown, table, words } from "./dom.js";

export async function showGroups(page, life) {
  const list = h("div", {});
  const state = h(
    "select",
    { "aria-label": "State" },
    ["", "open", "ranked"].map((name) => h("option", { value: name }, name || "every state")),
  );
  const name = h("input", { type: "search", placeholder: "exact name of a problem", "aria-label": "Problem" });
  const form = h(
    "form",
    {
      class: "filter",
      onsubmit: (event) => {
        event.preventDefault();
        life.attempt(load);
      },
      onchange: () => life.attempt(load),
    },
    state,
    name,
  );
  const load = async () => {
    const slug = name.value.trim();
    const problem = slug ? (await get("problems", { slug }, life.signal)).items[0] : undefined;
    if (slug && !problem) list.replaceChildren(h("p", { class: "empty" }, "There is no problem of this name."));
    else await listGroups(list, { state: state.value, problem_id: problem?.id ?? "" }, life);
  };
  page.append(card("Groups", list, form));
  await load();
}

/** Fill an element with groups, and a button for more. */
export async function listGroups(list, filter, life) {
  const items = [];
  const more = async (cursor) => {
    const page = await get("groups", { ...filter, newest_first: true, limit: 50, cursor }, life.signal);
    items.push(...page.items);
    list.replaceChildren(
      table(COLUMNS, items, "There is no such group."),
      page.next_cursor
        ? h("button", { type: "button", onclick: () => life.attempt(() => more(page.next_cursor)) }, "More")
        : "",
    );
  };
  await more("");
}

const COLUMNS = [
  ["Problem", (group) => h("a", { href: `#/groups/${group.id}` }, shown(group.problem_slug))],
  ["State", (group) => badge(group.state)],
  ["Policy", (group) => shown(group.policy)],
  ["Candidates", (group) => states(group.candidates)],
  ["Priority", (group) => words(group.priority)],
  ["Created", (group) => moment(group.created_at)],
  ["Ranked", (group) => moment(group.ranked_at)],
];

const states = (counts) =>
  Object.entries(counts)
    .map(([state, number]) => `${count(number)} ${words(state)}`)
    .join(", ") || "–";

