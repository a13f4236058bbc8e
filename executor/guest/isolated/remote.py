"""What test code holds of a candidate that is in another process: functions, classes, handles.

A call sends its arguments by value, and what comes back is plain data, read once. A class that the
tests call gives a handle, of which they may call methods and read attributes, and nothing else.
"""

import array
import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable
from typing import Any, Final

from executor.guest import standard
from executor.guest.channel import Channel
from executor.guest.isolated.unusable import is_framework, refusing
from executor.guest.reporting import Failed, Result
from infra.contracts.values.composites import NotPlain
from infra.contracts.values.encoding import Writer
from infra.contracts.values.scalars import Json
from infra.contracts.values.tagged import Reader

_ONLY_THERE: Final = "only the candidate's own object can tell; run this problem as `shared`"
_OF_THE_CLASS: Final = frozenset({
    "__annotations__", "__base__", "__bases__", "__dict__", "__doc__", "__mro__", "__subclasses__",
    "mro",
})  # fmt: skip
"""What any class has, and what stands here for the candidate's has of its own."""
_OF_COPYING: Final = frozenset({"__deepcopy__", "__copy__", "__set_name__"})
"""What the interpreter asks for where a class is only handed on."""
_MALFORMED: Final = (NotPlain, TypeError, ValueError, LookupError, AttributeError)


class Link:
    """Asks the candidate, and remembers what the test under way has failed by."""

    def __init__(self, channel: Channel, allows: Callable[[BaseException], bool]) -> None:
        """`allows` says whether an exception of the candidate may be raised in the tests."""
        self._channel = channel
        self._allows = allows
        # Test code may have threads, and an answer is for the one that asked.
        self._turn = threading.Lock()
        self._asked = 0
        self.has_given = False
        """Whether what the candidate is like can matter by now."""
        self._failed: Failed | None = None
        self._names: dict[int, str] = {}
        """Names of the functions and classes, by the ids of what stands for them."""
        self._kept: list[Any] = []
        self._handles: list[Any] = []
        self._generation = 0

    def take_failure(self) -> Result | None:
        """Return the first failure since this was last asked."""
        failed, self._failed = self._failed, None
        return failed.result if failed else None

    def fail(self, outcome: str, detail: str) -> Failed:
        """Make a failure of the test under way."""
        self.has_given = self.has_given or outcome != "broken"
        failed = Failed(outcome, detail)
        self._failed = self._failed or failed
        return failed

    def names(self, names: list[str] | None) -> dict[str, Any]:
        """Return what global names stand for; those that are missing are left out.

        All that are public if none are named.

        Raises:
            Failed: the candidate crashed, or met a limit.
        """
        answer = self._ask({"op": "names", "names": names})
        found = answer["value"] if isinstance(answer.get("value"), dict) else {}
        wanted = found if names is None else [name for name in names if name in found]
        return {name: self._named(name, found[name]) for name in wanted}

    def entry(self, name: str) -> Any:
        """Return what the tests' entry point stands for, which may be `Class.method`.

        What is missing is found missing when it is called.
        """
        found = {} if "." in name else self.names([name])
        return found[name] if name in found else self._function(name)

    def _function(self, name: str) -> Any:
        """Make what calls a function."""

        def function(*args: Any, **kwargs: Any) -> Any:
            return self.call({"function": name}, args, kwargs)

        function.__name__ = function.__qualname__ = name.rpartition(".")[2]
        self._names[id(function)] = name
        self._kept.append(function)
        return function

    def _named(self, name: str, described: Any) -> Any:
        match described:
            case {"standard": claimed} if (own := standard.own(name, claimed)) is not None:
                return own
            case {"function": True}:
                return self._function(name)
            case {"class": list() as methods, "calls": calls}:
                made = _remote_class(self, name, frozenset(map(str, methods)), calls is True)
                self._names[id(made)] = name
                self._kept.append(made)
                return made
        self.has_given = True
        if isinstance(described, dict) and {"value", "opaque"} & described.keys():
            return self._value(described, Reader())
        return _opaque(self, "malformed value", False, True)

    def call(
        self, target: dict[str, Any], args: Any, kwargs: dict[str, Any], kind: Any = None
    ) -> Any:
        """Call a function, a method, or the class that `kind` stands for.

        Raises:
            Failed: the candidate crashed, met a limit, or gave what cannot be told apart.
            Exception: the candidate raised it.
        """
        request = {"op": "test", **target}
        return self._exchange(request, args, kwargs, kind, None)

    def get(self, target: dict[str, Any], name: str, method: Callable[[], Any]) -> Any:
        """Read an attribute; `method` makes what stands for one that is called."""
        return self._exchange({"op": "get", **target, "name": name}, (), {}, None, method)

    def _exchange(
        self,
        request: dict[str, Any],
        args: Iterable[Any],
        kwargs: dict[str, Any],
        kind: Any,
        method: Callable[[], Any] | None,
    ) -> Any:
        writer = Writer(self._refer)
        try:
            writer.place([[*args], kwargs])
            nodes = writer.nodes()
        except NotPlain as error:
            raise self._not_sent(error) from None
        answer = self._ask({**request, "given": {"$nodes": nodes}})
        self.has_given = True
        if method is not None and answer.get("method") is True:
            return method()
        reader = Reader(lambda tag, body: self._resolve(tag, body, kind), writer.values)
        try:
            reader.load(answer.get("nodes", []))
            for at, node in answer.get("changed", ()):
                _empty(writer.values[at])
                reader.fill(writer.values[at], node)
        except _MALFORMED as error:
            raise self.fail("runtime_error", f"malformed value: {error}") from None
        return self._value(answer, reader)

    def _value(self, answer: Any, reader: Reader) -> Any:
        """Return the value of an answer, or raise what it says was raised."""
        match answer:
            case {"raised": data, **rest} | {"value": data, **rest}:
                try:
                    value = reader.read(data)
                except NotPlain as error:
                    raise self.fail("runtime_error", f"malformed value: {error}") from None
                if "raised" in answer:
                    raise self._raised(value, str(rest.get("text")))
                return value
            case {"opaque": str() as why, **rest}:
                is_true, can_be_called = (rest.get(key) is True for key in ("true", "calls"))
                return _opaque(self, f"not_plain_data: {why}", is_true, can_be_called)
            case {"spoilt": why}:
                raise self.fail("wrong_answer", f"not_plain_data: {why}")
        raise self.fail("runtime_error", "malformed value: there is none")

    def _raised(self, error: Any, text: str) -> BaseException:
        """Return what to raise for an exception of the candidate."""
        if not isinstance(error, BaseException) or not self._allows(error):
            return self.fail("runtime_error", f"the candidate raised {text}")
        error.from_candidate = True  # type: ignore[attr-defined] # read where it is judged
        return error

    def _ask(self, request: dict[str, Any]) -> dict[str, Any]:
        with self._turn:
            self._asked += 1
            self._channel.send({"ask": {**request, "id": self._asked}})
            answer: dict[str, Any] = self._channel.receive()
        if "failed" in answer:
            raise self.fail(answer["failed"], answer["detail"])
        if answer["generation"] != self._generation:
            self._handles = []
            self._generation = answer["generation"]
        return answer

    def _not_sent(self, error: NotPlain) -> BaseException:
        """Say that the tests hand over what cannot cross.

        That is the suite's fault where the candidate can have had no part in it.
        """
        why = f"the tests hand over {error}, which is no plain data; run this problem as `shared`"
        return self.fail("runtime_error" if self.has_given else "broken", why)

    def _refer(self, value: Any) -> Json | None:
        name = self._names.get(id(value))
        if name is not None:
            return {"$name": name}
        if type(type(value)) is not RemoteClass:
            return None
        return self.handle(value)

    def handle(self, value: Any) -> dict[str, int]:
        """Name an object that the tests have made.

        Raises:
            Failed: the process that held it has ended.
        """
        at = next((at for at, known in enumerate(self._handles) if known is value), None)
        if at is None:
            raise self.fail("runtime_error", "the process that held this object has ended")
        return {"$handle": at}

    def _default(self) -> Any:
        raise self.fail("wrong_answer", "not_plain_data: what a missing key of a defaultdict gets")

    def _resolve(self, tag: str, body: Json, kind: Any) -> Any:
        if tag == "$unknown":
            return self._default
        if tag != "$handle" or type(body) is not int:
            raise NotPlain(f"unknown tag {tag}")
        if body == len(self._handles) and kind is not None:
            self._handles.append(object.__new__(kind))
        return self._handles[body]


def subclass_check(link: Link) -> Callable[[Any, Any], bool]:
    """Make what stands for `issubclass`, by which no built-in class asks a class of ours."""
    builtin = issubclass

    def issubclass_(kind: Any, kinds: Any) -> bool:
        is_known = type(kind) is not RemoteClass or kinds is object or kinds is kind
        if not is_known and not is_framework():
            raise link.fail("wrong_answer", _ONLY_THERE)
        return builtin(kind, kinds)

    issubclass_.__name__ = issubclass_.__qualname__ = "issubclass"
    return issubclass_


def _empty(container: Any) -> None:
    """Empty a container, by its built-in type's own method."""
    if isinstance(container, array.array):
        del container[:]
    kinds: tuple[Any, ...] = (list, OrderedDict, dict, set, bytearray, deque)
    for kind in kinds:
        if isinstance(container, kind):
            kind.clear(container)
            return


class RemoteClass(type):
    """A class of the candidate: calling it gives a handle."""

    _rrtf_link: Link
    _rrtf_name: str
    _rrtf_methods: frozenset[str]

    def __new__(cls, name: str, bases: tuple[Any, ...], content: dict[str, Any]) -> "RemoteClass":
        """Make the class, or refuse to derive one from such a class."""
        for base in bases:
            raise base._rrtf_link.fail("wrong_answer", _ONLY_THERE)
        return super().__new__(cls, name, bases, content)

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        """Have the candidate make an object."""
        return cls._rrtf_link.call({"function": cls._rrtf_name}, args, kwargs, cls)

    def __getattribute__(cls, name: str) -> Any:
        """Read what is here; what only the candidate's own class has of this kind is not told."""
        if name in _OF_THE_CLASS and not is_framework():
            raise type.__getattribute__(cls, "_rrtf_link").fail("wrong_answer", _ONLY_THERE)
        return super().__getattribute__(name)

    def __getattr__(cls, name: str) -> Any:
        """Read an attribute of the class, or have what calls one that is a method."""
        if name.startswith("__"):
            if is_framework() or name in _OF_COPYING:
                raise AttributeError(name)
            raise cls._rrtf_link.fail("wrong_answer", _ONLY_THERE)
        target = {"function": cls._rrtf_name}

        def method(*args: Any, **kwargs: Any) -> Any:
            return cls._rrtf_link.call({**target, "method": name}, args, kwargs, cls)

        if name in cls._rrtf_methods:
            return method
        return cls._rrtf_link.get(target, name, lambda: method)

    def __instancecheck__(cls, instance: Any) -> bool:
        """Tell whether the tests made an object of this very class; of others nobody knows."""
        kind = type(instance)
        if kind is not cls and (type(kind) is RemoteClass or issubclass(kind, _Opaque)):
            raise cls._rrtf_link.fail("wrong_answer", _ONLY_THERE)
        return kind is cls

    def __subclasscheck__(cls, subclass: Any) -> bool:
        """Tell that a class derives from itself; of another of the candidate's nobody knows."""
        if subclass is not cls and type(subclass) is RemoteClass:
            raise cls._rrtf_link.fail("wrong_answer", _ONLY_THERE)
        return subclass is cls


class _Opaque:
    """Base of what stands for what the candidate gave and cannot cross."""

    __slots__ = ()


def _remote_class(link: Link, name: str, methods: frozenset[str], can_be_called: bool) -> Any:
    """Make what stands for the class of this name."""

    def refuse(_: Any) -> BaseException:
        return link.fail("wrong_answer", _ONLY_THERE)

    content = refusing(refuse, can_be_called) | {
        "__getattr__": _read_of_handle,
        "_rrtf_link": link,
        "_rrtf_name": name,
        "_rrtf_methods": methods,
    }
    return RemoteClass(name, (), content)


def _read_of_handle(self: Any, name: str) -> Any:
    kind: Any = type(self)
    link: Link = kind._rrtf_link
    if name.startswith("__"):
        raise AttributeError(name)  # A test framework looks for it.
    target = {"handle": link.handle(self)["$handle"]}

    def method(*args: Any, **kwargs: Any) -> Any:
        return link.call({**target, "method": name}, args, kwargs)

    return method if name in kind._rrtf_methods else link.get(target, name, lambda: method)


def _opaque(link: Link, why: str, is_true: bool, can_be_called: bool) -> Any:
    """Make what stands for what the candidate gave and cannot cross."""
    content = refusing(lambda _: link.fail("wrong_answer", why), can_be_called)
    if is_true:
        content["__bool__"] = lambda _: True
    return type("Opaque", (_Opaque,), content)()
