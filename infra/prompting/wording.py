"""The words in which a model is asked, and those in which an answer is learnt: pure."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple, Protocol

from infra.composing import continuation
from infra.contracts.base import STANDARD_IMAGE, Contract, Language
from infra.contracts.prompting import PromptForm, PromptStyle, Reasoning
from infra.images.pinned import shipped

THOUGHT_MARKS: Final = ("<think>", "</think>")
"""Between the two stands a model's reasoning, which is no part of its answer."""
_NAMES = {
    Language.PYTHON: "Python 3",
    Language.C: "C17",
    Language.CPP: "C++20",
    Language.RUST: "Rust",
    Language.GO: "Go",
    Language.JAVA: "Java, with a class `Main`",
    Language.JAVASCRIPT: "JavaScript for Node.js",
    Language.BASH: "Bash",
    Language.TYPESCRIPT: "TypeScript for Node.js",
    Language.PHP: "PHP 8",
    Language.RUBY: "Ruby",
    Language.PERL: "Perl 5",
    Language.LUA: "Lua 5.4",
    Language.HASKELL: "Haskell 2010 for GHC",
    Language.KOTLIN: "Kotlin 1.3",
    Language.R: "R",
    Language.SCALA: "Scala 2.11, with an object `Main`",
    Language.D: "D",
    Language.RACKET: "Racket 8, with `#lang racket`",
    Language.CSHARP: "C# 7 for Mono",
    Language.VERILOG: "SystemVerilog for Icarus Verilog",
}


class Message(Contract):
    """One turn of a chat."""

    role: str
    content: str


class Shown(Protocol):
    """A problem, as far as a model is shown it."""

    @property
    def prompt(self) -> str:
        """What is asked."""

    @property
    def language(self) -> Language:
        """What the program is to be written in."""

    @property
    def entry_point(self) -> str | None:
        """Function or class that is asked for; none for a program of its own."""

    @property
    def image(self) -> str:
        """The packages that it may import."""


class Described(NamedTuple):
    """A problem of which no more is known than a model is shown."""

    prompt: str
    language: Language = Language.PYTHON
    entry_point: str | None = None
    image: str = STANDARD_IMAGE


def quoted(prompt: str) -> str:
    """Put a prompt into triple quotes, as the paper does (section 3.1)."""
    return f'"""\n{prompt}\n"""\n'


def plain_text(form: PromptForm, prompt: str) -> str:
    """Return the text of a form without a chat, from which a model goes on."""
    assert not form.is_chat, "a chat has messages"
    return prompt if form.style is PromptStyle.RAW else quoted(prompt)


def turns_of(form: PromptForm, problem: Shown) -> tuple[Message, ...]:
    """Return the turns of a chat up to where the model goes on: with the prefill, if there is one.

    A model that goes on behind an assistant's turn continues it.
    """
    begun = Message(role="assistant", content=form.prefill)
    return (*messages_of(form, problem), *([begun] if form.prefill else ()))


def messages_of(form: PromptForm, problem: Shown) -> tuple[Message, ...]:
    """Return the turns of a chat that asks for a program."""
    wanted = (
        f"the function or class `{problem.entry_point}`"
        if problem.entry_point
        else "a program that reads standard input and writes standard output"
    )
    system = (
        f"You write correct programs in {_NAMES[problem.language]}{_packages(problem.image)}."
        " Answer with one fenced code block that holds everything the program needs, and nothing"
        " that only tries it out."
        if form.system is None
        else form.system
    )
    user = Message(role="user", content=f"Write {wanted}.\n\n{problem.prompt}")
    return (Message(role="system", content=system), user) if system else (user,)


def _packages(image: str) -> str:
    known = shipped().get(image)
    names = ", ".join(known.named) if known else f"the packages of {image!r}"
    return "" if image == STANDARD_IMAGE else f", with {names} if it helps"


class _Prompted(NamedTuple):
    """A problem of which nothing but its prompt is known."""

    prompt: str
    metadata: Mapping[str, Any] = {}


def answer_of(form: PromptForm, problem: Shown, program: str) -> str:
    """Return a program as a model of the form would answer with it, behind any reasoning."""
    match form.style:
        case PromptStyle.RAW:
            return continuation(_Prompted(problem.prompt), program, None)
        case PromptStyle.PAPER:
            return program
        case PromptStyle.INSTRUCT | PromptStyle.THINKING:
            ended = program if program.endswith("\n") else f"{program}\n"
            opened = form.prefill.count("```") % 2
            return f"{ended}```" if opened else f"```{problem.language.value}\n{ended}```"


def learnt_text(form: PromptForm, written: str) -> str:
    """Return what is learnt of a completion: where reasoning is cut, what follows it, or nothing.

    The blanks that end the reasoning are those that an answer begins with.
    """
    if form.reasoning is Reasoning.KEPT:
        return written
    _, ended, answer = written.partition(THOUGHT_MARKS[1])
    return answer if ended else ""


def no_thought(prompt_text: str) -> str:
    """Return reasoning that is empty, behind a prompt whose template may have begun it."""
    begins, ends = THOUGHT_MARKS
    return f"\n{ends}" if prompt_text.rstrip().endswith(begins) else f"{begins}\n\n{ends}"
