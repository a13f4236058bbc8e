"""The candidate as a server of calls: its functions are called one at a time, from outside.

Whatever the candidate does to this process, all it can send is tagged plain data, and that is
worth no more than a return value.
"""

import functools
import json
import random
import sys
import types
from typing import Any

from executor.guest import values
from executor.guest.arrays import may_change
from executor.guest.callbacks import Borrowed
from executor.guest.channel import Channel, Closed
from executor.guest.compiling import compile_candidate, describe
from executor.guest.held import OPERATORS
from executor.guest.objects import Objects, is_own_container
from executor.guest.raising import Errors, describe_error

_ALLOWED_METHODS = frozenset(
    {"__len__", "__iter__", "__next__", "__getitem__", "__setitem__", "__delitem__", "__call__",
     "__str__", "__repr__", "__enter__", "__exit__", "__hash__", "__await__", "__aenter__",
     "__aexit__", "__aiter__", "__anext__", *OPERATORS}
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
    host = _Host(namespace, channel)
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

    def __init__(self, namespace: dict[str, Any], channel: Channel) -> None:
        self._namespace = namespace
        self._objects = Objects()
        self._objects.borrowed = Borrowed(
            channel, self._answer_meanwhile, self._objects.encode, self._objects.decode
        )

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """Carry out one request; an exception is an answer too."""
        number = request["id"]
        try:
            answer = {"id": number, **self._perform(request)}
        except BaseException as error:
            answer = {"id": number, "raised": describe_error(error, self._objects.encode)}
        try:
            contents = self._objects.contents_now()
            if contents:
                answer["contents"] = contents
            json.dumps(answer, allow_nan=False)
        except (values.NotPlain, ValueError, TypeError, RecursionError) as error:
            raised = {"kind": "builtins:TypeError", "text": describe(error)}
            return {"id": number, "raised": raised}
        return answer

    def _answer_meanwhile(self, request: dict[str, Any]) -> dict[str, Any]:
        """Carry out a request that comes while a function of the tests is being called."""
        with self._objects.another_request():
            return self.answer(request)

    def _perform(self, request: dict[str, Any]) -> dict[str, Any]:
        match request["op"]:
            case "call":
                return self._call(request)
            case "get":
                found = getattr(self._target(request), request["name"])
                return {"value": self._objects.encode(found)}
            case "set":
                value = self._objects.decode(request["value"])
                setattr(self._target(request), request["name"], value)
                return {"value": None}
            case "is":
                kind = self._target(request)
                other = self._objects.decode(request["value"])
                belongs = issubclass if request["class"] else isinstance
                return {"value": bool(belongs(other, kind))}
            case "leave":
                return {"value": self._leave(request)}
            case "state":
                return {"value": self._objects.state(self._target(request))}
            case "names":
                return {"value": {name: self._global(name) for name in request["names"]}}
        raise ValueError("unknown operation")

    def _global(self, name: str) -> Any:
        if name not in self._namespace:
            return {"missing": True}
        return {"value": self._objects.encode(self._namespace[name])}

    def _call(self, request: dict[str, Any]) -> dict[str, Any]:
        function = self._target(request)
        if "method" in request:
            function = self._method(function, request["method"])
        args = [self._objects.decode(item) for item in request["args"]]
        kwargs = {key: self._objects.decode(item) for key, item in request["kwargs"].items()}
        if type(function) in (types.MethodType, types.BuiltinMethodType, types.MethodWrapperType):
            self._objects.touch(function.__self__)
        result = function(*args, **kwargs)
        if result is NotImplemented:
            raise TypeError("the operation is not supported")
        return self._returned(result, request, args, issubclass(type(function), type))

    def _returned(
        self, result: Any, request: dict[str, Any], args: list[Any], is_made: bool
    ) -> dict[str, Any]:
        answer: dict[str, Any] = {}
        tracks = request.get("track")
        if tracks:
            for index, argument in enumerate(args):
                if result is argument and type(argument) in (list, dict, set, bytearray):
                    answer["value"] = {"$arg": index}
            changed = {
                str(index): after
                for index, (before, argument) in enumerate(zip(request["args"], args, strict=True))
                if may_change(argument) and (after := self._objects.encode(argument)) != before
            }
            if changed:
                answer["changed"] = changed
            if is_made and is_own_container(result):
                answer["value"] = self._objects.made_by_tests(result)
        if "value" not in answer:
            try:
                answer["value"] = self._objects.encode(result) if tracks else values.encode(result)
            except values.NotPlain as error:
                # It returned; what it returned just equals nothing that could be expected.
                answer["opaque"] = str(error)
        return answer

    def _leave(self, request: dict[str, Any]) -> bool:
        target, error = self._target(request), None
        if request["error"] is not None:
            errors = Errors(self._namespace.get, self._objects.decode)
            error = errors.make(request["error"])
        return bool(type(target).__exit__(target, error and type(error), error, None))

    def _method(self, target: Any, name: str) -> Any:
        if name.startswith("__") and name not in _ALLOWED_METHODS:
            raise AttributeError(f"{name} is not available to tests")
        if name.startswith("__"):
            # Look special methods up as the interpreter does: on the type.
            if name == "__iter__":
                return lambda: iter(target)
            if name == "__await__":
                return lambda: _loop().run_until_complete(target)
            method = getattr(type(target), name, None)
            if method is None:
                raise TypeError(f"{type(target).__name__!r} has no {name}")
            return lambda *args, **kwargs: method(target, *args, **kwargs)
        return getattr(target, name)

    def _target(self, request: dict[str, Any]) -> Any:
        if "ref" in request:
            return self._objects.get(request["ref"])
        name, *attributes = request["function"].split(".")
        if name not in self._namespace:
            raise NameError(f"the program defines no {name!r}")
        target = self._namespace[name]
        for attribute in attributes:
            # `Class.method` is called on a fresh instance, as judges do.
            target = getattr(target() if isinstance(target, type) else target, attribute)
        return target


@functools.cache
def _loop() -> Any:
    import asyncio

    return asyncio.new_event_loop()
