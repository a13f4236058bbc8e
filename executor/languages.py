"""Languages beyond Python, in one table: how to compile and run them, and what they need.

Their programs are judged by standard input and output, or by test programs. Every step runs in a
jail that sees, read-only, the folders named here; what the compiler makes leaves its jail as bytes.
"""

from typing import Final

from executor import typescript
from executor.toolchain_spec import CACHE_FOLDER, Cache, Toolchain
from infra.contracts.base import Language

_MEBIBYTE: Final = 2**20
_BINARY: Final = ("/tmp/main",)
_ALIKE: Final = "-Wl,--build-id=none"
"""Has the linker write nothing that depends on all the rest of a program."""
_USUAL: Final = ("/usr/bin", "/usr/lib")
_JAVATUPLES: Final = "/usr/share/java/javatuples.jar"
"""What every program of MultiPL-E in Java imports; the compiler passes it over where it is not."""
JAVA_LIBRARIES: Final = (
    _JAVATUPLES,
    *(
        f"/usr/share/java/{name}.jar" for name in (
            "junit-platform-launcher", "junit-platform-engine", "junit-platform-commons",
            "junit-jupiter-engine", "junit-jupiter-api", "junit-jupiter-params",
            "univocity-parsers", "junit-vintage-engine", "junit4", "hamcrest", "opentest4j",
            "apiguardian-api", "assertj-core", "byte-buddy",
        )
    ),
)  # fmt: skip
"""The library that every program has, and those of test code for JUnit."""
_JAVA: Final = ("/usr/lib", "/etc/java-*-openjdk", *JAVA_LIBRARIES)
NODE_FOLDERS: Final = ("/usr/lib/node_modules", "/usr/share/nodejs")
"""Where modules of npm and of Debian are."""
_NODE: Final = (*_USUAL, "/usr/share/nodejs", "/usr/share/node_modules")
_RUBY: Final = (*_USUAL, "/usr/share/rubygems-integration", "/var/lib/gems")
_OF_RUBYGEMS: Final = (
    r"[Gg]ems?", r"Gem\w+", r"Monitor\w*", "RbConfig", "DidYouMean", "ErrorHighlight",
    # Whose message is longer with the last two.
    "NameError", "NoMethodError", "KeyError",
    # Which libraries there are.
    "LoadError", "ScriptError", r"rescue\b[^\n]*Exception",
    # What is there, and what was loaded.
    "constants", "const_defined", "LOADED_FEATURES", "LOAD_PATH", "ObjectSpace",
)  # fmt: skip
_OF_R: Final = (
    "search", "searchpaths", "loadedNamespaces", "isNamespaceLoaded", "exists", "get0", "parent",
    "attached", "sys", "Sys", "options", "getOption", "get", "mget", "try", "tryCatch",
    "withCallingHandlers",
)  # fmt: skip
_PERL: Final = (*_USUAL, "/usr/share/perl", "/usr/share/perl5")
_RACKET: Final = (*_USUAL, "/usr/share/racket", "/etc/racket")
_MONO_FOLDERS: Final = (*_USUAL, "/etc/mono/config", "/etc/mono/4.5")
# Its runtime would write to standard output that it may not set the priority of a thread.
_MONO_ENVIRONMENT: Final = {"MONO_LOG_DEST": "/dev/null"}
ASSERTIONS: Final = "/py/guest/executor/guest/programs/mono/Debug.cs"
"""Of C#, in every jail: what an assertion that fails does."""
COMPARISON: Final = "/py/guest/executor/guest/programs/mono/Compare.cs"
"""There too: what test programs of MBXP compare with."""
_FILES_OF_NODE: Final = 448
"""Open files of its threads, more than others have: each has an event loop of its own."""
_JEST: Final = ("jest@29.7.0", "@babel/preset-typescript@7.29.7")
_JEST_PACKAGES: Final = ("jest", "node-babel7")
_GO_ENVIRONMENT: Final = {
    "GOPATH": "/usr/share/gocode", "GOFLAGS": "-mod=mod", "CGO_ENABLED": "0", "GO111MODULE": "off",
    # None is to be fetched for a file that asks for another.
    "GOTOOLCHAIN": "local",
    # Where no cache was filled before.
    "GOCACHE": "/tmp/gocache",
}  # fmt: skip


def _precompiled(*options: str) -> Cache:
    """Compile the header that has all of the standard library, for programs that include it."""
    made = ("-x", "c++-header", "all.h", "-o", "{folder}/bits/stdc++.h.gch")
    return Cache(
        "<bits/stdc++.h>", frozenset(options), None, "CPLUS_INCLUDE_PATH",
        {"all.h": "#include <bits/stdc++.h>\n"},
        (("/usr/bin/mkdir", "{folder}/bits"), ("{program}", "-static", *options, *made)),
    )  # fmt: skip


_GO_FILES: Final = {
    "main.go": 'package main\nimport "fmt"\nfunc main() { fmt.Println() }\n',
    "main_test.go": 'package main\nimport "testing"\nfunc TestA(t *testing.T) { }\n',
}
_GO_TESTIFY: Final = """\
package main
import ("testing"; "github.com/stretchr/testify/assert")
func TestB(t *testing.T) { assert.New(t).Equal(1, 1) }
"""
_GO_COMMANDS: Final = (
    ("{program}", "build", "-o", "main", "main.go"),
    ("{program}", "test", "-c", "-o", "main", "main_test.go"),
)
_GO_CACHES: Final = (
    Cache("package", frozenset(), None, "GOCACHE", _GO_FILES, _GO_COMMANDS),
    # It takes half a minute, and most programs make no use of it.
    Cache(
        "stretchr/testify", frozenset(), "/usr/share/gocode/src/github.com/stretchr/testify",
        "GOCACHE",
        {**_GO_FILES, "testify_test.go": _GO_TESTIFY},
        (*_GO_COMMANDS, ("{program}", "test", "-c", "-o", "main", "testify_test.go")),
    ),
)  # fmt: skip
# A compiler that runs for a second gains nothing by optimizing itself.
_COMPILER_OF_JAVA: Final = ("-J-Xmx512m", "-J-XX:+UseSerialGC", "-J-XX:TieredStopAtLevel=1")
_JAVA_CACHE: Final = Cache(
    "class", frozenset(), None, "JAVAC_ARCHIVE",
    {
        "Main.java": "import java.util.*;\nimport java.util.stream.*;\nclass Main {\n"
        "    record Pair(int a, String b) { }\n    public static void main(String[] words) {\n"
        "        var all = new HashMap<String, List<Integer>>();\n"
        "        for (var word : words) all.put(word, Arrays.asList(1, word.length()));\n"
        "        Stream.of(words).map(x -> new Pair(x.length(), x)).forEach(System.out::println);\n"
        "        assert all.equals(new TreeMap<>(all)) : \"no\";\n    }\n}\n",
    },
    (("{program}", *_COMPILER_OF_JAVA, "-J-XX:ArchiveClassesAtExit={folder}/javac.jsa",
      "-d", "classes", "Main.java"),),
)  # fmt: skip
"""The compiler's own classes, as the virtual machine lays them out in memory."""
_R: Final = "/usr/lib/R/bin/exec/R"
_R_HOME: Final = {
    "R_HOME": "/usr/lib/R", "R_SHARE_DIR": "/usr/share/R/share",
    "R_INCLUDE_DIR": "/usr/share/R/include", "R_DOC_DIR": "/usr/share/R/doc",
}  # fmt: skip
_JAVA_HOME: Final = "/usr/lib/jvm/default-java"
_VIRTUAL_MACHINE: Final = (
    f"{_JAVA_HOME}/bin/java", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData",
)  # fmt: skip
_KOTLIN: Final = "/usr/share/kotlin/kotlinc/lib"
_SCALA: Final = ":".join(
    f"/usr/share/java/scala-{name}.jar" for name in ("compiler", "reflect", "library")
)


def _of_java(
    language: Language,
    program: str,
    file: str,
    library: str,
    compiler: tuple[str, ...],
    packages: tuple[str, ...],
) -> Toolchain:
    """Describe a language whose compiler and programs run in Java's virtual machine."""
    shared = ("/usr/share/java", "/usr/share/kotlin", "/usr/share/scala-*")
    folders = (*_USUAL, "/etc/java-*-openjdk", *shared)
    return Toolchain(
        language, program, file,
        (*_VIRTUAL_MACHINE, "-Xmx640m", "-Xss16m", "-XX:+ExitOnOutOfMemoryError", *compiler,
         "-d", "classes", file),
        "classes",
        (*_VIRTUAL_MACHINE, "-Xmx{megabytes}m", "-Xss64m", "-ea", "-cp",
         f"/tmp/classes:{library}", "{main}"),
        run_binds=folders, compile_binds=folders,
        libraries=(f"{_JAVA_HOME}/lib", f"{_JAVA_HOME}/lib/server"),
        processes=48, memory_bytes=160 * _MEBIBYTE,
        # It would take seconds to ask it.
        version=(),
        out_of_memory=(3, "Terminating due to java.lang.OutOfMemoryError"),
        packages=("default-jdk-headless", *packages),
    )  # fmt: skip


_TABLE: Final = (
    Toolchain(
        Language.C, "gcc", "main.c",
        ("{program}", "-O2", "-std=gnu17", "-static", "-s", _ALIKE, "-o", "main", "main.c",
         "-lm"),
        "main", _BINARY,
        packages=("gcc", "libc6-dev"),
    ),
    Toolchain(
        Language.CPP, "g++", "main.cpp",
        ("{program}", "-O2", "-std=gnu++20", "-static", "-s", _ALIKE, "-o", "main",
         "main.cpp"),
        "main", _BINARY,
        caches=tuple(
            _precompiled(*options) for options in
            (("-O0", "-std=c++17"), ("-O0", "-std=gnu++17"), ("-O2", "-std=gnu++20"))
        ),
        packages=("g++", "catch2"),
    ),
    Toolchain(
        Language.RUST, "rustc", "main.rs",
        ("{program}", "-O", "--edition=2021", "-Clinker=gcc", "-Ctarget-feature=+crt-static",
         "-Cstrip=symbols", f"-Clink-arg={_ALIKE}",
         "-o", "main", "main.rs"),
        "main", _BINARY, names_itself=True,
        packages=("rustc", "gcc", "libc6-dev"),
    ),
    Toolchain(
        Language.GO, "go", "main.go",
        ("{program}", "build", "-ldflags=-s -w -buildid=", "-o", "main", "main.go"),
        "main", _BINARY,
        compile_binds=("/usr/bin", "/usr/lib", "/usr/libexec", "/usr/share/go*", "/usr/local/go"),
        # One that is not Debian's finds its own folder by its path.
        names_itself=True,
        processes=32, memory_bytes=32 * _MEBIBYTE, version=("version",),
        environment=_GO_ENVIRONMENT, caches=_GO_CACHES,
        packages=("golang-go", "golang-github-stretchr-testify-dev"),
    ),
    Toolchain(
        # The file is renamed to the class that is public, if there is one.
        Language.JAVA, "javac", "Main.java",
        ("{program}", *_COMPILER_OF_JAVA, f"-J-XX:SharedArchiveFile={CACHE_FOLDER}/javac.jsa",
         "-J-XX:+ExitOnOutOfMemoryError", "-cp", _JAVATUPLES, "-d", "classes", "Main.java"),
        "classes",
        ("{home}/java", "-Xmx{megabytes}m", "-Xss64m", "-XX:+UseSerialGC",
         "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData", "-ea", "-cp",
         f"/tmp/classes:{_JAVATUPLES}", "{main}"),
        run_binds=_JAVA, compile_binds=_JAVA,
        libraries=("{home}/../lib", "{home}/../lib/server"),
        processes=48, memory_bytes=128 * _MEBIBYTE,
        out_of_memory=(3, "Terminating due to java.lang.OutOfMemoryError"),
        caches=(_JAVA_CACHE,),
        packages=("default-jdk-headless", "libjavatuples-java", "junit5", "libassertj-core-java"),
    ),
    Toolchain(
        Language.JAVASCRIPT, "node", "main.js",
        ("{program}", "--check", "main.js"), "main.js",
        ("{program}", "--max-old-space-size={megabytes}", "/tmp/main.js"),
        run_binds=_NODE, compile_binds=_NODE,
        processes=24, memory_bytes=64 * _MEBIBYTE, open_files=_FILES_OF_NODE,
        packages=("nodejs", "node-lodash"), modules=_JEST, module_packages=_JEST_PACKAGES,
    ),
    Toolchain(
        Language.BASH, "bash", "main.sh",
        ("{program}", "-n", "main.sh"), "main.sh", ("{program}", "/tmp/main.sh"),
        # Debian's `/usr/bin/awk`, among others, is a link to a link in `/etc/alternatives`.
        run_binds=("/usr/bin", "/usr/lib", "/etc/alternatives"),
        compile_binds=("/usr/bin", "/usr/lib"),
        packages=("bash",),
    ),
    Toolchain(
        Language.TYPESCRIPT, "tsc", "main.ts",
        ("/usr/bin/node", "-e", typescript.TRANSPILE, "--", "--target", "es2020",
         "--module", "commonjs", "main.ts"),
        "main.js",
        ("/usr/bin/node", "--max-old-space-size={megabytes}", "/tmp/main.js"),
        run_binds=_NODE, compile_binds=_NODE,
        processes=24, memory_bytes=64 * _MEBIBYTE, open_files=_FILES_OF_NODE,
        caches=(typescript.CACHE,),
        packages=("node-typescript", "node-lodash"),
        modules=_JEST, module_packages=_JEST_PACKAGES,
    ),
    Toolchain(
        Language.PHP, "php", "main.php",
        ("{program}", "-l", "main.php"), "main.php",
        ("{program}", "-d", "display_errors=stderr", "-d", "memory_limit=-1", "/tmp/main.php"),
        # Where Debian says which of its extensions are loaded, such as ctype.
        run_binds=(*_USUAL, "/usr/share/php*", "/usr/share/zoneinfo", "/etc/php/*/cli/conf.d",
                   "/etc/php/*/mods-available"),
        compile_binds=_USUAL,
        memory_bytes=32 * _MEBIBYTE,
        packages=("php-cli", "php-mbstring"),
    ),
    Toolchain(
        Language.RUBY, "ruby", "main.rb",
        ("{program}", "--disable-gems", "-c", "main.rb"), "main.rb", ("{program}", "/tmp/main.rb"),
        # RubyGems, and what it loads, takes five sixths of the time in which Ruby begins.
        lean_run=("{program}", "--disable-gems", "/tmp/main.rb"),
        lean_lacks=_OF_RUBYGEMS,
        run_binds=_RUBY, compile_binds=_RUBY,
        processes=4, memory_bytes=32 * _MEBIBYTE,
        packages=("ruby",),
    ),
    Toolchain(
        Language.PERL, "perl", "main.pl",
        ("{program}", "-c", "main.pl"), "main.pl", ("{program}", "/tmp/main.pl"),
        run_binds=_PERL, compile_binds=_PERL,
        version=("-e", "print $^V"),
        packages=("perl", "libdata-compare-perl", "libtest-deep-perl"),
    ),
    Toolchain(
        Language.LUA, "lua5.4", "main.lua",
        ("{home}/luac5.4", "-p", "main.lua"), "main.lua", ("{program}", "/tmp/main.lua"),
        run_binds=(*_USUAL, "/usr/share/lua"), compile_binds=_USUAL,
        version=("-v",),
        packages=("lua5.4", "lua-unit"),
    ),
    Toolchain(
        Language.HASKELL, "/usr/lib/ghc/bin/ghc", "main.hs",
        ("{program}", "-B/usr/lib/ghc", "-v0", "-O1", "-optl-static", "-optl-pthread",
         f"-optl{_ALIKE}", "-o", "main", "main.hs"),
        "main", _BINARY,
        compile_binds=("/usr/bin", "/usr/lib", "/usr/libexec", "/usr/include", "/var/lib/ghc"),
        names_itself=True, version=("-B/usr/lib/ghc", "--version"), processes=8,
        packages=("ghc",),
    ),
    _of_java(
        Language.KOTLIN, "kotlinc", "main.kt", f"{_KOTLIN}/kotlin-stdlib.jar",
        ("-cp", f"{_KOTLIN}/kotlin-preloader.jar",
         "org.jetbrains.kotlin.preloading.Preloader", "-cp", f"{_KOTLIN}/kotlin-compiler.jar",
         "org.jetbrains.kotlin.cli.jvm.K2JVMCompiler", "-nowarn", "-no-stdlib", "-no-reflect",
         "-cp", f"{_KOTLIN}/kotlin-stdlib.jar"),
        ("kotlin",),
    ),
    Toolchain(
        Language.R, "Rscript", "main.R",
        (_R, "--no-echo", "--vanilla", "-e", "invisible(parse('main.R'))"),
        "main.R",
        ("/usr/bin/env", *(f"{name}={value}" for name, value in _R_HOME.items()), _R, "--no-echo",
         "--vanilla", "--file=/tmp/main.R"),
        # Its packages `stats`, `methods` and four more take five sixths of the time.
        lean_run=("/usr/bin/env", *(f"{name}={value}" for name, value in _R_HOME.items()),
                  "R_DEFAULT_PACKAGES=NULL", _R, "--no-echo", "--vanilla", "--file=/tmp/main.R"),
        lean_lacks=_OF_R,
        run_binds=(*_USUAL, "/etc/alternatives", "/etc/R", "/usr/share/R"),
        compile_binds=(*_USUAL, "/etc/alternatives", "/etc/R", "/usr/share/R"),
        # It does not begin where it may open fewer than 256 in all.
        processes=4, memory_bytes=96 * _MEBIBYTE, open_files=192,
        environment={**_R_HOME, "R_DEFAULT_PACKAGES": "NULL"},
        packages=("r-base-core",),
    ),
    _of_java(
        Language.SCALA, "scalac", "main.scala", "/usr/share/java/scala-library.jar",
        ("-cp", _SCALA, "scala.tools.nsc.Main", "-nowarn",
         "-cp", "/usr/share/java/scala-library.jar"),
        ("scala",),
    ),
    Toolchain(
        Language.D, "ldc2", "main.d",
        # `-L-w`: the linker warns of every library that wants more than a static program has.
        ("{program}", "-O", "-static", "-link-defaultlib-shared=false", "-L-lz", "-L-s", "-L-w",
         "-L--build-id=none", "-gcc=gcc", "-of=main", "main.d"),
        "main", _BINARY,
        compile_binds=("/usr/bin", "/usr/lib", "/usr/libexec", "/usr/include", "/etc/ldc2.conf"),
        # It finds its configuration by its path.
        names_itself=True,
        # Its collector has at most 99 threads.
        processes=100,
        packages=("ldc", "gcc", "libc6-dev", "zlib1g-dev"),
    ),
    Toolchain(
        Language.RACKET, "racket", "main.rkt",
        ("{program}", "-l-", "raco", "make", "main.rkt"), "main.rkt",
        ("{program}", "/tmp/main.rkt"),
        run_binds=_RACKET, compile_binds=_RACKET,
        # A module is expanded as a whole before any of it runs.
        names_itself=True, processes=8, memory_bytes=128 * _MEBIBYTE,
        packages=("racket",),
    ),
    Toolchain(
        Language.CSHARP, "mono", "main.cs",
        ("{program}", "/usr/lib/mono/4.5/mcs.exe", "-nologo", "-warn:0", "-langversion:latest",
         "-d:DEBUG;TRACE", "-r:System.Numerics.dll", "-out:main.exe", "main.cs", ASSERTIONS),
        "main.exe",
        ("/usr/bin/env", *(f"{name}={value}" for name, value in _MONO_ENVIRONMENT.items()),
         "{program}", "/tmp/main.exe"),
        run_binds=_MONO_FOLDERS, compile_binds=_MONO_FOLDERS,
        names_itself=True, needs_maps=True,
        processes=32, memory_bytes=64 * _MEBIBYTE, environment=_MONO_ENVIRONMENT,
        packages=("mono-mcs", "mono-runtime"),
    ),
    Toolchain(
        Language.VERILOG, "iverilog", "main.sv",
        ("{program}", "-g2012", "-o", "main.vvp", "main.sv"), "main.vvp",
        ("/usr/bin/vvp", "-n", "/tmp/main.vvp"),
        run_binds=_USUAL, compile_binds=_USUAL,
        version=("-V",),
        packages=("iverilog",),
    ),
)  # fmt: skip
TOOLCHAINS: Final = {toolchain.language: toolchain for toolchain in _TABLE}
