"""Runs a study of quantization: every variant of a model on the same problems, and noise."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from infra import errors
from infra.contracts.base import Contract
from infra.contracts.prompting import PAPER, PromptForm
from infra.local import process
from sampler.quantization.variants import FULL, VARIANTS
from services.evaluation import benchmarks
from services.evaluation.benchmarks import Benchmark
from services.evaluation.folder import Folder, read_json, read_lines, write_json, write_lines
from services.evaluation.plan import GREEDY, BenchmarkPlan, Name, Sampling
from services.evaluation.programs import labelling, sampling
from services.evaluation.quantization.numbers import Labels, row_of, speeds
from services.evaluation.quantization.reading import STUDIES, STUDY, processor
from services.evaluation.trained import NOTHING_KNOWN

Tell = Callable[[str], None]
_MEASURED: Final = "measured.json"
"""What the last step of a variant writes."""
_TIMES: Final = "times.json"
"""What the clock writes, of all variants together."""


class Wanted(Contract):
    """What is to be studied, and how."""

    name: Name
    """What the model is called in the folder."""
    model: str
    """Hugging Face causal model, by name or path."""
    benchmark: Name
    problems: Path
    variants: tuple[str, ...]
    calibration: Path | None = None
    """Problems that GPTQ is calibrated on; not those of the benchmark."""
    noise: int = 5
    """Seeds of noise for each variant."""
    max_tokens: int = 512
    form: PromptForm = PAPER
    python: str = sys.executable
    """Of an environment that has the libraries."""
    threads: int = 0
    slots: int | None = None


class Study:
    """One model on one benchmark, in the folder of an evaluation; goes on if it was cut."""

    def __init__(self, wanted: Wanted, out: Path, tell: Tell) -> None:
        """Read the benchmark.

        Raises:
            errors.InvalidInput: a variant is not known, or the problems cannot be used.
        """
        for name in wanted.variants:
            if name not in VARIANTS:
                raise errors.InvalidInput(f"no variant {name!r}; there are {', '.join(VARIANTS)}")
        self._wanted = wanted
        self._tell = tell
        self._out = Folder(out)
        self._folder = out / STUDIES / wanted.name / wanted.benchmark
        plan = BenchmarkPlan(problems=wanted.problems)
        self._benchmark: Benchmark = benchmarks.opened(wanted.benchmark, plan)
        raw = self._benchmark.stop if wanted.form.style == "raw" else ()
        self._how = Sampling(max_tokens=wanted.max_tokens, form=wanted.form, stop=raw)
        self._digest = sampling.model_digest(wanted.model)

    def run(self) -> dict[str, Any]:
        """Make, measure and judge every variant; return and write what was found.

        Raises:
            errors.SuiteError: a process failed, programs could not be labelled, or the folder is
                of something else.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        self._out.write_items(self._benchmark.name, self._benchmark.items)
        asked = self._folder / "problems.jsonl"
        write_lines(asked, (one.model_dump(mode="json") for one in self._benchmark.problems))
        missing = self._missing()
        names = [FULL, *(name for name in dict.fromkeys(self._wanted.variants) if name != FULL)]
        for name in names:
            if name in missing:
                self._tell(f"{name} is not measured: {missing[name]}")
        made = [name for name in names if name not in missing]
        labels = {name: self._variant(name, asked) for name in made}
        times = self._times(made, asked)
        fast, margins = speeds(times["turns"], FULL), self._margins()
        rows = []
        for name in made:
            noise = [] if name == FULL else self._noise(name, asked)
            given = (self._folder / name, labels[FULL], labels[name], noise, margins, fast[name])
            rows.append(row_of(name, *given))
        study = {
            "model": self._wanted.model,
            "name": self._wanted.name,
            "model_sha256": self._digest,
            "benchmark": self._benchmark.name,
            "problems_sha256": self._benchmark.digest,
            "problems": [item.slug for item in self._benchmark.items],
            "calibration": str(self._wanted.calibration or ""),
            "processor": processor(),
            "processors": times["processors"],
            "turns": len({one["turn"] for one in times["turns"]}),
            "batch": times["turns"][0]["batch"],
            "new_tokens": times["turns"][0]["new_tokens"],
            "load": [one["load"] for one in times["turns"]],
            "rows": rows,
            "not_measured": {name: missing[name] for name in names if name in missing},
        }
        write_json(self._folder / STUDY, study)
        return study

    def _margins(self) -> dict[str, list[float]]:
        rows = read_lines(self._folder / FULL / "decisions.jsonl")
        return {row["task_id"]: [one["margin"] for one in row["decisions"]] for row in rows}

    def _missing(self) -> dict[str, str]:
        """Return the variants that cannot be made here, and what it takes."""
        command = [self._wanted.python, "-m", "sampler.quantization.variants"]
        status, told = process.run(command, env=_environment(), log=subprocess.PIPE)
        if status:
            raise errors.Unavailable(f"{self._wanted.python}: {told.decode('utf-8', 'replace')}")
        missing: dict[str, str] = json.loads(told.splitlines()[-1])
        if self._wanted.calibration is None:
            for name, one in VARIANTS.items():
                if one.needs_calibration:
                    missing.setdefault(name, "needs problems to calibrate on: --calibration FILE")
        return missing

    def _variant(self, name: str, asked: Path) -> Labels:
        """Make and measure one, and judge what it writes."""
        folder = self._folder / name
        cell = self._out.cell(f"{self._wanted.name}@{name}", self._benchmark.name, GREEDY.name)
        cell.begin(
            {
                "model": f"{self._wanted.model} as {name}",
                "model_sha256": self._digest,
                "problems_sha256": self._benchmark.digest,
                "sampling": self._how.model_dump(mode="json"),
            },
            GREEDY,
        )
        write_json(cell.folder.parents[1] / "model.json", NOTHING_KNOWN.as_dict())
        if not (folder / _MEASURED).exists() or not cell.candidates.exists():
            self._tell(f"{name}: quantizing")
            self._step("make", name, *self._given("--calibration", self._wanted.calibration))
            self._tell(f"{name}: measuring")
            decisions = self._folder / FULL / "decisions.jsonl"
            more = ["--decisions", str(decisions), "--problems", str(asked)]
            self._step("measure", name, *more, "--out", str(cell.candidates))
        if not cell.is_complete:
            self._tell(f"{name}: running its programs")
            self._judge(cell.candidates, cell.labels)
        return Labels.read(cell.candidates, cell.labels)

    def _times(self, names: Sequence[str], asked: Path) -> dict[str, Any]:
        """Take the time of all in turns; once more, if one was not there before."""
        path = self._folder / _TIMES
        if path.exists():
            found: dict[str, Any] = read_json(path)
            if {one["variant"] for one in found["turns"]} >= set(names):
                return found
        self._tell("taking times, in turns")
        more = ["--variants", ",".join(names), "--problems", str(asked), "--out", str(path)]
        self._step("clock", None, *more)
        timed: dict[str, Any] = read_json(path)
        return timed

    def _noise(self, name: str, asked: Path) -> list[Labels]:
        off = read_json(self._folder / name / "off.json")
        if not any(one["error"] for one in off.values()):
            return []  # It moves nothing: its noise would be none.
        folder = self._folder / name / "noise"
        folder.mkdir(exist_ok=True)
        seeds = range(self._wanted.noise)
        if not all((folder / f"{seed}.jsonl").exists() for seed in seeds):
            self._tell(f"{name}: noise of its size")
            more = ["--problems", str(asked), "--seeds", str(self._wanted.noise)]
            self._step("noise", name, *more, "--out", str(folder))
        found = []
        for seed in seeds:
            labels = folder / f"{seed}.labels.jsonl"
            if not labels.exists():
                self._judge(folder / f"{seed}.jsonl", labels)
            found.append(Labels.read(folder / f"{seed}.jsonl", labels))
        return found

    def _judge(self, candidates: Path, labels: Path) -> None:
        rows = read_lines(candidates)
        labelling.judge(self._benchmark.problems, rows, labels, self._wanted.slots)

    def _step(self, step: str, variant: str | None, *more: str) -> None:
        """Run one step in a process of its own, of one variant or of all.

        What it prints goes to standard error.
        """
        command = [self._wanted.python, "-m", "sampler.quantization", step]
        command += ["--model", self._wanted.model, *more]
        if variant is None:
            command += ["--folder", str(self._folder)]
        else:
            command += ["--variant", variant, "--folder", str(self._folder / variant)]
        command += ["--max-tokens", str(self._how.max_tokens)]
        command += ["--prompt-form", self._how.form.model_dump_json()]
        command += [f"--stop={text}" for text in self._how.stop]
        command += ["--threads", str(self._wanted.threads)]
        status, _ = process.run(command, env=_environment(), log=sys.stderr.fileno())
        if status:
            of = variant or "all variants"
            raise errors.Unavailable(f"`sampler.quantization {step}` of {of} failed: {status}")

    @staticmethod
    def _given(option: str, value: Path | None) -> Sequence[str]:
        return [] if value is None else [option, str(value)]


def _environment() -> dict[str, str]:
    # Kernels of one library would be compiled for minutes, and those of the others are not.
    return {**os.environ, "TORCHDYNAMO_DISABLE": "1"}
