"""What test code holds in place of the candidate's functions and objects.

A proxy calls into the candidate's process. It never lets the candidate decide an equality, an
ordering or an arithmetic result: those are refused or answered by identity.
"""

from collections.abc import Callable, Iterator
from typing import Any, NoReturn

from executor.guest import values
from executor.guest.raising import Errors, OwnError

Ask = Callable[[dict[str, Any]], dict[str, Any]]
"""Sends one request to the candidate's process and returns its answer."""


class CandidateFailure(BaseException):
    """The candidate crashed, met a limit, or left; no `except Exception` of a test swallows it."""

    def __init__(self, outcome: str, detail: str) -> None:
        self.outcome = outcome
        self.detail = detail
        super().__init__(detail)


class Proxy:
    """An object of the candidate, or one of its names."""

    __slots__ = ("_rrtf_generation", "_rrtf_link", "_rrtf_target")

    def __init__(self, link: "Link", target: dict[str, Any], generation: int) -> None:
        object.__setattr__(self, "_rrtf_link", link)
        object.__setattr__(self, "_rrtf_target", target)
        object.__setattr__(self, "_rrtf_generation", generation)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the candidate's function."""
        return self._rrtf_link.call(self, None, args, kwargs)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self._rrtf_link.get(self, name)

    def __setattr__(self, name: str, value: Any) -> None:
        self._rrtf_link.set(self, name, value)

    def __len__(self) -> int:
        length: int = _exact(int, self._rrtf_link.call(self, "__len__", (), {}))
        return length

    def __bool__(self) -> bool:
        return True

    def __iter__(self) -> Iterator[Any]:
        link = self._rrtf_link
        iterator = link.call(self, "__iter__", (), {})
        if not isinstance(iterator, Proxy):
            raise TypeError("the candidate's object is not an iterator")
        while True:
            try:
                yield link.call(iterator, "__next__", (), {})
            except StopIteration:
                return

    def __next__(self) -> Any:
        return self._rrtf_link.call(self, "__next__", (), {})

    def __getitem__(self, key: Any) -> Any:
        return self._rrtf_link.call(self, "__getitem__", (key,), {})

    def __setitem__(self, key: Any, value: Any) -> None:
        self._rrtf_link.call(self, "__setitem__", (key, value), {})

    def __delitem__(self, key: Any) -> None:
        self._rrtf_link.call(self, "__delitem__", (key,), {})

    def __enter__(self) -> Any:
        return self._rrtf_link.call(self, "__enter__", (), {})

    def __exit__(self, *_: object) -> None:
        self._rrtf_link.call(self, "__exit__", (None, None, None), {})

    def __str__(self) -> str:
        text: str = _exact(str, self._rrtf_link.call(self, "__str__", (), {}))
        return text

    def __repr__(self) -> str:
        text: str = _exact(str, self._rrtf_link.call(self, "__repr__", (), {}))
        return text

    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return id(self)

    def __reduce_ex__(self, _: object) -> NoReturn:
        raise TypeError("an object of the candidate cannot be copied")


def _exact(kind: type, value: Any) -> Any:
    if type(value) is not kind:
        raise TypeError(f"the candidate's object gave a {type(value).__name__}")
    return value


class Link:
    """Turns what test code does to proxies into requests; keeps one proxy per object."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._proxies: dict[int, Proxy] = {}
        self._errors = Errors(self.named, self._decode)
        self.generation = 0
        """Number of the candidate's process; objects die with their process."""

    def named(self, name: str) -> Proxy:
        """Make a proxy of a name of the candidate's module."""
        return Proxy(self, {"function": name}, -1)

    def names(self, names: list[str]) -> dict[str, Any]:
        """Fetch the values of the candidate's global names; those it lacks are left out."""
        answer = self._ask_checked({"op": "names", "names": names})
        found: dict[str, Any] = {}
        for name in names:
            entry = answer["value"].get(name, {})
            if "value" in entry:
                value = self._decode(entry["value"])
                # A name is looked up again on every call, so it outlives its process.
                found[name] = self.named(name) if isinstance(value, Proxy) else value
        return found

    def get(self, proxy: Proxy, name: str) -> Any:
        """Read an attribute."""
        return self._decode(self._request(proxy, {"op": "get", "name": name})["value"])

    def set(self, proxy: Proxy, name: str, value: Any) -> None:
        """Write an attribute."""
        self._request(proxy, {"op": "set", "name": name, "value": self._encode(value)})

    def call(
        self, proxy: Proxy, method: str | None, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        """Call the proxy's object or a special method of it; carry back changes to arguments."""
        request: dict[str, Any] = {
            "op": "call",
            "args": [self._encode(item) for item in args],
            "kwargs": {key: self._encode(item) for key, item in kwargs.items()},
            "track": True,
        }
        if method is not None:
            request["method"] = method
        answer = self._request(proxy, request)
        for index, after in answer.get("changed", {}).items():
            merge(args[int(index)], self._decode(after))
        if "value" not in answer:
            raise AssertionError(f"cannot be compared: {answer.get('opaque')}")
        result = answer["value"]
        if isinstance(result, dict) and "$arg" in result:
            return args[int(result["$arg"])]
        return self._decode(result)

    def _request(self, proxy: Proxy, request: dict[str, Any]) -> dict[str, Any]:
        if proxy._rrtf_generation not in (-1, self.generation):
            raise CandidateFailure("runtime_error", "the object was lost when its process ended")
        return self._ask_checked({**proxy._rrtf_target, **request})

    def _ask_checked(self, request: dict[str, Any]) -> dict[str, Any]:
        answer = self._ask(request)
        generation = answer["generation"]
        if generation != self.generation:
            self.generation = generation
            self._proxies.clear()
        if "raised" in answer:
            raised = answer["raised"]
            error = self._errors.make(raised, request.get("method") == "__next__")
            raise error or CandidateFailure("runtime_error", raised["text"])
        return answer

    def _encode(self, value: Any) -> Any:
        return values.encode(value, self._refer)

    def _refer(self, value: Any) -> Any:
        if isinstance(value, OwnError):
            value = value._rrtf_target
        if type(value) is Proxy:
            if "ref" in value._rrtf_target:
                return {"$ref": value._rrtf_target["ref"]}
            got = self._ask_checked({"op": "names", "names": [value._rrtf_target["function"]]})
            return got["value"][value._rrtf_target["function"]]["value"]
        raise TypeError(f"a {type(value).__name__} of the test cannot cross to the candidate")

    def _decode(self, data: Any) -> Any:
        try:
            return values.decode(data, self._resolve)
        except values.NotPlain as error:
            raise CandidateFailure("runtime_error", f"malformed value: {error}") from None

    def _resolve(self, tag: str, body: Any) -> Any:
        if tag == "$error" and type(body) is list and len(body) == 2:
            error = self._errors.class_of(body[1])
            if error is not None:
                return error
        if tag != "$ref" or type(body) is not int:
            raise values.NotPlain(f"unknown tag {tag}")
        if body not in self._proxies:
            self._proxies[body] = Proxy(self, {"ref": body}, self.generation)
        return self._proxies[body]


def merge(before: Any, after: Any) -> None:
    """Make `before` equal to `after` in place, keeping the identity of nested containers."""
    if type(before) is not type(after):
        return
    if type(before) is list:
        common = min(len(before), len(after))
        before[:] = [_merged(old, new) for old, new in zip(before, after, strict=False)] + after[
            common:
        ]
    elif type(before) is dict:
        merged = {
            key: _merged(before[key], item) if key in before else item
            for key, item in after.items()
        }
        before.clear()
        before.update(merged)
    elif type(before) is set:
        before.clear()
        before.update(after)
    elif type(before) is bytearray:
        before[:] = after
    elif type(before) is tuple:
        for old, new in zip(before, after, strict=False):
            merge(old, new)


def _merged(old: Any, new: Any) -> Any:
    if type(old) is type(new) and type(old) in (list, dict, set, bytearray):
        merge(old, new)
        return old
    return new
