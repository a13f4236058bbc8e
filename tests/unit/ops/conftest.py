"""What the tests of this folder share."""

import importlib
import pkgutil
from collections.abc import Iterator

import pytest

from infra.settings import Settings


def subclasses(kind: type[Settings]) -> Iterator[type[Settings]]:
    for child in kind.__subclasses__():
        yield child
        yield from subclasses(child)


@pytest.fixture(scope="session")
def known_variables() -> frozenset[str]:
    """Every environment variable that some room of the suite reads."""
    for room in ("services", "sampler", "executor", "ranker", "trainer", "infra"):
        package = importlib.import_module(room)
        for module in pkgutil.walk_packages(package.__path__, f"{room}."):
            if module.name.endswith("settings"):
                importlib.import_module(module.name)
    names = {"RRTF_HOME", "RRTF_DATA"}
    for kind in subclasses(Settings):
        if not kind.__module__.startswith("tests"):
            prefix = str(kind.model_config.get("env_prefix", ""))
            for name, field in kind.model_fields.items():
                names.add(str(field.validation_alias or f"{prefix}{name}").upper())
    return frozenset(names)
