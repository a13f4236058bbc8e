"""What is loaded before a suite is there, and must not stand in the place of what that brings."""

import sys
from collections.abc import Collection, Iterator
from pathlib import PurePosixPath
from typing import Final

from executor.guest.placing import FOLDER

OF_THE_RUNNER: Final = frozenset(
    {"_pytest", "executor", "infra", "iniconfig", "packaging", "pluggy", "pytest"}
)
"""Packages that tests are run with, of which there are no two in a process."""


def refusal(module: str | None, candidate_path: str | None, files: Collection[str]) -> str | None:
    """Say why a suite cannot be run that brings a package of these names; None if it does not."""
    taken = sorted(OF_THE_RUNNER & {*_tops(module, candidate_path, files)})
    if not taken:
        return None
    return f"`{taken[0]}` is a package that tests are run with, and cannot be what is tested"


def forget(module: str | None, candidate_path: str | None, files: Collection[str]) -> None:
    """Have modules of a suite's names imported from its folder, whatever is loaded by now."""
    tops = {*_tops(module, candidate_path, files)} - OF_THE_RUNNER
    if tops.isdisjoint(sys.modules):
        return
    own = None if module is None else module.partition(".")[0]
    for name, found in list(sys.modules.items()):
        top = name.partition(".")[0]
        if top not in tops or (top in sys.stdlib_module_names and top != own):
            continue
        file = getattr(found, "__file__", None)
        if name != "__main__" and file is not None and not file.startswith(f"{FOLDER}/"):
            del sys.modules[name]


def _tops(module: str | None, candidate_path: str | None, files: Collection[str]) -> Iterator[str]:
    """Yield the names under which something can be imported from where a suite lies."""
    roots = {""}
    if module is not None:
        yield module.partition(".")[0]
        if candidate_path is not None:
            depth = module.count(".") + 1 + candidate_path.endswith("/__init__.py")
            roots.add("/".join(candidate_path.split("/")[:-depth]))
    for path in files:
        for root in roots:
            inner = path.removeprefix(f"{root}/" if root else "")
            if path.endswith(".py") and (not root or inner != path):
                yield PurePosixPath(inner).parts[0].removesuffix(".py")
