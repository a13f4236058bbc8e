"""The candidate as a server of calls: what it defines is called from outside, by value.

Whatever the candidate does to this process, all it can send is tagged plain data, and that is
worth no more than a return value. What it returns crosses once, whole; nothing is asked of it
afterwards.
"""

import array
import random
import sys
import types
from collections import deque
from typing import Any, Final

from executor.guest import standard
from executor.guest.channel import Channel, Closed
from executor.guest.compiling import compile_candidate, describe
from infra.contracts.values.composites import NotPlain, unknown_default
from infra.contracts.values.encoding import Writer, encode, plain_error
from infra.contracts.values.scalars import Json
from infra.contracts.values.tagged import Reader

_MAX_HANDLES: Final = 100_000
"""Most objects that tests may make."""
_CHANGING: Final = (list, dict, set, bytearray, deque, array.array)
_GIVEN: Final = 3
"""Nodes of a request that are its own: the whole, the list of arguments, and the dict of them."""


def serve(fd: int, start: dict[str, Any]) -> None:
    """Compile and load the candidate, then answer requests until the supervisor is gone."""
    channel = Channel(fd)
    code = compile_candidate(channel, start["source"])
    if code is None:
        return
    module = sys.modules["candidate"] = types.ModuleType("candidate")
    random.seed(0)
    try:
        exec(code, module.__dict__)  # noqa: S102 - running the candidate is what this process is for
    except BaseException as error:
        channel.send({"load_error": describe(error), "memory": isinstance(error, MemoryError)})
        return
    channel.send({"loaded": True})
    host = _Host(module.__dict__)
    try:
        while True:
            for request in channel.receive():
                channel.send({"id": request["id"], **host.answer(request)})
    except Closed:
        return


class _Host:
    """Holds the candidate's namespace, and the objects that tests have made."""

    def __init__(self, namespace: dict[str, Any]) -> None:
        self._namespace = namespace
        self._handles: list[Any] = []
        self._numbers: dict[int, int] = {}

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """Carry out one request; an exception is an answer too."""
        try:
            if request["op"] == "names":
                return {"value": self._names(request["names"])}
            reader = Reader(self._resolve)
            args, kwargs = reader.read(request["given"])
            if request["op"] == "call":
                return _plain_answer(self._function(request)(*args, **kwargs))
        except BaseException as error:
            return {"raised": encode(plain_error(error)), **_told(error)}
        return self._answer_tests(request, reader, args, kwargs)

    def _answer_tests(
        self, request: dict[str, Any], reader: Reader, args: list[Any], kwargs: dict[str, Any]
    ) -> dict[str, Any]:
        """Answer those who also have what they gave, and what they have made."""
        given = reader.made
        before = _contents(Writer(self._refer, given), given)
        told: dict[str, Any] = {}
        result: Any = None
        try:
            if request["op"] == "get":
                result = getattr(self._owner(request), request["name"])
                if callable(result) and not isinstance(result, type):
                    return {"method": True}
            else:
                result = self._function(request)(*args, **kwargs)
                self._keep_what_is_made(request, result)
        except BaseException as error:
            result, told = plain_error(error), _told(error)
        writer = Writer(self._refer, given)
        try:
            answer = {"raised" if told else "value": writer.place(result), **told}
            writer.nodes()
        except NotPlain as error:
            answer, writer = _opaque(error, result), Writer(self._refer, given)
        except BaseException as error:  # An iterator of the candidate has ended in it.
            writer = Writer(self._refer, given)
            answer = {"raised": writer.place(plain_error(error)), **_told(error)}
        try:
            after = _contents(writer, given)
            changed = [[at, after[at]] for at in after if after[at] != before[at]]
            return {**answer, "nodes": writer.nodes(), "changed": changed}
        except NotPlain as error:
            return {"spoilt": f"in what was changed of the arguments: {error}"}

    def _names(self, names: list[str] | None) -> dict[str, Any]:
        """Say what global names stand for; all that are public if none are named."""
        if names is None:
            names = [name for name in self._namespace if not name.startswith("_")]
        return {name: self._described(name) for name in names if name in self._namespace}

    def _described(self, name: str) -> dict[str, Any]:
        value = self._namespace[name]
        claimed = standard.claim(name, value)
        kept = {} if claimed is None else {"standard": claimed}
        return {**kept, **self._described_otherwise(value)}

    def _described_otherwise(self, value: Any) -> dict[str, Any]:
        if isinstance(value, type):
            public = [item for item in dir(value) if not item.startswith("__")]
            methods = [item for item in public if callable(getattr(value, item, None))]
            return {"class": methods, "calls": hasattr(value, "__call__")}  # noqa: B004 - of objects
        return {"function": True} if callable(value) else _plain_answer(value)

    def _function(self, request: dict[str, Any]) -> Any:
        owner = self._owner(request)
        return getattr(owner, request["method"]) if "method" in request else owner

    def _owner(self, request: dict[str, Any]) -> Any:
        if "handle" in request:
            return self._handles[request["handle"]]
        first, *attributes = request["function"].split(".")
        if first not in self._namespace:
            raise NameError(f"the program defines no {first!r}")
        target = self._namespace[first]
        for attribute in attributes:
            # `Class.method` is called on a fresh instance, as judges do.
            target = getattr(target() if isinstance(target, type) else target, attribute)
        return target

    def _keep_what_is_made(self, request: dict[str, Any], result: Any) -> None:
        """Keep an object of a class of the candidate that the tests have called."""
        owner = None if "handle" in request else self._owner(request)
        is_made = isinstance(owner, type) and isinstance(result, owner)
        if not is_made or id(result) in self._numbers:
            return
        if len(self._handles) >= _MAX_HANDLES:
            raise MemoryError("too many objects")
        self._numbers[id(result)] = len(self._handles)
        self._handles.append(result)

    def _refer(self, value: Any) -> Json | None:
        number = self._numbers.get(id(value))
        return _refer_default(value) if number is None else {"$handle": number}

    def _resolve(self, tag: str, body: Json) -> Any:
        if tag == "$handle":
            return self._handles[body]
        if tag == "$name":
            return self._namespace[body]
        raise NotPlain(f"unknown tag {tag}")


def _refer_default(value: Any) -> Json | None:
    return {"$unknown": True} if value is unknown_default else None


def _plain_answer(result: Any) -> dict[str, Any]:
    """Answer somebody who looks at the result alone."""
    try:
        return {"value": encode(result, _refer_default)}
    except NotPlain as error:
        return _opaque(error, result)


def _opaque(error: NotPlain, value: Any) -> dict[str, Any]:
    """Say of what is no plain data that it is true, if that is so without asking it."""
    kind = type(value)
    is_asked = hasattr(kind, "__bool__") or hasattr(kind, "__len__")
    return {"opaque": f"{error} cannot be compared", "true": not is_asked, "calls": callable(value)}


def _told(error: BaseException) -> dict[str, Any]:
    return {"text": describe(error), "memory": isinstance(error, MemoryError)}


def _contents(writer: Writer, given: list[Any]) -> dict[int, Json]:
    """Write what is in the containers of the tests that can be changed."""
    return {
        at: writer.node(value)
        for at, value in enumerate(given)
        if at >= _GIVEN and isinstance(value, _CHANGING)
    }
