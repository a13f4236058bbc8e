"""What there is to say of a toolchain: how it compiles and runs, what it sees, what it needs."""

from collections.abc import Mapping
from types import MappingProxyType
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


class Cache(NamedTuple):
    """What a toolchain compiles once, before any program is there."""

    word: str
    """Programs that have it use this cache."""
    options: frozenset[str]
    """Words with which alone they are compiled."""
    needs: str | None
    """Path of what is compiled; where it is not there, nothing is kept."""
    variable: str
    """Of the environment, which names its folder."""
    files: Mapping[str, str]
    commands: tuple[tuple[str, ...], ...]
    """`{folder}` is the cache's."""


CACHE_FOLDER: Final = "/cache"
"""Where a jail sees it."""
HARNESS_FOLDER: Final = "/harness"
"""Where it sees what is compiled of a harness that calls candidates."""


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
    lean_run: tuple[str, ...] = ()
    """How an interpreter runs programs that need little of what it usually loads before them."""
    lean_lacks: tuple[str, ...] = ()
    """Names, as patterns, of what is not loaded then, where a program may ask for it and go on."""
    run_binds: tuple[str, ...] = ()
    """Folders of the host that the running program sees, as patterns."""
    compile_binds: tuple[str, ...] = ("/usr/bin", "/usr/lib", "/usr/libexec", "/usr/include")
    packages: tuple[str, ...] = ()
    """Debian's packages of it, and of what the tests of published sets import."""
    modules: tuple[str, ...] = ()
    """Modules of npm that come on top where npm is there."""
    module_packages: tuple[str, ...] = ()
    """Debian's packages of the same, which go with Debian's own Node.js alone."""
    processes: int = 0
    """Processes and threads that the runtime itself takes."""
    memory_bytes: int = 0
    """Memory that the runtime itself takes."""
    open_files: int = 0
    """Open files for which the runtime itself wants room."""
    libraries: tuple[str, ...] = ()
    """Folders of shared libraries that it would find through `/proc`, which no jail has."""
    names_itself: bool = False
    """Whether the compiler, or interpreter, reads its own path from `/proc/self/exe`, which then is
    a mere link."""
    needs_maps: bool = False
    """Whether its runtime looks up in `/proc/self/maps` where its stack is, which then is a file
    that has nothing but the region in which the kernel puts every stack."""
    version: tuple[str, ...] = ("--version",)
    """What has it tell its version; without, it is not asked."""
    environment: Mapping[str, str] = MappingProxyType({})
    """Variables beside the usual ones, for its compiler."""
    caches: tuple[Cache, ...] = ()
    """The last one that fits a program is used."""
    out_of_memory: tuple[int, str] = (0, "")
    """Exit status and words of a compiler that met a memory limit of its own."""
