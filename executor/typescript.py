"""How TypeScript is compiled: types are left out by its own compiler, whose start is kept."""

from typing import Final

from executor.toolchain_spec import Cache

_LOAD_TYPESCRIPT: Final = """
const fs = require("fs"), vm = require("vm"), path = require("path");
const main = require.resolve("typescript"), {{ size, mtimeMs }} = fs.statSync(main);
const kept = path.join(process.env.TSC_CACHE ?? "/none", size + "-" + mtimeMs);
const script = new vm.Script(
  "(function (exports, require, module, __filename, __dirname) {{" +
    fs.readFileSync(main, "utf8") + "\\n}})",
  {{ filename: main, cachedData: fs.existsSync(kept) ? fs.readFileSync(kept) : undefined }});
const compiler = {{ exports: {{}} }};
script.runInThisContext()(compiler.exports, require, compiler, main, path.dirname(main));
const ts = compiler.exports;
"""
"""What the engine has made of the compiler is kept. It compares no more than the length of a text,
so that the name of what is kept says of which one it is."""
TRANSPILE: Final = (
    _LOAD_TYPESCRIPT
    + """
const given = ts.parseCommandLine(process.argv.slice(1)), fileName = given.fileNames[0];
const text = fs.readFileSync(fileName, "utf8");
// `import x from "lodash"` says that its author's compiler knows modules of CommonJS.
given.options.esModuleInterop ??= /^\\s*import\\s+[\\w$]+\\s*(,|\\sfrom\\b)/m.test(text);
const made = ts.transpileModule(text,
  {{ fileName, compilerOptions: given.options, reportDiagnostics: true }});
const host = {{ getCanonicalFileName: (name) => name, getCurrentDirectory: () => "",
  getNewLine: () => "\\n" }};
process.stdout.write(ts.formatDiagnostics([...given.errors, ...made.diagnostics], host));
if (given.errors.length || made.diagnostics.length) process.exit(1);
fs.writeFileSync(fileName.replace(/ts$/, "js"), made.outputText);
"""
)
"""Leaves out the types of a program without a look at them, which would take seconds: what is wrong
with them keeps it from nothing."""
_KEEP_TYPESCRIPT: Final = (
    _LOAD_TYPESCRIPT
    + """
ts.transpileModule(fs.readFileSync("main.ts", "utf8"), {{ reportDiagnostics: true }});
fs.writeFileSync(kept, script.createCachedData());
"""
)
CACHE: Final = Cache(
    "", frozenset(), "/usr/bin/node", "TSC_CACHE",
    {
        "main.ts": "import x from 'lodash'\ninterface A<T> { a?: T; [key: string]: unknown }\n"
        "enum E { A, B = 'b' as any }\nnamespace N { export const one = 1 }\n"
        "export class C extends Map<string, number> implements A<number> {\n"
        "  constructor(private readonly n: number, public a = 1) { super() }\n"
        "  get b(): number { return this.n ?? 0 }\n"
        "  async *c(...all: [number, string?]) { for await (const d of all) yield d! }\n}\n"
        "const f = async ({ a, ...rest }: A<E>): Promise<string> => `${a}${await rest}`\n"
        "function g(x: unknown): asserts x is string { if (!x) throw new Error(<any>'no') }\n"
    },
    (("/usr/bin/env", "NODE_PATH=/usr/lib/node_modules:/usr/share/nodejs", "/usr/bin/node", "-e",
      _KEEP_TYPESCRIPT),),
)  # fmt: skip
