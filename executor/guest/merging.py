"""What a call did to its arguments, done to the containers that test code holds."""

from typing import Any


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
    elif getattr(before, "shape", None) is not None and before.shape == after.shape:
        before[...] = after  # An array of numpy.


def _merged(old: Any, new: Any) -> Any:
    if type(old) is type(new) and type(old) in (list, dict, set, bytearray):
        merge(old, new)
        return old
    return new
