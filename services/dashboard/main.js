// Shows the view that the address names, keeps it fresh, and asks for the key once.

import { address, place } from "./address.js";
import { Refused, forgetKey, get, hasKey, keepKey } from "./api.js";
import { showCandidate } from "./candidate.js";
import { showCandidates } from "./candidates.js";
import { showComparison } from "./compare.js";
import { card, h, heading } from "./dom.js";
import { showGroup } from "./group.js";
import { showGroups } from "./groups.js";
import { Life } from "./life.js";
import { showModels } from "./models.js";
import { showOverview } from "./overview.js";
import { showPicked } from "./picked.js";
import { showProblem, showProblems } from "./problems.js";
import { showQuarantine } from "./quarantine.js";
import { keepReachable } from "./scrolling.js";
import { listenToShortcuts } from "./shortcuts.js";
import { showBatch, showTraining } from "./training.js";

/** Views by name and by the number of ids behind it. */
const VIEWS = {
  "": [showOverview],
  groups: [showGroups, showGroup],
  candidates: [showCandidates, showCandidate],
  compare: [null, null, showComparison],
  training: [showTraining, showBatch],
  problems: [showProblems, showProblem],
  models: [showModels],
  quarantine: [showQuarantine],
};
const NOT_THERE = new Set([404, 422]);

const page = document.getElementById("view");
const news = document.getElementById("news");
const forget = document.getElementById("forget");

let life = new Life(tell);
let isFirst = true;

async function show() {
  life.end();
  life = new Life(tell);
  const current = life;
  const { name, ids } = place();
  markPlace(name);
  forget.hidden = !hasKey();
  page.replaceChildren(h("p", { class: "loading" }, "Loading …"));
  page.setAttribute("aria-busy", "true");
  const view = Object.hasOwn(VIEWS, name) ? VIEWS[name][ids.length] : undefined;
  const content = h("div", { class: "view" });
  try {
    // First, so that a key that is missing is asked for once and not by every part of a view.
    current.scopes = (await get("caller", {}, current.signal)).scopes;
    if (!current.scopes.includes("read")) throw new Refused(403, "forbidden", "this API key lacks the scope `read`");
    if (view) await view(content, current, ...ids);
    else content.append(...missing("There is no such page", "The address is no page's; it may be mistyped."));
    tell(null);
  } catch (error) {
    if (current.signal.aborted) return;
    if (isUnknownKey(error)) return askForKey();
    content.replaceChildren(...failed(error));
  }
  if (current.signal.aborted) return;
  page.replaceChildren(content);
  arrive();
}

/** Say where one is: in the bar, in the title, and to who does not see the page. */
function arrive() {
  page.removeAttribute("aria-busy");
  const title = page.querySelector("h1");
  document.title = `${title.textContent} – RRTF suite`;
  // Not on arrival from elsewhere, where reading starts at the top.
  if (!isFirst) title.focus({ preventScroll: true });
  if (!isFirst) scrollTo(0, 0);
  isFirst = false;
  showPicked();
}

function markPlace(name) {
  const part = name === "compare" ? "candidates" : name;
  for (const link of document.querySelectorAll("#nav a")) {
    if (link.getAttribute("href") === address(part)) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
}

function failed(error) {
  if (error instanceof Refused && NOT_THERE.has(error.status)) return missing("Not found", `The API says: ${error.message}. It may have been pruned, or the address is mistyped.`);
  const retry = h("button", { type: "button", class: "main", onclick: show }, "Try again");
  return [heading("This page cannot be shown"), card("Why", [h("p", { role: "alert" }, said(error)), retry], null, "narrow")];
}

function missing(title, why) {
  const way = h("p", {}, h("a", { href: "#/" }, "Back to the overview"));
  return [heading(title), card("What is wrong", [h("p", { role: "alert" }, why), way], null, "narrow")];
}

const isUnknownKey = (error) => error instanceof Refused && error.status === 401;
const said = (error) => (error instanceof Refused ? error.message : `The API does not answer (${error.message})`);

function tell(error) {
  if (isUnknownKey(error)) askForKey();
  else news.replaceChildren(error === null ? "" : said(error));
}

function askForKey() {
  life.end();
  const wrong = hasKey();
  forgetKey();
  forget.hidden = true;
  const input = h("input", { type: "password", id: "key", autocomplete: "off", required: true });
  const onsubmit = (event) => {
    event.preventDefault();
    keepKey(input.value.trim());
    show();
  };
  const look = h("button", { type: "submit", class: "main" }, "Look in");
  const form = h("form", { onsubmit }, h("label", { for: "key" }, "API key"), input, look);
  const why = wrong ? h("p", { class: "wrong", role: "alert" }, "The API does not know this key.") : null;
  const hint = h(
    "p",
    { class: "quiet" },
    "The key of rrtf up lies in api.key of its data directory; rrtf keys create makes one that may only read.",
    " It is kept in this tab until the tab is closed.",
  );
  page.replaceChildren(h("div", { class: "view" }, heading("This suite asks for a key"), card("Key", [form, why, hint], null, "narrow")));
  page.removeAttribute("aria-busy");
  document.title = "Key – RRTF suite";
  input.focus();
}

forget.addEventListener("click", () => {
  forgetKey();
  show();
});
document.getElementById("skip").addEventListener("click", (event) => {
  event.preventDefault();
  page.querySelector("h1, input")?.focus();
});
window.addEventListener("hashchange", show);
listenToShortcuts();
keepReachable(page);
show();
