// What was set aside after too many attempts, and once more.

import { address } from "./address.js";
import { get, post } from "./api.js";
import { card, count, h, heading, shown, short } from "./dom.js";
import { liveTable } from "./live_table.js";

const KINDS = { candidate: "Candidates", sample_request: "Requests for samples", training_batch: "Training batches" };
/** The views of what can be set aside; a request for samples has none of its own. */
const VIEWS = { candidate: "candidates", training_batch: "training" };
const AT_ONCE = 1000; // What the API releases at once.

export async function showQuarantine(page, life) {
  const mayRelease = life.scopes.includes("admin");
  page.append(heading("Quarantine"));
  for (const [kind, title] of Object.entries(KINDS)) await showKind(page, life, kind, title, mayRelease);
  if (!mayRelease)
    page.append(h("p", { class: "quiet" }, "This key may look; to release takes one with the scope admin."));
}

async function showKind(page, life, kind, title, mayRelease) {
  const said = h("p", { "aria-live": "polite" });
  const kept = new Map(); // Why an id could not be released.
  const release = async (pressed, ids) => {
    pressed.disabled = true;
    let released = 0;
    kept.clear();
    try {
      for (let at = 0; at < ids.length; at += AT_ONCE) {
        const result = await post("quarantine/release", { kind, ids: ids.slice(at, at + AT_ONCE) });
        released += result.released.length;
        for (const one of result.kept) kept.set(one.id, one.reason);
      }
    } finally {
      pressed.disabled = false;
    }
    said.textContent = `${count(released)} released, ${count(kept.size)} kept`;
    await list.refresh();
  };
  const button = (text, ids) =>
    h("button", { type: "button", onclick: (event) => life.attempt(() => release(event.target, ids)) }, text);
  const list = liveTable(life, {
    columns: [...columns(kind, kept), ...(mayRelease ? [["Release", (item) => button("Try again", [item.id])]] : [])],
    read: (part) => get("quarantine", { kind, ...part }, life.signal),
    noun: ["set aside", "set aside"],
    empty: "Nothing was set aside.",
    text: (item) => JSON.stringify([item, kept.get(item.id)]),
    below: (items) => (mayRelease && items.length > 1 ? button(`Try all ${items.length} again`, items.map((item) => item.id)) : ""),
  });
  page.append(card(title, [said, list.element]));
  await list.start();
}

function columns(kind, kept) {
  const id = (item) => h("code", { title: item.id }, short(item.id));
  const whyKept = (item) => (kept.has(item.id) ? h("p", { class: "wrong" }, "Kept: ", shown(kept.get(item.id))) : null);
  return [
    ["Id", (item) => (VIEWS[kind] ? h("a", { href: address(VIEWS[kind], [item.id]) }, id(item)) : id(item))],
    ["Group", (item) => (item.group_id ? h("a", { href: address("groups", [item.group_id]) }, short(item.group_id)) : "–")],
    ["Attempts", (item) => count(item.attempts), "number"],
    ["Why", (item) => [shown(item.reason ?? "–"), whyKept(item)], "wide"],
  ];
}
