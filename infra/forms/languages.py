"""The languages of published sets: what they call them, and which of them can be judged."""

import re
from typing import Any, Final, NamedTuple

from infra import errors
from infra.contracts.base import Language


class Named(NamedTuple):
    """A language, as a reader calls it."""

    name: str
    language: Language | None = None
    """None for one that no executor can run."""


_LANGUAGES: Final = {
    Named("Bash", Language.BASH): "bash sh shell",
    Named("C", Language.C): "c",
    Named("C++", Language.CPP): "cpp c++ mbcpp",
    Named("C#", Language.CSHARP): "cs csharp c# mbcsp",
    Named("Clojure"): "clj clojure",
    Named("D", Language.D): "d dlang",
    Named("Dart"): "dart",
    Named("Elixir"): "elixir",
    Named("Go", Language.GO): "go golang mbgp",
    Named("Haskell", Language.HASKELL): "hs haskell",
    Named("Java", Language.JAVA): "java mbjp",
    Named("JavaScript", Language.JAVASCRIPT): "javascript js mbjsp",
    Named("Julia"): "julia jl",
    Named("Kotlin", Language.KOTLIN): "kotlin kt mbkp",
    Named("Lua", Language.LUA): "lua",
    Named("OCaml"): "ml ocaml",
    Named("Perl", Language.PERL): "perl pl mbplp",
    Named("PHP", Language.PHP): "php mbphp",
    Named("R", Language.R): "r",
    Named("Racket", Language.RACKET): "racket rkt",
    Named("Ruby", Language.RUBY): "ruby rb mbrbp",
    Named("Rust", Language.RUST): "rust rs",
    Named("Scala", Language.SCALA): "scala mbscp",
    Named("Swift"): "swift mbswp",
    Named("TypeScript", Language.TYPESCRIPT): "typescript ts mbtsp",
    Named("Verilog", Language.VERILOG): "verilog systemverilog sv",
}
_NAMES: Final = {word: named for named, words in _LANGUAGES.items() for word in words.split()}
"""What sets call languages in their rows and in the names of their tasks."""
_PYTHON: Final = frozenset(["python", "python3", "py"])
_FENCE: Final = re.compile(r"^\s*```([A-Za-z+#]+)\s*$", re.MULTILINE)
_TEST_BENCH: Final = re.compile(r"^\s*endmodule\b", re.MULTILINE)
_FIELDS: Final = ("language", "programming_language", "lang")


def named(record: dict[str, Any]) -> Named | None:
    """Name the language in which a row says that it is; None for Python, or where it says none."""
    words = [record[field] for field in _FIELDS if isinstance(record.get(field), str)]
    if any(word.lower() in _PYTHON for word in words):
        return None
    task = record.get("task_id")
    if isinstance(task, str):
        words += task.split("/")[:-1]
    if isinstance(test := record.get("test"), str) and _TEST_BENCH.search(test):
        # VerilogEval has it nowhere else.
        words.append("verilog")
    answer = record.get("reference_solution")
    if isinstance(answer, str) and (fence := _FENCE.search(answer)):
        words.append(fence[1])
    return next((_NAMES[word.lower()] for word in words if word.lower() in _NAMES), None)


def refusal(name: str) -> errors.InvalidInput:
    """Return what is said of a row in a language in which its form is not read."""
    return errors.InvalidInput(f"the row is in {name}; the rows of its set are not read in that")
