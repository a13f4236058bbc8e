"""Languages beyond Python, in one table: how to compile and run them, and what they need.

Their programs are judged by standard input and output. Every step runs in a strict jail that sees,
read-only, the folders named here; what the compiler makes leaves its jail as bytes.
"""

import glob
import hashlib
import shutil
import subprocess
from pathlib import Path
from typing import Final, NamedTuple

from infra.contracts.base import Language
from infra.contracts.problems import Limits

_MEBIBYTE: Final = 2**20
COMPILE_LIMITS: Final = Limits(
    cpu_seconds=20,
    total_cpu_seconds=20,
    memory_bytes=1024 * _MEBIBYTE,
    output_bytes=4 * _MEBIBYTE,
    value_bytes=64 * _MEBIBYTE,
    file_bytes=256 * _MEBIBYTE,
    processes=64,
)
"""What a compiler may use, whatever the problem's own limits."""


class Toolchain(NamedTuple):
    """How one language is compiled and run; words in braces are filled in.

    `{program}` is the path of its first program, `{home}` the folder of that, `{megabytes}` the
    memory limit, and `{main}` the class that a compiled program begins in.
    """

    language: Language
    program: str
    """The first program it needs; found on the executor's PATH."""
    file: str
    """Name the source is given."""
    compile: tuple[str, ...]
    """Its failure is a compile error."""
    artifact: str
    """File or folder that leaves the compiler's jail; the source itself for an interpreter."""
    run: tuple[str, ...]
    run_binds: tuple[str, ...] = ()
    """Folders of the host that the running program sees, as patterns."""
    compile_binds: tuple[str, ...] = ("/usr/bin", "/usr/lib", "/usr/libexec", "/usr/include")
    processes: int = 0
    """Processes and threads that the runtime itself takes."""
    memory_bytes: int = 0
    """Memory that the runtime itself takes."""
    libraries: tuple[str, ...] = ()
    """Folders of shared libraries that it would find through `/proc`, which no jail has."""
    names_itself: bool = False
    """Whether the compiler reads its own path from `/proc/self/exe`, which then is a mere link."""
    version: tuple[str, ...] = ("--version",)
    out_of_memory: tuple[int, str] = (0, "")
    """Exit status and words of a compiler that met a memory limit of its own."""


_BINARY: Final = ("/tmp/main",)
_TABLE: Final = (
    Toolchain(
        Language.C, "gcc", "main.c",
        ("{program}", "-O2", "-std=gnu17", "-static", "-o", "main", "main.c", "-lm"),
        "main", _BINARY,
    ),
    Toolchain(
        Language.CPP, "g++", "main.cpp",
        ("{program}", "-O2", "-std=gnu++20", "-static", "-o", "main", "main.cpp"),
        "main", _BINARY,
    ),
    Toolchain(
        Language.RUST, "rustc", "main.rs",
        ("{program}", "-O", "--edition=2021", "-Clinker=gcc", "-Ctarget-feature=+crt-static",
         "-o", "main", "main.rs"),
        "main", _BINARY, names_itself=True,
    ),
    Toolchain(
        Language.GO, "go", "main.go",
        ("{program}", "build", "-o", "main", "main.go"),
        "main", _BINARY,
        compile_binds=("/usr/bin", "/usr/lib", "/usr/libexec", "/usr/share/go*", "/usr/local/go"),
        processes=32, memory_bytes=32 * _MEBIBYTE, version=("version",),
    ),
    Toolchain(
        # The file is renamed to the class that is public, if there is one.
        Language.JAVA, "javac", "Main.java",
        ("{program}", "-J-Xmx512m", "-J-XX:+UseSerialGC", "-J-XX:+ExitOnOutOfMemoryError",
         "-d", "classes", "Main.java"),
        "classes",
        ("{home}/java", "-Xmx{megabytes}m", "-Xss64m", "-XX:+UseSerialGC",
         "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData", "-ea", "-cp", "/tmp/classes",
         "{main}"),
        run_binds=("/usr/lib", "/etc/java-*-openjdk"),
        compile_binds=("/usr/lib", "/etc/java-*-openjdk"),
        libraries=("{home}/../lib", "{home}/../lib/server"),
        processes=48, memory_bytes=128 * _MEBIBYTE,
        out_of_memory=(3, "Terminating due to java.lang.OutOfMemoryError"),
    ),
    Toolchain(
        Language.JAVASCRIPT, "node", "main.js",
        ("{program}", "--check", "main.js"), "main.js",
        ("{program}", "--max-old-space-size={megabytes}", "/tmp/main.js"),
        run_binds=("/usr/bin", "/usr/lib", "/usr/share/nodejs"),
        compile_binds=("/usr/bin", "/usr/lib", "/usr/share/nodejs"),
        processes=24, memory_bytes=64 * _MEBIBYTE,
    ),
    Toolchain(
        Language.BASH, "bash", "main.sh",
        ("{program}", "-n", "main.sh"), "main.sh", ("{program}", "/tmp/main.sh"),
        # Debian's `/usr/bin/awk`, among others, is a link to a link in `/etc/alternatives`.
        run_binds=("/usr/bin", "/usr/lib", "/etc/alternatives"),
        compile_binds=("/usr/bin", "/usr/lib"),
    ),
)  # fmt: skip
TOOLCHAINS: Final = {toolchain.language: toolchain for toolchain in _TABLE}


class Installed(NamedTuple):
    """What this machine has of one toolchain."""

    language: Language
    path: Path | None
    """Its first program, links followed; None when it cannot be used."""
    told: str
    """Its version, or why it cannot be used."""


def look_up(language: Language) -> Installed:
    """Find the toolchain of a language on this machine."""
    toolchain = TOOLCHAINS[language]
    path = _first_program(toolchain)
    if path is None:
        return Installed(language, None, f"`{toolchain.program}` is not installed")
    folders = [Path(folder) for folder in binds(toolchain.compile_binds)]
    if not any(path.is_relative_to(folder) for folder in folders):
        where = ", ".join(toolchain.compile_binds)
        return Installed(language, None, f"{path} is in none of the folders {where}")
    try:
        told = subprocess.run(
            [path, *toolchain.version], capture_output=True, text=True, timeout=20, check=True
        )
    except (OSError, subprocess.SubprocessError) as error:
        return Installed(language, None, f"{path} does not run: {error}")
    return Installed(language, path, (told.stdout or told.stderr).strip().split("\n")[0])


def fingerprint() -> str:
    """Digest what this machine has of all languages: an upgrade of a toolchain changes it.

    A toolchain is known by its first program: those of a distribution's package have the same time
    and size on every machine.
    """
    told = []
    for toolchain in _TABLE:
        path = _first_program(toolchain)
        if path is not None:
            status = path.stat()
            told.append(f"{path} {status.st_size} {int(status.st_mtime)}")
    return hashlib.sha256("\n".join(told).encode()).hexdigest()[:12]


def _first_program(toolchain: Toolchain) -> Path | None:
    found = shutil.which(toolchain.program)
    return None if found is None else Path(found).resolve()


def survey() -> list[Installed]:
    """Look up every toolchain of the table."""
    return list(map(look_up, TOOLCHAINS))


def binds(patterns: tuple[str, ...]) -> list[str]:
    """Return the folders of this machine that fit the patterns."""
    return sorted(folder for pattern in patterns for folder in glob.glob(pattern))
