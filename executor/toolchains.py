"""Installs toolchains where there is no `rrtf`: `python -m executor.toolchains LANGUAGE...`."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from typing import Final

from executor.installed import Installed, look_up
from executor.languages import TOOLCHAINS
from infra import errors
from infra.contracts.base import Language
from infra.observability import logs

_NPM: Final = ("npm", "install", "--global", "--prefix", "/usr", "--ignore-scripts", "--no-fund")
"""Where jails see what it installs."""


def install(languages: Sequence[Language]) -> list[Installed]:
    """Install the toolchains of languages, as Debian's packages; return what is there then.

    Where Node.js brought npm, its modules are npm's: Debian's need Debian's own Node.js.

    Raises:
        errors.ToolchainNotInstalled: this is no Debian, we are not root, or apt-get failed.
    """
    modules = _modules(languages) if shutil.which("npm") else []
    packages = _packages(languages, with_modules=not modules)
    command = ["apt-get", "install", "-y", "--no-install-recommends", *packages]
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        raise errors.ToolchainNotInstalled(
            f"it takes root and Debian's packages: run `{' '.join(command)}`"
        )
    commands = [["apt-get", "update"], command]
    if modules:
        commands.append([*_NPM, *modules])
    for words in commands:
        done = subprocess.run(
            words, env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"}, check=False
        )
        if done.returncode != 0:
            raise errors.ToolchainNotInstalled(f"`{' '.join(words)}` ended with {done.returncode}")
    found = [look_up(language) for language in languages]
    for one in found:
        if one.path is None:
            raise errors.ToolchainNotInstalled(f"{one.language}: {one.told}")
    return found


def _packages(languages: Sequence[Language], with_modules: bool) -> list[str]:
    rows = [TOOLCHAINS[language] for language in languages]
    found = {name for row in rows for name in row.packages}
    return sorted(found.union(*(row.module_packages for row in rows if with_modules)))


def _modules(languages: Sequence[Language]) -> list[str]:
    return sorted({name for language in languages for name in TOOLCHAINS[language].modules})


def named(words: Sequence[str]) -> list[Language]:
    """Return the languages of these names.

    Raises:
        errors.InvalidInput: one names none that has a toolchain.
    """
    known = {language.value: language for language in TOOLCHAINS}
    for word in words:
        if word not in known:
            raise errors.InvalidInput(f"no toolchain for {word!r}: there are {', '.join(known)}")
    return [known[word] for word in words]


def main() -> int:
    """Install the toolchains that our arguments name."""
    logs.configure("executor")
    log = logs.get(__name__)
    try:
        for found in install(named(sys.argv[1:])):
            log.info("toolchain.installed", language=found.language.value, told=found.told)
    except errors.SuiteError as error:
        log.error("toolchain.not_installed", code=error.code, reason=error.detail)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
