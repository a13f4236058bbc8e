// A table that grows by pages and keeps itself fresh; rows that have not changed are left alone, so
// that neither the focus nor what was picked is lost.

import { count, h, headRow, tableRow } from "./dom.js";

const PAGE = 100;
const MOST_READ = 500; // What the API gives at once.
const SECONDS = 5;

/**
 * Make the table. `read` gets {limit, cursor} and returns a page, `noun` is one of the items and
 * several, `empty` is said when there is none; `text` is what a row is drawn anew for, and `below`
 * makes of all items what stands under them.
 */
export function liveTable(life, { columns, read, noun, empty, text = JSON.stringify, below = () => "" }) {
  const body = h("tbody");
  const scroll = h("div", { class: "scroll" }, h("table", {}, headRow(columns), body));
  const none = h("p", { class: "empty" });
  const said = h("p", { class: "quiet", "aria-live": "polite" });
  const more = h("button", { type: "button", onclick: () => life.attempt(grow) }, "Show more");
  const under = h("div", {});
  const rows = new Map(); // By id: the text it was drawn for, and the row.
  let [wanted, turn, ids] = [PAGE, 0, ""];

  const refresh = async () => {
    const mine = ++turn;
    const found = [];
    let cursor = "";
    do {
      const page = await read({ limit: Math.min(wanted - found.length, MOST_READ), cursor });
      found.push(...page.items);
      cursor = page.next_cursor;
    } while (cursor && found.length < wanted);
    if (mine === turn) draw(found, Boolean(cursor));
  };
  const grow = () => {
    wanted += PAGE;
    return refresh();
  };
  const draw = (found, isMore) => {
    const kept = new Set(found.map((item) => item.id));
    for (const [id, { row }] of rows) if (!kept.has(id)) drop(id, row);
    found.forEach((item, at) => {
      const row = rowOf(item);
      if (body.children[at] !== row) body.insertBefore(row, body.children[at] ?? null);
    });
    [scroll.hidden, none.textContent, more.hidden] = [!found.length, found.length ? "" : empty, !isMore];
    if (ids !== [...kept].join()) under.replaceChildren(below(found));
    ids = [...kept].join();
    const sum = `${count(found.length)} ${noun[found.length === 1 ? 0 : 1]}`;
    const now = isMore ? `The first ${sum}.` : `${sum}.`;
    if (said.textContent !== now) said.textContent = found.length ? now : "";
  };
  const drop = (id, row) => {
    row.remove();
    rows.delete(id);
  };
  const rowOf = (item) => {
    const drawn = text(item);
    const known = rows.get(item.id);
    if (known?.text === drawn) return known.row;
    const row = tableRow(columns, item);
    known?.row.replaceWith(row);
    rows.set(item.id, { text: drawn, row });
    return row;
  };
  return {
    element: h("div", { class: "list" }, scroll, none, h("div", { class: "below" }, said, under, more)),
    refresh,
    /** Begin at the first page again. */
    restart: () => {
      wanted = PAGE;
      return refresh();
    },
    /** Read it for the first time, and keep it fresh from then on. */
    start: async () => {
      await refresh();
      life.every(SECONDS, refresh, false);
    },
  };
}
