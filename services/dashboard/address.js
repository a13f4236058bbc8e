// Addresses of views, #/name/id/id?filter=value: everything that is shown can be linked to.

/** Read the address: the view's name, the ids behind it, and its filters. */
export function place() {
  const [path, query = ""] = location.hash.replace(/^#\/?/, "").split("?", 2);
  try {
    const [name = "", ...ids] = path.split("/").filter(Boolean).map(decodeURIComponent);
    return { name, ids, query: new URLSearchParams(query) };
  } catch {
    return { name: path, ids: [], query: new URLSearchParams() }; // It names no view of ours.
  }
}

/** Write the address of a view. */
export function address(name, ids = [], filters = {}) {
  const given = Object.entries(filters).filter(([, value]) => value);
  const query = new URLSearchParams(given).toString();
  return `#/${[name, ...ids].map(encodeURIComponent).join("/")}${query ? `?${query}` : ""}`;
}

/** Keep the filters of the view in its address, without going anywhere. */
export function keepFilters(filters) {
  const { name, ids } = place();
  history.replaceState(null, "", address(name, ids, filters));
}
