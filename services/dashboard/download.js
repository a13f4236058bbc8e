// Files for the reader's own disk; they are text, whatever is in them.

import { short } from "./dom.js";

const ENDINGS = { python: "py", c: "c", cpp: "cpp", rust: "rs", go: "go", java: "java", javascript: "js", bash: "sh", typescript: "ts", php: "php", ruby: "rb", perl: "pl", lua: "lua", haskell: "hs", kotlin: "kt", r: "R", scala: "scala", d: "d", racket: "rkt", csharp: "cs", verilog: "sv" };

/** Save the program of a candidate. */
export const downloadProgram = (one, problem) => save(one.program, `${nameOf(one, problem)}.${ENDINGS[problem.language] ?? "txt"}`);

/** Save everything that the API says of a candidate. */
export const downloadAll = (one) => save(JSON.stringify(one, null, 2), `candidate-${one.id}.json`);

const nameOf = (one, problem) => `${problem.slug.replace(/[^A-Za-z0-9._-]+/g, "-")}-${short(one.id)}`;

function save(text, name) {
  const url = URL.createObjectURL(new Blob([text], { type: "text/plain;charset=utf-8" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
