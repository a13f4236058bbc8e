// Shortcuts of the keyboard, and the list of them.

import { address } from "./address.js";
import { h } from "./dom.js";

const OFF = "rrtf.no-shortcuts";
const PLACES = {
  o: ["", "Overview"],
  g: ["groups", "Groups"],
  c: ["candidates", "Candidates"],
  t: ["training", "Training"],
  p: ["problems", "Problems"],
  m: ["models", "Models"],
  q: ["quarantine", "Quarantine"],
};
const PATIENCE_MS = 1500;

const dialog = document.getElementById("shortcuts");
let since = -Infinity; // When `g` was pressed.

/** Listen to shortcuts, and fill the list of them. */
export function listenToShortcuts() {
  document.addEventListener("keydown", pressed);
  document.getElementById("show-shortcuts").addEventListener("click", open);
  const rows = [
    ["?", "Show this list"],
    ["/", "Go to the first filter of a list"],
    ...Object.entries(PLACES).map(([key, [, name]]) => [`g ${key}`, `Go to ${name}`]),
    ["Esc", "Close this list"],
  ];
  const key = (text) => text.split(" ").map((one) => [h("kbd", {}, one), " "]);
  const isOn = h("input", { type: "checkbox", onchange: (event) => turn(event.target.checked), checked: !sessionStorage.getItem(OFF) });
  dialog.append(
    h("h2", { id: "shortcuts-title" }, "Keyboard"),
    h("dl", {}, rows.map(([keys, what]) => [h("dt", {}, key(keys)), h("dd", {}, what)])),
    h("p", {}, h("label", {}, isOn, " Use these shortcuts")),
    h("p", { class: "quiet" }, "Tab goes from one link, button or field to the next, arrow keys scroll what has the focus."),
    h("form", { method: "dialog" }, h("button", { type: "submit", class: "main" }, "Close")),
  );
}

function turn(on) {
  if (on) sessionStorage.removeItem(OFF);
  else sessionStorage.setItem(OFF, "1");
}

const open = () => dialog.showModal();

function pressed(event) {
  const isText = event.target.closest("input, select, textarea");
  if (isText || dialog.open || event.ctrlKey || event.metaKey || event.altKey || sessionStorage.getItem(OFF)) return;
  const went = performance.now() - since < PATIENCE_MS;
  since = -Infinity;
  if (went && Object.hasOwn(PLACES, event.key)) location.hash = address(PLACES[event.key][0]);
  else if (event.key === "g") since = performance.now();
  else if (event.key === "?") open();
  else if (event.key === "/") toFilters(event);
}

function toFilters(event) {
  const first = document.querySelector("main form.filters input, main form.filters select");
  if (!first) return;
  event.preventDefault();
  first.focus();
}
