// Differences of two texts, by line and within a line.

const MOST_CELLS = 4_000_000; // Of the table of common parts; beyond it nothing is aligned.

/**
 * Align two texts line by line. A row is {kind, left, right}: `same`, `changed`, or `left` and
 * `right` for what only one of them has; a line is [number, text].
 */
export function aligned(before, after) {
  const [left, right] = [linesOf(before), linesOf(after)];
  let start = 0;
  while (start < left.length && start < right.length && left[start] === right[start]) start++;
  let end = 0;
  while (end < left.length - start && end < right.length - start && left.at(-1 - end) === right.at(-1 - end)) end++;
  const [a, b] = [left.slice(start, left.length - end), right.slice(start, right.length - end)];
  const same = (at, other) => ({ kind: "same", left: [at + 1, left[at]], right: [other + 1, right[other]] });
  return [
    ...range(start).map((at) => same(at, at)),
    ...middle(a, b, start),
    ...range(end).map((at) => same(left.length - end + at, right.length - end + at)),
  ];
}

/** Split two lines into [is it the same, text] by what they begin and end with alike. */
export function within(before, after) {
  const [a, b] = [[...before], [...after]];
  let start = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) start++;
  let end = 0;
  while (end < a.length - start && end < b.length - start && a.at(-1 - end) === b.at(-1 - end)) end++;
  const cut = (all) => [
    [true, all.slice(0, start).join("")],
    [false, all.slice(start, all.length - end).join("")],
    [true, all.slice(all.length - end).join("")],
  ];
  return [cut(a), cut(b)];
}

const linesOf = (text) => text.replace(/\n$/, "").split("\n");
const range = (length) => Array.from({ length }, (_, at) => at);

function middle(a, b, offset) {
  const rows = [];
  let [gone, come] = [[], []];
  const flush = () => {
    for (let at = 0; at < Math.max(gone.length, come.length); at++) {
      const [left, right] = [gone[at] ?? null, come[at] ?? null];
      rows.push({ kind: left && right ? "changed" : left ? "left" : "right", left, right });
    }
    [gone, come] = [[], []];
  };
  for (const [at, other] of steps(a, b)) {
    if (at === null) come.push([offset + other + 1, b[other]]);
    else if (other === null) gone.push([offset + at + 1, a[at]]);
    else {
      flush();
      rows.push({ kind: "same", left: [offset + at + 1, a[at]], right: [offset + other + 1, b[other]] });
    }
  }
  flush();
  return rows;
}

/** Walk both lists along their longest common part; a step is [place in one, place in the other]. */
function steps(a, b) {
  const [rows, columns] = [a.length + 1, b.length + 1];
  if (rows * columns > MOST_CELLS) return [...range(a.length).map((at) => [at, null]), ...range(b.length).map((at) => [null, at])];
  const lengths = new Uint32Array(rows * columns); // Of the common part from here to the ends.
  for (let i = a.length - 1; i >= 0; i--)
    for (let j = b.length - 1; j >= 0; j--)
      lengths[i * columns + j] =
        a[i] === b[j]
          ? lengths[(i + 1) * columns + j + 1] + 1
          : Math.max(lengths[(i + 1) * columns + j], lengths[i * columns + j + 1]);
  const found = [];
  for (let i = 0, j = 0; i < a.length || j < b.length; ) {
    if (i < a.length && j < b.length && a[i] === b[j]) found.push([i++, j++]);
    else if (j === b.length || (i < a.length && lengths[(i + 1) * columns + j] >= lengths[i * columns + j + 1])) found.push([i++, null]);
    else found.push([null, j++]);
  }
  return found;
}
