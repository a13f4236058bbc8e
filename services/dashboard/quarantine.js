// What was set aside after too many attempts, and once more.

import { get, post } from "./api.js";
import { card, count, h, shown, short, table } from "./dom.js";

const KINDS = { candidate: "Candidates", sample_request: "Requests for samples", training_batch: "Training batches" };

export async function showQuarantine(page, life) {
  const mayRelease = life.scopes.includes("admin");
  for (const [kind, title] of Object.entries(KINDS)) {
    const list = h("div", {});
    page.append(card(title, list));
    await load(list, kind, mayRelease, life);
  }
  if (!mayRelease)
    page.append(h("p", { class: "quiet" }, "This key may look; to release takes one with the scope admin."));
}

async function load(list, kind, mayRelease, life) {
  const items = [];
  const said = h("span", { role: "status" });
  const kept = new Map(); // Why an id could not be released.
  const more = async (cursor) => {
    const page = await get("quarantine", { kind, limit: 100, cursor }, life.signal);
    items.push(...page.items);
    draw(page.next_cursor);
  };
  const draw = (cursor) => {
    const columns = [
      ["Id", (item) => h("code", { title: item.id }, short(item.id))],
      ["Group", (item) => (item.group_id ? h("a", { href: `#/groups/${item.group_id}` }, short(item.group_id)) : "–")],
      ["Attempts", (item) => count(item.attempts), "number"],
      ["Why", (item) => [shown(item.reason ?? "–"), whyKept(item.id)], "wide"],
    ];
    if (mayRelease) columns.push(["", (item) => button("Try again", [item.id])]);
    list.replaceChildren(
      said,
      table(columns, items, "Nothing was set aside."),
      mayRelease && items.length > 1 ? button(`Try all ${items.length} again`, items.map((item) => item.id)) : "",
      cursor ? h("button", { type: "button", onclick: () => life.attempt(() => more(cursor)) }, "More") : "",
    );
  };
  const whyKept = (id) => (kept.has(id) ? h("p", { class: "wrong" }, "Kept: ", shown(kept.get(id))) : null);
  const button = (text, ids) =>
    h("button", { type: "button", onclick: (event) => life.attempt(() => release(event.target, ids)) }, text);
  const release = async (pressed, ids) => {
    pressed.disabled = true;
    let released = 0;
    kept.clear();
    try {
      for (let at = 0; at < ids.length; at += 1000) {
        const result = await post("quarantine/release", { kind, ids: ids.slice(at, at + 1000) });
        released += result.released.length;
        for (const one of result.kept) kept.set(one.id, one.reason);
      }
    } finally {
      pressed.disabled = false;
    }
    said.textContent = `${count(released)} released, ${count(kept.size)} kept`;
    items.length = 0;
    await more("");
  };
  await more("");
}
