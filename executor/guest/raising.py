"""Exceptions on their way from the candidate to test code.

The candidate's side says of which classes they are, and sends arguments and attributes as tagged
data. The tests' side looks the names of standard classes up among what the tests have imported
themselves, imports nothing, and runs no constructor but the built-in ones. The candidate's own
classes become classes of the same name and bases.
"""

import contextlib
import sys
from collections.abc import Callable
from typing import Any, Final

from executor.guest import values
from executor.guest.compiling import describe
from executor.guest.proxies import CannotCross

Encode = Callable[[object], values.Json]
Decode = Callable[[values.Json], Any]

_MAX_CHARACTERS: Final = 10_000
"""Longest message and longest encoded arguments that travel."""
_MAX_DEPTH: Final = 20
_MAX_CLASSES: Final = 1_000
EXIT: Final = f"builtins:{SystemExit.__name__}"
"""The one class that is no `Exception` and that tests may expect."""
_STEERING: Final = frozenset({"unittest", "doctest", "bdb", "pdb"})
"""Modules whose exceptions mean something to whoever runs the tests, such as to skip one."""
_ENDS: Final[dict[str | None, type[Exception]]] = {
    "__next__": StopIteration,
    "__await__": StopAsyncIteration,
}
"""How the answers to the methods by which one iterates may end."""


def describe_error(error: BaseException, encode: Encode) -> dict[str, Any]:
    """Describe an exception that the candidate raised: what it is, says and holds."""
    text = describe(error)
    if not isinstance(error, (Exception, SystemExit)):
        return {"text": text}
    sent: dict[str, values.Json] = {}
    described = {
        "text": text,
        "memory": isinstance(error, MemoryError),
        "kind": EXIT if isinstance(error, SystemExit) else "builtins:Exception",
        "held": sent,
    }
    try:
        if described["kind"] != EXIT:
            described["kind"] = describe_class(type(error))
        described["message"] = str(error)[:_MAX_CHARACTERS]
        held = {"args": list(error.args), **vars(error)}
    except BaseException:
        # What cannot be had of a hostile exception is left out.
        return described
    for name, value in held.items():
        with contextlib.suppress(values.NotPlain):
            encoded = encode(value)
            if len(repr(encoded)) <= _MAX_CHARACTERS:
                sent[str(name)] = encoded
    return described


def describe_class(kind: type, depth: int = 0) -> values.Json:
    """Name a class and its bases, down to the built-in ones; a standard one with its module."""
    if depth > _MAX_DEPTH:
        return "builtins:Exception"
    name, module = kind.__qualname__, kind.__module__
    if module == "builtins":
        return f"builtins:{name}"
    if module.partition(".")[0] in sys.stdlib_module_names:
        name = f"{module}:{name}"
    bases = [base for base in kind.__bases__ if issubclass(base, Exception)]
    return [name, [describe_class(base, depth + 1) for base in bases]]


class OwnError(type):
    """Metaclass of the classes that stand for the candidate's own exceptions.

    A test may expect them; to make one of them, or to read its attributes, asks the candidate.
    """

    _rrtf_target: Any

    def __new__(cls, name: str, bases: tuple[type, ...], content: dict[str, Any]) -> Any:
        """Make one; a class statement of the tests cannot."""
        if "__qualname__" in content:
            raise CannotCross("a class of the test cannot derive from one of the candidate")
        return super().__new__(cls, name, bases, content)

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        """Have the candidate make one."""
        return cls._rrtf_target(*args, **kwargs)

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(cls._rrtf_target, name)


class Errors:
    """The exceptions that test code meets, made from the candidate's descriptions."""

    def __init__(self, named: Callable[[str], Any], decode: Decode) -> None:
        """`named` makes a proxy of a name of the candidate's module."""
        self._named = named
        self._decode = decode
        self._own: dict[str, type[Exception]] = {}

    def class_of(self, described: Any, depth: int = 0) -> type[Exception] | None:
        """Return the class so described; None if the tests know none."""
        match described:
            case str():
                return _standard(described)
            case [str() as name, list() as bases] if depth <= _MAX_DEPTH:
                return self._own.get(name) or _standard(name) or self._derived(name, bases, depth)
        return None

    def _derived(self, name: str, described: list[Any], depth: int) -> type[Exception]:
        bases = [self.class_of(base, depth + 1) or Exception for base in described] or [Exception]
        if ":" in name or len(self._own) >= _MAX_CLASSES:
            return bases[0]
        self._own[name] = self._make_class(name, tuple(bases))
        return self._own[name]

    def _make_class(self, name: str, bases: tuple[type[Exception], ...]) -> type[Exception]:
        content = {"_rrtf_target": self._named(name), "__module__": "candidate"}
        try:
            made: type[Exception] = _class(OwnError, name.rpartition(".")[2], bases, content)
            return made
        except (TypeError, ValueError):
            # Bases that do not go together, or a name that is none.
            return bases[0]

    def make(self, raised: dict[str, Any], method: str | None = None) -> BaseException | None:
        """Make the exception anew, marked as the candidate's; None if it is none that tests expect.

        The end of an iteration that the tests did not ask for by `method` is an error, as in a
        generator: it would end a loop of theirs.
        """
        described = raised.get("kind")
        kind = SystemExit if described == EXIT else self.class_of(described)
        if kind is None:
            return None
        if issubclass(kind, tuple(_ENDS.values())) and not issubclass(kind, _ENDS.get(method, ())):
            error: BaseException = RuntimeError(f"the candidate raised {kind.__name__}")
        else:
            error = self._fill(kind, raised)
        error.from_candidate = True  # type: ignore[attr-defined] # read by the driver
        return error

    def _fill(self, kind: type[BaseException], raised: dict[str, Any]) -> BaseException:
        message = raised.get("message", raised.get("text"))
        held = self._decode(raised.get("held", {}))
        held = held if type(held) is dict else {}
        args = held.pop("args", None)
        args = args if type(args) is list else [message]
        error = _instance(kind, args, held)
        if type(message) is str and _text(error) != message:
            # Its own class says it in its own way.
            content = {"__str__": lambda _: message, "__module__": kind.__module__}
            kind = _class(type(kind), kind.__name__, (kind,), content)
            error = _instance(kind, args, held)
        return error


def _class(
    meta: type[type], name: str, bases: tuple[type[BaseException], ...], content: dict[str, Any]
) -> Any:
    made: type[BaseException] = meta(name, bases, content)
    return made


def _standard(name: str) -> type[Exception] | None:
    module, _, qualified = name.partition(":")
    # Looked at, not asked: a module may have a `__getattr__` that imports.
    if module.partition(".")[0] not in sys.stdlib_module_names - _STEERING:
        return None
    kind = vars(sys.modules[module]).get(qualified) if module in sys.modules else None
    known = isinstance(kind, type) and issubclass(kind, Exception)
    return kind if known else None


def _instance(kind: type[BaseException], args: list[Any], held: dict[str, Any]) -> BaseException:
    native = next(base for base in kind.__mro__ if base.__module__ == "builtins")
    try:
        error: BaseException = native.__new__(kind, *args)
        native.__init__(error, *args)  # type: ignore[misc] # of the class that `error` has
    except Exception:
        # Arguments of a form that the class does not have.
        error = Exception(*args)
    vars(error).update(
        {name: item for name, item in held.items() if type(name) is str and name[:2] != "__"}
    )
    return error


def _text(error: BaseException) -> str | None:
    try:
        return str(error)
    except Exception:
        return None  # It needs what did not travel.
