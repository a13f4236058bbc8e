"""Samples models in a process of the sampler's: one here, or a server by way of the ledger."""

import contextlib
import hashlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from infra import errors
from infra.local import process
from infra.local.postgres import chosen_url
from services.evaluation.plan import Sampling

_LOOK_SECONDS = 0.5
Told = Callable[[int], None]
"""Is told how many are done."""


def sample(
    model: str,
    problems: Path,
    out: Path,
    sampling: Sampling,
    threads: int = 0,
    told: Told = lambda done: None,
) -> None:
    """Sample a file of problems; what an interrupted run has written is kept.

    Args:
        model: Name or path.
        problems: The file.
        out: Where the completions shall be, one to a line.
        sampling: How.
        threads: Of torch; 0 leaves the choice to torch.
        told: Is told how many completions there are.

    Raises:
        errors.Unavailable: the sampler failed; it has said why on standard error.
    """
    command = [sys.executable, "-m", "sampler.generate", "--model", model]
    _run([*command, "--threads", str(threads)], problems, out, sampling, told)


def ask(
    endpoint: str,
    version: int | None,
    problems: Path,
    out: Path,
    sampling: Sampling,
    told: Told = lambda done: None,
) -> None:
    """Ask a model server a file of problems; what an interrupted run has paid for is kept.

    Args:
        endpoint: Its name in RRTF_SAMPLER_ENDPOINTS.
        version: Of the policy that it serves, if it does.
        problems: The file.
        out: Where the completions shall be, one to a line.
        sampling: How.
        told: Is told how many completions there are.

    Raises:
        errors.Unavailable: there is no database for the ledger, or the sampler failed; it has said
            why on standard error.
    """
    command = [sys.executable, "-m", "sampler.ask", "--endpoint", endpoint]
    command += [] if version is None else ["--version", str(version)]
    environment = os.environ | {"DATABASE_URL": chosen_url()}
    _run(command, problems, out, sampling, told, environment)


def _run(
    command: list[str],
    problems: Path,
    out: Path,
    sampling: Sampling,
    told: Told,
    environment: Mapping[str, str] = os.environ,
) -> None:
    command += ["--problems", str(problems), "--out", str(out)]
    for name in ("samples", "temperature", "top_p", "max_tokens", "seed"):
        command += [f"--{name.replace('_', '-')}", str(getattr(sampling, name))]
    command += ["--prompt-form", sampling.form.model_dump_json()]
    # With an equals sign, for a text may begin like an option.
    command += [f"--stop={text}" for text in sampling.stop]
    partial = out.with_name(out.name + ".partial")
    run(command, lambda: told(_lines(partial) - 1), environment)


def run(
    command: Sequence[str],
    look: Callable[[], None] = lambda: None,
    environment: Mapping[str, str] = os.environ,
) -> None:
    """Run a room's program to its end; it dies with us. `look` is called now and then.

    Raises:
        errors.Unavailable: it failed; it has said why on standard error.
    """
    child = process.spawn(command, env=environment)
    try:
        while True:
            with contextlib.suppress(subprocess.TimeoutExpired):
                status = child.wait(_LOOK_SECONDS)
                break
            look()
    except BaseException:
        process.signal_group(child, signal.SIGKILL)
        child.wait()
        raise
    if status:
        raise errors.Unavailable(f"`{' '.join(command[1:4])}` ended with status {status}")


def model_digest(model: str) -> str:
    """Return the SHA-256 of the files of a model; empty for one that is only a name."""
    folder = Path(model)
    if not folder.is_dir():
        return ""
    found = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            found.update(f"{path.relative_to(folder)}\0".encode())
            with path.open("rb") as file:
                found.update(hashlib.file_digest(file, "sha256").digest())
    return found.hexdigest()


def _lines(path: Path) -> int:
    with contextlib.suppress(FileNotFoundError), path.open("rb") as file:
        return sum(chunk.count(b"\n") for chunk in iter(lambda: file.read(2**20), b""))
    return 1
