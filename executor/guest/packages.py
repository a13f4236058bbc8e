"""Loads the packages of an image before any candidate is there."""

import importlib
import os
import sys
import sysconfig
from collections.abc import Iterator, Sequence


def loaded(names: Sequence[str]) -> Iterator[str]:
    """Load modules one by one, and yield the name of each.

    One that cannot be loaded is left to whoever imports it, who then learns why.
    """
    # The interpreter has put them before the standard library, where no installation has them.
    site = os.environ.get("PYTHONPATH")
    if site in sys.path:
        sys.path.remove(site)
        sys.path.append(site)
        # Who asks where packages are, as hypothesis does to tell them from the program, is told.
        schemes = sysconfig._INSTALL_SCHEMES  # type: ignore[attr-defined] # There is no other way.
        schemes[sysconfig.get_default_scheme()] |= {"purelib": site, "platlib": site}
    for name in names:
        try:
            importlib.import_module(name)
        except Exception:  # noqa: S112 - whatever is wrong with it
            continue
        yield name
