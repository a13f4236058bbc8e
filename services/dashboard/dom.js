// Builds elements. Text only ever becomes a text node: nothing that a candidate wrote is markup.

import { tokens } from "./highlight.js";

const SVG = "http://www.w3.org/2000/svg";

/** Make an HTML element; `on...` attributes are listeners, null and false ones are left out. */
export function h(name, attributes = {}, ...children) {
  return fill(document.createElement(name), attributes, children);
}

/** Make an SVG element. */
export function svg(name, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, name), attributes, children);
}

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value !== null && value !== undefined && value !== false)
      node.setAttribute(name, value === true ? "" : value);
  }
  // One by one: a long program has more pieces than a call may have arguments.
  for (const child of children.flat(Infinity)) if (child !== null && child !== undefined) node.append(child);
  return node;
}

// What a reader would not see, or would see in another place than it is: control characters (the
// escape of terminal sequences among them), zero-width and bidirectional ones, tags.
const UNSEEN =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\u{e0000}-\u{e0fff}]/gu;

/** Turn text from outside into nodes: as it is, with a visible mark for what cannot be seen. */
export function shown(text) {
  const nodes = [];
  let from = 0;
  for (const match of text.matchAll(UNSEEN)) {
    nodes.push(text.slice(from, match.index), mark(match[0].codePointAt(0)));
    from = match.index + match[0].length;
  }
  nodes.push(text.slice(from));
  return nodes.filter((node) => node !== "");
}

function mark(code) {
  const name = `U+${code.toString(16).toUpperCase().padStart(4, "0")}`;
  // Unicode has pictures of the oldest control characters.
  const picture = code < 0x20 ? String.fromCodePoint(0x2400 + code) : name;
  return h("span", { class: "unseen", title: name }, picture);
}

const MOST_SHOWN = 20_000;
const MOST_NUMBERS = 5_000;

/** Make a block of text from outside; a long one is cut until somebody wants all of it. */
export function block(text, kind = "output", language = null) {
  const coloured = (part) =>
    tokens(part, language).map(([token, piece]) => (token ? h("span", { class: token }, shown(piece)) : shown(piece)));
  if (text.length <= MOST_SHOWN) return h("pre", { class: kind }, coloured(text));
  const pre = h("pre", { class: kind }, coloured(text.slice(0, MOST_SHOWN)));
  const showAll = () => {
    pre.replaceChildren();
    fill(pre, {}, [coloured(text)]);
    more.remove();
  };
  const more = h("button", { type: "button", onclick: showAll }, `Show all ${count(text.length)} characters`);
  return h("div", {}, pre, more);
}

/** Make a program with numbers of its lines. */
export function source(program, language) {
  const lines = program.replace(/\n$/, "").split("\n").length;
  const numbers = Array.from({ length: Math.min(lines, MOST_NUMBERS) }, (_, at) => at + 1).join("\n");
  return h("div", { class: "code" }, h("pre", { class: "gutter", "aria-hidden": "true" }, numbers), block(program, "source", language));
}

/** Make a table; a column is [heading, function of an item to a cell, class]. */
export function table(columns, items, empty) {
  if (!items.length) return h("p", { class: "empty" }, empty);
  const rows = items.map((item) => tableRow(columns, item));
  return h("div", { class: "scroll" }, h("table", {}, headRow(columns), h("tbody", {}, rows)));
}

/** Make the head of a table of such columns. */
export const headRow = (columns) =>
  h("thead", {}, h("tr", {}, columns.map(([head, , kind]) => h("th", { class: kind, scope: "col" }, head))));

/** Make the row of an item. */
export const tableRow = (columns, item) =>
  h("tr", {}, columns.map(([, cell, kind]) => h("td", { class: kind }, cell(item))));

/** Make the heading of a page, with something beside it. */
export const heading = (text, ...aside) => h("div", { class: "title" }, h("h1", { tabindex: -1 }, text), aside);

/** Make a list of names and values; a value that is text is shown as it is. */
export function facts(pairs, kind = null) {
  return h("dl", { class: kind }, pairs.map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]));
}

/** Make a part that is filled later, and says so until then. */
export const part = () => h("div", {}, h("p", { class: "loading" }, "Loading …"));

/** Make a card with a heading, something beside the heading, and content. */
export function card(title, content, aside = null, kind = "") {
  return h("section", { class: `card ${kind}` }, h("div", { class: "head" }, h("h2", {}, title), aside), content);
}

/** Make the coloured name of a label, an outcome, an author or a state. */
export function badge(name, kind = name) {
  return h("span", { class: `badge ${kind}` }, words(name));
}

export const words = (name) => name.replaceAll("_", " ");
export const count = (number) => number.toLocaleString("en");
export const percent = (share) => `${(100 * share).toFixed(share > 0 && share < 0.1 ? 1 : 0)} %`;
export const short = (id) => id.slice(-8);

/** Say a duration in its two largest units at most. */
export function duration(seconds) {
  if (seconds < 0.0995) return `${(seconds * 1000).toFixed(seconds < 0.00995 ? 1 : 0)} ms`;
  if (seconds < 60) return `${seconds.toFixed(seconds < 9.95 ? 1 : 0)} s`;
  if (seconds < 3600) return two(seconds, 60, "min", "s");
  if (seconds < 86_400) return two(seconds / 60, 60, "h", "min");
  return two(seconds / 3600, 24, "d", "h");
}

function two(smaller, size, large, small) {
  const rest = Math.floor(smaller % size);
  return `${Math.floor(smaller / size)} ${large}${rest ? ` ${rest} ${small}` : ""}`;
}

export const mebibytes = (bytes) => `${(bytes / 2 ** 20).toFixed(bytes < 10 * 2 ** 20 ? 1 : 0)} MiB`;

/** Say a moment in the reader's time zone; the title has it exactly. */
export function moment(text) {
  if (!text) return "–";
  const at = new Date(text);
  const day = at.toDateString() === new Date().toDateString() ? "" : `${at.toLocaleDateString("sv")} `;
  return h("time", { datetime: text, title: text }, day + at.toLocaleTimeString("sv"));
}
