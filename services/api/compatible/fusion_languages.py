"""The languages of SandboxFusion: what it calls them, and what it makes of a program in one."""

import re
from typing import Literal

from infra.contracts.base import Language

LANGUAGES = {
    "python": Language.PYTHON,
    "pytest": Language.PYTHON,
    "cpp": Language.CPP,
    "nodejs": Language.JAVASCRIPT,
    "go": Language.GO,
    "go_test": Language.GO,
    "java": Language.JAVA,
    "junit": Language.JAVA,
    "jest": Language.TYPESCRIPT,
    "kotlin_script": Language.KOTLIN,
    "bash": Language.BASH,
    "rust": Language.RUST,
    "typescript": Language.TYPESCRIPT,
    "php": Language.PHP,
    "ruby": Language.RUBY,
    "perl": Language.PERL,
    "lua": Language.LUA,
    "R": Language.R,
    "scala": Language.SCALA,
    "D_ut": Language.D,
    "racket": Language.RACKET,
    "csharp": Language.CSHARP,
    "verilog": Language.VERILOG,
}
FusionLanguage = Literal[
    "python", "python2", "cpp", "nodejs", "go", "go_test", "java", "php", "csharp", "bash",
    "typescript", "sql", "rust", "cuda", "lua", "R", "perl", "D_ut", "ruby", "scala", "julia",
    "pytest", "junit", "kotlin_script", "jest", "verilog", "python_gpu", "lean", "swift", "racket",
    "gtest", "react",
]  # fmt: skip
"""What SandboxFusion and its released client name; what is not in `LANGUAGES` is not had here."""
TEST_CODE = frozenset({"pytest", "go_test", "junit", "jest", "kotlin_script", "D_ut"})
"""Test code, which its framework runs; Kotlin's scripts are another form of program as well."""
COMPILED = frozenset(
    {Language.C, Language.CPP, Language.CSHARP, Language.D, Language.GO, Language.HASKELL,
     Language.JAVA, Language.KOTLIN, Language.RUST, Language.SCALA, Language.VERILOG}
)  # fmt: skip
"""Languages whose compiler is a step of its own; others say that they do not parse when run."""
_CSHARP_HEAD = re.compile(r"(?:[ \t]*(?:#(?:define|undef)\b[^\n]*|//[^\n]*)?\n)*+")
"""What has to stand before all else."""
_CSHARP_USINGS = " ".join(
    f"using {name};" for name in (
        "System", "System.Collections.Generic", "System.IO", "System.Linq", "System.Threading",
        "System.Threading.Tasks",
    )
)  # fmt: skip


def completed(code: str, language: Language) -> str:
    """Have a program of PHP be one, and no text, and give one in C# .NET's usual namespaces.

    SandboxFusion does the one; a project of .NET, which it makes for a program, the other.
    """
    if language is Language.PHP and "<?php" not in code:
        return f"<?php\n{code}"
    if language is not Language.CSHARP:
        return code
    head = _CSHARP_HEAD.match(code)
    begin = head.end() if head else 0
    return f"{code[:begin]}{_CSHARP_USINGS} {code[begin:]}"
