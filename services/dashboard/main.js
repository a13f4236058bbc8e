// Shows the view that the address names, keeps it fresh, and asks for the key once.

import { Refused, forgetKey, get, hasKey, keepKey } from "./api.js";
import { card, h } from "./dom.js";
import { showBatch, showTraining } from "./training.js";
import { showGroup } from "./group.js";
import { showGroups } from "./groups.js";
import { showModels } from "./models.js";
import { showOverview } from "./overview.js";
import { showProblem, showProblems } from "./problems.js";
import { showQuarantine } from "./quarantine.js";

const VIEWS = {
  "": showOverview,
  groups: (page, life, id) => (id ? showGroup(page, life, id) : showGroups(page, life)),
  training: (page, life, id) => (id ? showBatch(page, life, id) : showTraining(page, life)),
  problems: (page, life, id) => (id ? showProblem(page, life, id) : showProblems(page, life)),
  models: showModels,
  quarantine: showQuarantine,
};

const page = document.getElementById("view");
const news = document.getElementById("news");
const forget = document.getElementById("forget");

/** The time that one view is shown; what it waits for ends with it. */
class Life {
  #ending = new AbortController();
  signal = this.#ending.signal;
  /** What the key may do. */
  scopes = [];

  end() {
    this.#ending.abort();
  }

  /** Do something now and again; not while nobody looks. */
  async every(seconds, work) {
    while (!this.signal.aborted) {
      if (!document.hidden) await this.attempt(work);
      await new Promise((resolve) => setTimeout(resolve, 1000 * seconds));
    }
  }

  /** Do something, and say so if it fails. */
  async attempt(work) {
    try {
      await work();
      if (!this.signal.aborted) news.replaceChildren();
    } catch (error) {
      if (this.signal.aborted) return;
      if (error instanceof Refused && error.status === 401) askForKey();
      else news.replaceChildren(error instanceof Refused ? error.message : `The API does not answer (${error.message})`);
    }
  }
}

let life = new Life();

function show() {
  life.end();
  life = new Life();
  const [name, id] = place();
  for (const link of document.querySelectorAll("#nav a")) {
    const here = link.getAttribute("href") === `#/${name}`;
    if (here) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  forget.hidden = !hasKey();
  page.replaceChildren();
  const current = life;
  life.attempt(async () => {
    // First, so that a key that is missing is asked for once and not by every part of a view.
    current.scopes = (await get("caller", {}, current.signal)).scopes;
    await VIEWS[name](page, current, id);
  });
}

/** Read the address: the view, and what it shows. */
function place() {
  try {
    const [name = "", id] = location.hash.replace(/^#\/?/, "").split("/").map(decodeURIComponent);
    return Object.hasOwn(VIEWS, name) ? [name, id] : [""];
  } catch {
    return [""]; // An address that is no address of ours.
  }
}

function askForKey() {
  life.end();
  const wrong = hasKey();
  forgetKey();
  forget.hidden = true;
  const input = h("input", { type: "password", id: "key", autocomplete: "off", required: true });
  const form = h(
    "form",
    {
      onsubmit: (event) => {
        event.preventDefault();
        keepKey(input.value.trim());
        show();
      },
    },
    h("label", { for: "key" }, "API key"),
    input,
    h("button", { type: "submit", class: "main" }, "Look in"),
  );
  const why = wrong ? h("p", { class: "wrong", role: "alert" }, "The API does not know this key.") : null;
  const hint = h(
    "p",
    { class: "quiet" },
    "The key of rrtf up lies in api.key of its data directory; rrtf keys create makes one that may only read.",
    " It is kept in this tab until the tab is closed.",
  );
  page.replaceChildren(card("This suite asks for a key", [form, why, hint], null, "narrow"));
  input.focus();
}

forget.addEventListener("click", () => {
  forgetKey();
  show();
});
window.addEventListener("hashchange", show);
show();
