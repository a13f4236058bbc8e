// Speaks to the REST API. The key stays in this tab's session storage and goes out as a bearer token.

const STORED = "rrtf.key";

/** An answer that is an error (RFC 9457). */
export class Refused extends Error {
  constructor(status, code, detail) {
    super(detail);
    this.status = status;
    this.code = code;
  }
}

export const hasKey = () => sessionStorage.getItem(STORED) !== null;
export const keepKey = (key) => sessionStorage.setItem(STORED, key);
export const forgetKey = () => sessionStorage.removeItem(STORED);

/** Read one thing. */
export function get(path, parameters = {}, signal = undefined) {
  const given = Object.entries(parameters).filter(([, value]) => value !== null && value !== "");
  const query = new URLSearchParams(given).toString();
  return ask("GET", query ? `${path}?${query}` : path, undefined, signal);
}

/** Read one thing that may not be there: null for 404. */
export async function find(path, signal = undefined) {
  try {
    return await get(path, {}, signal);
  } catch (error) {
    if (error instanceof Refused && error.status === 404) return null;
    throw error;
  }
}

/** Have something done. */
export const post = (path, body) => ask("POST", path, body);

async function ask(method, path, body, signal) {
  const headers = new Headers({ Accept: "application/json" });
  const key = sessionStorage.getItem(STORED);
  if (key) headers.set("Authorization", `Bearer ${key}`);
  if (body !== undefined) headers.set("Content-Type", "application/json");
  const answer = await fetch(`v1/${path}`, {
    method,
    headers,
    signal,
    body: body === undefined ? undefined : JSON.stringify(body),
    credentials: "omit",
    redirect: "error",
  });
  if (answer.ok) return answer.status === 204 ? null : answer.json();
  const details = await answer.json().catch(() => ({}));
  throw new Refused(answer.status, details.code ?? "unknown", details.detail ?? `HTTP ${answer.status}`);
}

/** Run a function over items, some at a time; results in the order of the items. */
export async function each(items, work, atOnce = 6) {
  const results = new Array(items.length);
  let next = 0;
  const runner = async () => {
    while (next < items.length) {
      const at = next++;
      results[at] = await work(items[at]);
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, runner));
  return results;
}
