// Candidates that were picked to be seen side by side, on whichever page that was: two at most.

import { address } from "./address.js";
import { h, shown } from "./dom.js";

const MOST = 2;
const picked = new Map(); // Names by id, in the order in which they were picked.
const bar = document.getElementById("picked");

/** Make the box that picks a candidate. */
export function pickBox(id, name) {
  const box = h("input", { type: "checkbox", class: "pick", value: id, "aria-label": `Compare ${name}` });
  box.checked = picked.has(id);
  box.addEventListener("change", () => {
    if (box.checked) pick(id, name);
    else picked.delete(id);
    showPicked();
  });
  return box;
}

/** Pick a candidate; the one that was picked first gives way. */
export function pick(id, name) {
  picked.set(id, name);
  if (picked.size > MOST) picked.delete(picked.keys().next().value);
}

/** Show what is picked, in the bar and in every box. */
export function showPicked() {
  for (const box of document.querySelectorAll("input.pick")) box.checked = picked.has(box.value);
  bar.hidden = picked.size === 0;
  const ids = [...picked.keys()];
  const what = [...picked.values()].join(" and ");
  const way =
    ids.length === MOST
      ? h("a", { class: "button main", href: address("compare", ids), onclick: clear }, "Compare")
      : h("span", { class: "quiet" }, "Pick one more to compare");
  bar.replaceChildren(h("span", { class: "names" }, shown(what)), way, h("button", { type: "button", onclick: clear }, "Clear"));
}

function clear() {
  picked.clear();
  showPicked();
}
