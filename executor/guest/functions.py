"""The candidate as a server of calls: its functions are called one at a time, from outside.

Whatever the candidate does to this process, all it can send is tagged plain data, and that is
worth no more than a return value.
"""

import json
import random
import sys
import types
from typing import Any

from executor.guest import values
from executor.guest.channel import Channel, Closed
from executor.guest.compiling import compile_candidate, describe
from executor.guest.raising import describe_class, describe_error

MAX_REFERENCES = 100_000
"""Most objects one candidate may hand out by reference."""
_ALLOWED_METHODS = frozenset(
    {"__len__", "__iter__", "__next__", "__getitem__", "__setitem__", "__delitem__", "__call__",
     "__str__", "__repr__", "__enter__", "__exit__"}
)  # fmt: skip


def serve(fd: int, start: dict[str, Any]) -> None:
    """Compile and load the candidate, then answer calls until the supervisor is gone."""
    channel = Channel(fd)
    code = compile_candidate(channel, start["source"])
    if code is None:
        return
    namespace = _namespace("candidate")
    random.seed(0)
    try:
        exec(code, namespace)  # noqa: S102 - running the candidate is what this process is for
    except BaseException as error:
        channel.send({"load_error": describe(error), "memory": isinstance(error, MemoryError)})
        return
    channel.send({"loaded": True})
    host = _Host(namespace)
    try:
        while True:
            request = channel.receive()
            channel.send(host.answer(request))
    except Closed:
        return


def _namespace(name: str) -> dict[str, Any]:
    module = types.ModuleType(name)
    sys.modules[name] = module
    return module.__dict__


class _Host:
    """Holds the candidate's namespace and the objects handed out by reference."""

    def __init__(self, namespace: dict[str, Any]) -> None:
        self._namespace = namespace
        self._objects: list[Any] = []
        self._numbers: dict[int, int] = {}

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """Carry out one request; an exception is an answer too."""
        number = request["id"]
        try:
            result = self._perform(request)
        except BaseException as error:
            return {"id": number, "raised": describe_error(error, self._encode)}
        try:
            answer = {"id": number, **result}
            json.dumps(answer, allow_nan=False)
        except (values.NotPlain, ValueError, TypeError, RecursionError) as error:
            raised = {"kind": "builtins:TypeError", "text": describe(error)}
            return {"id": number, "raised": raised}
        return answer

    def _perform(self, request: dict[str, Any]) -> dict[str, Any]:
        match request["op"]:
            case "call":
                return self._call(request)
            case "get":
                return {"value": self._encode(getattr(self._target(request), request["name"]))}
            case "set":
                setattr(
                    self._target(request),
                    request["name"],
                    values.decode(request["value"], self._resolve),
                )
                return {"value": None}
            case "names":
                return {"value": {name: self._global(name) for name in request["names"]}}
        raise ValueError("unknown operation")

    def _global(self, name: str) -> Any:
        if name not in self._namespace:
            return {"missing": True}
        return {"value": self._encode(self._namespace[name])}

    def _call(self, request: dict[str, Any]) -> dict[str, Any]:
        function = self._target(request)
        if "method" in request:
            function = self._method(function, request["method"])
        args = [values.decode(item, self._resolve) for item in request["args"]]
        kwargs = {
            key: values.decode(item, self._resolve) for key, item in request["kwargs"].items()
        }
        result = function(*args, **kwargs)
        answer: dict[str, Any] = {}
        if request.get("track"):
            for index, argument in enumerate(args):
                if result is argument and type(argument) in (list, dict, set, bytearray):
                    answer["value"] = {"$arg": index}
            changed = {
                str(index): after
                for index, (before, argument) in enumerate(zip(request["args"], args, strict=True))
                if type(argument) in (list, dict, set, bytearray, tuple)
                and (after := self._encode(argument)) != before
            }
            if changed:
                answer["changed"] = changed
        if "value" not in answer:
            try:
                answer["value"] = self._encode(result, plain=not request.get("track"))
            except values.NotPlain as error:
                # It returned; what it returned just equals nothing that could be expected.
                answer["opaque"] = str(error)
        return answer

    def _method(self, target: Any, name: str) -> Any:
        if name.startswith("__") and name not in _ALLOWED_METHODS:
            raise AttributeError(f"{name} is not available to tests")
        if name.startswith("__"):
            # Look special methods up as the interpreter does: on the type.
            method = getattr(type(target), name, None)
            if method is None:
                raise TypeError(f"{type(target).__name__!r} has no {name}")
            return lambda *args, **kwargs: method(target, *args, **kwargs)
        return getattr(target, name)

    def _target(self, request: dict[str, Any]) -> Any:
        if "ref" in request:
            return self._objects[request["ref"]]
        name, *attributes = request["function"].split(".")
        if name not in self._namespace:
            raise NameError(f"the program defines no {name!r}")
        target = self._namespace[name]
        for attribute in attributes:
            # `Class.method` is called on a fresh instance, as judges do.
            target = getattr(target() if isinstance(target, type) else target, attribute)
        return target

    def _encode(self, value: Any, plain: bool = False) -> Any:
        return values.encode(value, None if plain else self._refer)

    def _refer(self, value: Any) -> Any:
        # The list keeps every object alive, so an id is never used twice.
        number = self._numbers.get(id(value))
        if number is None:
            if len(self._objects) >= MAX_REFERENCES:
                raise values.NotPlain("too many objects that are not plain data")
            number = self._numbers[id(value)] = len(self._objects)
            self._objects.append(value)
        if issubclass(type(value), type) and issubclass(value, Exception):
            return {"$error": [number, describe_class(value)]}
        return {"$ref": number}

    def _resolve(self, tag: str, body: Any) -> Any:
        if tag == "$ref":
            return self._objects[body]
        if tag == "$error":
            return self._objects[body[0]]
        raise values.NotPlain(f"unknown tag {tag}")
