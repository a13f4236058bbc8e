"""The tests' side of the wire to the candidate: requests out, answers in."""

from collections.abc import Callable
from typing import Any

from executor.guest import collected, values
from executor.guest.callbacks import FUNCTIONS, Lent
from executor.guest.held import Held, hold, refill
from executor.guest.merging import merge
from executor.guest.proxies import CandidateFailure, CannotCross, Proxy
from executor.guest.raising import Errors, OwnError, describe_error

Ask = Callable[[dict[str, Any]], dict[str, Any]]
"""Sends one request to the candidate's process and returns its answer."""


class Link:
    """Turns what test code does to proxies into requests; keeps one proxy per object."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._proxies: dict[int, Proxy] = {}
        self._held: dict[int, Any] = {}
        self._lent = Lent()
        self._errors = Errors(self.named, self._decode)
        self.refused: CannotCross | None = None
        """What of the tests could not cross, if anything, whoever took the exception."""
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

    def leave(self, proxy: Proxy, error: BaseException | None) -> bool:
        """Leave the candidate's context; tell whether it takes care of the test's exception.

        Of an assertion that failed the candidate hears nothing, and it cannot take care of it.
        """
        described = None
        if isinstance(error, Exception) and not isinstance(error, AssertionError):
            described = describe_error(error, self._encode)
        answer = self._request(proxy, {"op": "leave", "error": described})
        return answer["value"] is True and described is not None

    def state(self, proxy: Proxy) -> dict[str, Any]:
        """Return what makes the proxy's object equal to others; empty if nothing does."""
        if "ref" not in proxy._rrtf_target:
            return {}
        state = self._request(proxy, {"op": "state"})["value"]
        found = {name: self._decode(item) for name, item in state.items()}
        if proxy._rrtf_made and "content" not in found:
            raise CandidateFailure("runtime_error", "malformed value: no content")
        return found

    def alike(self, one: Proxy, other: Proxy) -> bool:
        """Tell whether two objects of one class hold equal data, or are containers of equal data.

        That the class says when its objects are equal is what lets them be; how, we decide.
        """
        state = self.state(one)
        return bool(state) and state == self.state(other)

    def belongs(self, kind: Proxy, value: Any, is_class: bool) -> bool:
        """Ask whether an object of the candidate is of one of its classes, or derives from it."""
        if not isinstance(type(value), type) or not issubclass(type(value), (Proxy, Held)):
            return False
        request = {"op": "is", "class": is_class, "value": self._encode(value)}
        return self._request(kind, request)["value"] is True

    def call_back(self, message: dict[str, Any]) -> dict[str, Any]:
        """Call a function of the tests as the candidate wants it."""
        return self._lent.call(message, self._encode, self._decode)

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
            self._held.clear()
        self._refill(answer.get("contents"))
        if "raised" in answer:
            raised = answer["raised"]
            error = self._errors.make(raised, request.get("method"))
            raise error or CandidateFailure("runtime_error", raised["text"])
        return answer

    def _refill(self, contents: Any) -> None:
        """Take in what the candidate's objects hold now."""
        for entry in contents if type(contents) is list else ():
            match entry:
                case [int() as number, content] if number in self._held:
                    refill(self._held[number], self._decode(content))

    def _encode(self, value: Any) -> Any:
        return values.encode(value, self._refer, self._hold)

    def _hold(self, value: Any, content: Any) -> Any:
        if issubclass(type(value), Held):
            return {"$ref": value._rrtf_target["ref"]}
        tagged = collected.tag(value, content, self._encode)
        return content if tagged is None else tagged

    def _refer(self, value: Any) -> Any:
        if isinstance(value, OwnError):
            value = value._rrtf_target
        if type(value) is Proxy:
            if "ref" in value._rrtf_target:
                return {"$ref": value._rrtf_target["ref"]}
            got = self._ask_checked({"op": "names", "names": [value._rrtf_target["function"]]})
            return got["value"][value._rrtf_target["function"]]["value"]
        if isinstance(value, FUNCTIONS):
            return {"$callback": self._lent.number(value)}
        self.refused = CannotCross(
            f"a {type(value).__name__} of the test cannot cross to the candidate"
        )
        raise self.refused

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
        if tag == "$callback" and (function := self._lent.function(body)) is not None:
            return function
        if tag == "$held":
            return self._keep(*body)
        if tag == "$awaitable":
            return self._wait(self._proxy(body))
        if tag in ("$ref", "$made"):
            return self._proxy(body, tag == "$made")
        return collected.make(tag, body, self._decode)

    def _proxy(self, number: Any, made: bool = False) -> Proxy:
        if type(number) is not int:
            raise values.NotPlain("malformed reference")
        if number not in self._proxies:
            self._proxies[number] = Proxy(self, {"ref": number}, self.generation, made)
        return self._proxies[number]

    def _keep(self, number: Any, content: Any, texts: Any) -> Any:
        """Return what stands for an object and its content; the same each time, if it can."""
        decoded = self._decode(content)
        names = frozenset(name for name in texts if type(name) is str)
        if type(number) is not int:
            raise values.NotPlain("malformed reference")
        if number not in self._held or not refill(self._held[number], decoded):
            self._held[number] = hold(self, number, self.generation, decoded, names)
        return self._held[number]

    async def _wait(self, awaitable: Proxy) -> Any:
        return self.call(awaitable, "__await__", (), {})
