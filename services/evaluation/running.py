"""Runs a plan: every model on every benchmark; what was done before is not done again."""

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

from infra import errors
from infra.contracts.prompting import PromptForm
from infra.contracts.views.api import CheckpointView
from infra.settings import load
from sampler.servers.endpoint_settings import EndpointSettings
from services.evaluation import benchmarks
from services.evaluation.benchmarks import Benchmark, Item
from services.evaluation.folder import (
    Cell,
    Folder,
    read_lines,
    rows_of,
    write_json,
    write_lines,
)
from services.evaluation.plan import ModelPlan, Plan, Sampling, Setting
from services.evaluation.programs import given, labelling, published, sampling
from services.evaluation.programs.policies import weights_of
from services.evaluation.trained import Trained, problems_met
from services.known import Known, known

Progress = Callable[[str, int, int], None]
"""Is told what is done now, how many steps are done, and of how many."""


@dataclass
class _Job:
    """A cell to be filled, and how."""

    cell: Cell
    setting: Setting
    asked: Mapping[str, Any]
    programs: int
    benchmark: Benchmark | None = None
    """None: it was judged elsewhere, and `rows` is what was found."""
    sample: Callable[[Path, Path, sampling.Told], None] | None = None
    """Samples a file of problems into another one; None: `rows` has the programs."""
    rows: Sequence[Mapping[str, Any]] = field(default_factory=tuple)

    @property
    def steps(self) -> int:
        return self.programs * (bool(self.sample) + bool(self.benchmark))


class Run:
    """One evaluation, in a folder that may have a part of it already."""

    def __init__(
        self,
        plan: Plan,
        root: Path,
        slots: int | None,
        threads: int,
        progress: Progress,
        checkpoints: Mapping[str, CheckpointView] = MappingProxyType({}),
    ) -> None:
        """Read all that is given.

        Args:
            plan: What to do.
            root: The folder.
            slots: Candidates executed at once.
            threads: Of torch; 0 leaves the choice to torch.
            progress: Is told how far it is.
            checkpoints: Of the models that are a policy's, by their names in the plan.

        Raises:
            errors.InvalidInput: a file cannot be used, or the folder is of something else.
        """
        self._plan = plan
        self.folder = Folder(root)
        self._slots = slots
        self._threads = threads
        self._progress = progress
        self._checkpoints = checkpoints
        self._benchmarks = {
            name: benchmarks.opened(name, one) for name, one in plan.benchmarks.items()
        }
        self._items: dict[str, Sequence[Item]] = {
            name: one.items for name, one in self._benchmarks.items()
        }
        self._jobs = [job for name, one in plan.models.items() for job in self._jobs_of(name, one)]
        self._done = 0

    def run(self) -> None:
        """Sample and label what is missing.

        Raises:
            errors.InvalidInput: the folder is of something else.
            errors.Unavailable: a model could not be sampled.
            errors.SandboxError: programs could not be labelled.
        """
        for name, items in self._items.items():
            self.folder.write_items(name, items)
        for job in self._jobs:
            job.cell.begin(job.asked, job.setting)
        for name, model in self._plan.models.items():
            path = self.folder.root / "models" / name / "model.json"
            met = problems_met(model.contamination) if model.contamination else None
            write_json(path, Trained(model.cutoff, met).as_dict())
        for job in self._jobs:
            if not job.cell.is_complete:
                self._fill(job)
            self._done += job.steps
        for name in self._benchmarks:
            # One that was killed behind its last sample has left them.
            self._asked_of(name).unlink(missing_ok=True)

    def _jobs_of(self, name: str, model: ModelPlan) -> Iterator[_Job]:
        if model.model is not None:
            asked: dict[str, Any] = {
                "model": model.model,
                "model_sha256": sampling.model_digest(model.model),
            }
            yield from self._jobs_of_local(name, model.model, model, asked)
        elif model.policy is not None:
            one = self._checkpoints[name]
            asked = {"policy": one.policy, "version": one.version, "weights_sha256": one.sha256}
            yield from self._jobs_of_local(name, str(weights_of(one)), model, asked)
        elif model.endpoint is not None:
            yield from self._jobs_of_endpoint(name, model.endpoint, model)
        elif model.candidates is not None:
            yield from self._jobs_of_file(name, model.candidates, model.only)
        elif model.verdicts is not None:
            yield from self._jobs_judged(name, model.verdicts)

    def _jobs_of_local(
        self, name: str, source: str, model: ModelPlan, asked: Mapping[str, Any]
    ) -> Iterator[_Job]:
        self._need_benchmarks(name)

        def sample(how: Sampling, problems: Path, out: Path, told: sampling.Told) -> None:
            sampling.sample(source, problems, out, how, self._threads, told)

        yield from self._jobs_sampled(name, asked, model.prompt_form, sample)

    def _jobs_of_endpoint(self, name: str, endpoint: str, model: ModelPlan) -> Iterator[_Job]:
        self._need_benchmarks(name)
        (server,) = load(EndpointSettings).named([endpoint])
        if model.prompt_form is not None:
            server = server.shown(model.prompt_form)
        if bool(server.policy) != (model.version is not None):
            raise errors.InvalidInput(
                f"{name}: give a `version` where the endpoint serves a policy, and only there"
            )
        asked = {"endpoint": endpoint, "version": model.version, **server.asking()}

        def sample(how: Sampling, problems: Path, out: Path, told: sampling.Told) -> None:
            sampling.ask(endpoint, model.version, problems, out, how, told)

        yield from self._jobs_sampled(name, asked, server.prompt_form, sample)

    def _jobs_sampled(
        self,
        name: str,
        asked: Mapping[str, Any],
        form: PromptForm | None,
        sample: Callable[[Sampling, Path, Path, sampling.Told], None],
    ) -> Iterator[_Job]:
        for benchmark in self._benchmarks.values():
            for how in self._plan.samplings(form or self._plan.prompt_form, benchmark.stop):
                yield _Job(
                    self.folder.cell(name, benchmark.name, how.folder),
                    how.setting,
                    {
                        **asked,
                        "problems_sha256": benchmark.digest,
                        "sampling": how.model_dump(mode="json"),
                    },
                    how.samples * len(benchmark.items),
                    benchmark,
                    partial(sample, how),
                )

    def _jobs_of_file(self, name: str, path: Path, only: str | None) -> Iterator[_Job]:
        self._need_benchmarks(name)
        found = given.read(path, only, list(self._benchmarks.values()))
        for (of, setting), records in found.items():
            benchmark = self._benchmarks[of]
            asked = {
                "candidates": path.name,
                "candidates_sha256": benchmarks.digest(records),
                "problems_sha256": benchmark.digest,
            }
            cell = self.folder.cell(name, of, setting.name)
            yield _Job(cell, setting, asked, len(records), benchmark, rows=records)

    def _jobs_judged(self, name: str, path: Path) -> Iterator[_Job]:
        for of, (items, rows) in published.read(path).items():
            listed = known().get(of, Known(source=""))
            items = [
                one.model_copy(update={"flaw": listed.flaws.get(one.slug, "")}) for one in items
            ]
            there = self._items.setdefault(of, items)
            if {one.slug for one in there} != {one.slug for one in items}:
                raise errors.InvalidInput(f"{path} has results for other problems than {of} has")
            asked = {"verdicts": path.name, "verdicts_sha256": benchmarks.digest(rows)}
            cell = self.folder.cell(name, of, Setting().name)
            yield _Job(cell, Setting(), asked, len(rows), rows=rows)

    def _need_benchmarks(self, name: str) -> None:
        if not self._benchmarks:
            raise errors.InvalidInput(f"{name} has to be asked problems; give some (--problems)")

    def _fill(self, job: _Job) -> None:
        if job.benchmark is None:
            write_lines(job.cell.labels, job.rows)
            return
        what = f"{job.cell.model} {job.cell.benchmark} {job.cell.folder.name}"
        done = 0
        if not job.cell.candidates.exists():
            self._write_candidates(job, job.benchmark, what)
        if job.sample:
            done = job.programs
        labelling.judge(
            job.benchmark.problems,
            read_lines(job.cell.candidates),
            job.cell.labels,
            self._slots,
            self._telling(f"{what}: labelling", done),
        )

    def _write_candidates(self, job: _Job, benchmark: Benchmark, what: str) -> None:
        if job.sample is None:
            write_lines(job.cell.candidates, job.rows)
            return
        sampled = job.cell.folder / "sampled.jsonl"
        if not sampled.exists():
            told = self._telling(f"{what}: sampling", 0)
            with self._problems_of(benchmark) as problems:
                job.sample(problems, sampled, told)
        # Without the tokens and their weights, which are much longer than the programs.
        write_lines(
            job.cell.candidates,
            ({key: one[key] for key in one if key != "sampled"} for one in rows_of(sampled)),
        )
        sampled.unlink()

    @contextlib.contextmanager
    def _problems_of(self, benchmark: Benchmark) -> Iterator[Path]:
        """Write the problems that are asked, which may be some of their file, for a while."""
        path = self._asked_of(benchmark.name)
        write_lines(path, (one.model_dump(mode="json") for one in benchmark.problems))
        try:
            yield path
        finally:
            path.unlink(missing_ok=True)

    def _asked_of(self, benchmark: str) -> Path:
        return self.folder.root / "benchmarks" / f"{benchmark}.asked.jsonl"

    def _telling(self, what: str, before: int) -> sampling.Told:
        total = sum(job.steps for job in self._jobs)
        return lambda done: self._progress(what, self._done + before + done, total)
