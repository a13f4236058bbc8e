// Colours programs: text into tokens, by patterns that never look at a character twice, because
// what is coloured was written by whoever it may be.

const DOUBLE = /"(?:[^"\\\n]|\\[^])*"?/;
const SINGLE = /'(?:[^'\\\n]|\\[^])*'?/;
const CHARACTER = /'(?:[^'\\\n]|\\[^'\n]{1,8}|\\')'/; // A lifetime or a digit mark has no end.
const TEMPLATE = /`(?:[^`\\]|\\[^])*`?/;
const TRIPLE = /"""[^]*?(?:"""|$)|'''[^]*?(?:'''|$)/;
const SLASHES = /\/\/[^\n]*/;
const STARS = /\/\*[^]*?(?:\*\/|$)/;
const HASH = /#[^\n]*/;
const FREE_HASH = /(?<![^\s;])#[^\n]*/; // In these a `#` may also be part of an expression.
const DASHES = /--\[\[[^]*?(?:\]\]|$)|--[^\n]*/;
const NESTED = /\{-[^]*?(?:-\}|$)/;
const PLUSES = /\/\+[^]*?(?:\+\/|$)/;
const SEMICOLON = /;[^\n]*/;
const BARS = /#\|[^]*?(?:\|#|$)/;
const NUMBER = /(?<![\w$])(?:0[xX][\da-fA-F_]+|0[bBoO][\d_]+|\d[\d_]*(?:\.\d+)?(?:[eE][+-]?\d+)?)/;
const WORD = /[A-Za-z_$][\w$]*/;

const list = (text) => new Set(text.split(" "));
const C_LIKE = "break case const continue default do else enum for goto if return sizeof static struct switch typedef union void while";
const SCRIPT =
  "async await break case catch class const continue default delete do else export extends false finally for function if import in instanceof let new null of return super switch this throw true try typeof undefined var void while yield";

/** What comments, strings and keywords are, by language. */
const LANGUAGES = {
  python: [[HASH], [TRIPLE, DOUBLE, SINGLE], "False None True and as assert async await break case class continue def del elif else except finally for from global if import in is lambda match nonlocal not or pass raise return try while with yield"],
  c: [[SLASHES, STARS], [DOUBLE, CHARACTER], `${C_LIKE} char double float int long short signed unsigned NULL`],
  cpp: [[SLASHES, STARS], [DOUBLE, CHARACTER], `${C_LIKE} auto bool catch char class constexpr delete double false float int long namespace new nullptr operator private public short signed template this throw true try typename unsigned using virtual`],
  rust: [[SLASHES, STARS], [DOUBLE, CHARACTER], "as async await break const continue crate else enum false fn for if impl in let loop match mod move mut pub ref return self Self static struct super trait true type unsafe use where while"],
  go: [[SLASHES, STARS], [DOUBLE, CHARACTER, TEMPLATE], "break case chan const continue default defer else fallthrough false for func go goto if import interface map nil package range return select struct switch true type var"],
  java: [[SLASHES, STARS], [DOUBLE, CHARACTER], "abstract assert boolean break byte case catch char class continue default do double else enum extends false final finally float for if implements import instanceof int interface long new null package private protected public record return short static super switch this throw throws true try var void while"],
  javascript: [[SLASHES, STARS], [DOUBLE, SINGLE, TEMPLATE], SCRIPT],
  typescript: [[SLASHES, STARS], [DOUBLE, SINGLE, TEMPLATE], `${SCRIPT} any boolean enum implements interface never number private public readonly string type unknown`],
  bash: [[FREE_HASH], [DOUBLE, SINGLE], "case do done elif else esac exit export fi for function if in local return select then until while"],
  php: [[SLASHES, STARS, HASH], [DOUBLE, SINGLE], "array as break case catch class const continue default do echo else elseif extends false final finally fn for foreach function if implements interface match namespace new null private protected public return static switch throw true try use var while"],
  ruby: [[FREE_HASH], [DOUBLE, SINGLE], "and begin break case class def do else elsif end ensure false for if in module next nil not or redo rescue retry return self super then true unless until when while yield"],
  perl: [[FREE_HASH], [DOUBLE, SINGLE], "else elsif for foreach if last local my next our package print return sub undef unless until use while"],
  lua: [[DASHES], [DOUBLE, SINGLE], "and break do else elseif end false for function goto if in local nil not or repeat return then true until while"],
  haskell: [[DASHES, NESTED], [DOUBLE, CHARACTER], "case class data default deriving do else if import in infix infixl infixr instance let module newtype of then type where"],
  kotlin: [[SLASHES, STARS], [TRIPLE, DOUBLE, CHARACTER], "abstract as break by catch class companion constructor continue data do else enum false finally for fun if import in init interface is null object open override package private return sealed super this throw true try typealias val var when while"],
  r: [[HASH], [DOUBLE, SINGLE], "break else FALSE for function if in Inf NA NaN next NULL repeat return TRUE while"],
  scala: [[SLASHES, STARS], [TRIPLE, DOUBLE, CHARACTER], "abstract case catch class def do else extends false final finally for if implicit import lazy match new null object override package private protected return sealed super this throw trait true try type val var while with yield"],
  d: [[SLASHES, STARS, PLUSES], [DOUBLE, CHARACTER, TEMPLATE], `${C_LIKE} alias assert auto bool cast catch char class delegate double enum false final finally float foreach function immutable import in int interface invariant is lazy long mixin module new null out override pragma private protected public pure ref return scope shared short string super template this throw true try typeof ubyte uint ulong unittest ushort version with`],
  csharp: [[SLASHES, STARS], [DOUBLE, CHARACTER], "abstract as async await base bool break byte case catch char class const continue decimal default delegate do double else enum event explicit extern false finally float for foreach if implicit in int interface internal is lock long namespace new null object operator out override params private protected public readonly ref return sbyte sealed short static string struct switch this throw true try typeof uint ulong using var virtual void while yield"],
  verilog: [[SLASHES, STARS], [DOUBLE], "always always_comb always_ff assign begin bit case casex casez default else end endcase endfunction endgenerate endmodule endtask enum final for forever function generate if initial inout input int integer localparam logic module negedge output packed parameter posedge real reg repeat signed string struct task typedef unsigned while wire"],
  racket: [[SEMICOLON, BARS], [DOUBLE], "begin case class cond define do else for if lambda let letrec match module provide quote require set! struct unless when"],
};
const known = new Map();

/** Split a program into [kind, text]; the kind is null for what has no colour. */
export function tokens(text, language) {
  const grammar = grammarOf(language);
  if (!grammar) return [[null, text]];
  const found = [];
  let from = 0;
  for (const match of text.matchAll(grammar.pattern)) {
    const kind = kindOf(match.groups, grammar.keywords);
    if (!kind) continue;
    if (match.index > from) found.push([null, text.slice(from, match.index)]);
    found.push([kind, match[0]]);
    from = match.index + match[0].length;
  }
  if (from < text.length) found.push([null, text.slice(from)]);
  return found;
}

function kindOf({ comment, string, number, word }, keywords) {
  if (comment !== undefined) return "comment";
  if (string !== undefined) return "string";
  if (number !== undefined) return "number";
  return keywords.has(word) ? "keyword" : null;
}

function grammarOf(language) {
  if (!Object.hasOwn(LANGUAGES, language)) return null;
  if (!known.has(language)) {
    const [comments, strings, keywords] = LANGUAGES[language];
    const either = (patterns) => patterns.map((one) => one.source).join("|");
    const groups = { comment: either(comments), string: either(strings), number: NUMBER.source, word: WORD.source };
    const named = Object.entries(groups).map(([name, source]) => `(?<${name}>${source})`);
    known.set(language, { pattern: new RegExp(named.join("|"), "g"), keywords: list(keywords) });
  }
  return known.get(language);
}
