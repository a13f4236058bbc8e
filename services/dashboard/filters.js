// Forms that narrow a list as one types; what is chosen stands in the address.

import { keepFilters, place } from "./address.js";
import { h } from "./dom.js";

const PAUSE_MS = 250;

/** A filter that takes a part of a name. */
export const named = (name, label, placeholder = "part of a name") => ({ name, label, type: "search", placeholder });
/** One of some names; the first choice is all. */
export const oneOf = (name, label, options) => ({ name, label, options });
/** The days in which something was made. */
export const DAYS = [
  { name: "since", label: "From", type: "date" },
  { name: "until", label: "To", type: "date" },
];

/** Make a form of filters; `changed` is called after each change. */
export function filters(fields, changed) {
  const { query } = place();
  const inputs = new Map(fields.map((field) => [field.name, input(field, query.get(field.name) ?? "")]));
  let waits;
  const values = () => Object.fromEntries([...inputs].map(([name, one]) => [name, one.value.trim()]));
  const apply = () => {
    clearTimeout(waits);
    keepFilters(values());
    changed();
  };
  const clear = h("button", { type: "reset" }, "Clear");
  const form = h(
    "form",
    {
      class: "filters",
      role: "search",
      onsubmit: (event) => {
        event.preventDefault();
        apply();
      },
      oninput: () => {
        clearTimeout(waits);
        waits = setTimeout(apply, PAUSE_MS);
      },
      onreset: (event) => {
        // A reset would bring back what the address began with.
        event.preventDefault();
        for (const one of inputs.values()) one.value = "";
        apply();
      },
    },
    fields.map(({ name, label }) => h("div", { class: "field" }, h("label", { for: `filter-${name}` }, label), inputs.get(name))),
    clear,
  );
  return { form, parameters: () => parameters(values()) };
}

function input({ name, type, options, placeholder }, value) {
  const id = `filter-${name}`;
  if (!options) return h("input", { id, type, name, value, placeholder });
  const choice = ([given, label]) => h("option", { value: given, selected: given === value }, label);
  return h("select", { id, name }, [["", "all"], ...options].map(choice));
}

/** Turn what a form holds into what the API takes: days into moments of the reader's time zone. */
function parameters({ since, until, ...others }) {
  return { ...others, since: midnight(since, 0), until: midnight(until, 1) };
}

function midnight(day, later) {
  if (!day) return "";
  const [year, month, date] = day.split("-").map(Number);
  return new Date(year, month - 1, date + later).toISOString();
}
