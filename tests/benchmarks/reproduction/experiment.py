"""The stages of the experiment, each made once, below one folder.

Each writes a file there and is passed over where its file exists, so a run that is stopped goes on
where it was; with a budget it stops by itself before a stage that it has no time for.
"""

import argparse
import json
import resource
import shutil
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from infra import errors
from infra.observability import logs
from infra.records import importers
from infra.records.importers import every_problem
from infra.records.record_files import BadLine
from services.evaluation import plan
from services.evaluation.folder import read_lines
from services.evaluation.plan import Sampling
from services.evaluation.programs import labelling, sampling
from services.evaluation.results import Evaluation, Found
from services.evaluation.running import Run
from services.exercises import files
from services.exercises.exercise import Split
from services.exercises.student import make_student
from tests.benchmarks.reproduction.groups import Labelled, labelled
from tests.benchmarks.reproduction.methods import (
    ONLINE,
    RATES,
    Effort,
    Method,
    groups_of,
    train,
)
from tests.benchmarks.reproduction.report import write_report

log = logs.get(__name__)

_MAX_TOKENS = 96
"""The longest right program has about half of that."""


def cpu_seconds() -> float:
    """Return the CPU time of this process and of all that it has waited for."""
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


class BudgetSpent(Exception):
    """The time given is over; what there is stays."""


class Experiment:
    """One run of everything, below one folder."""

    def __init__(self, given: argparse.Namespace) -> None:
        self.given = given
        self.folder: Path = given.work
        self.ends = time.monotonic() + 60 * given.budget

    def once(self, path: Path, make: Callable[[], Any]) -> Any:
        """Return what a file holds; make it first if there is none.

        Raises:
            BudgetSpent: there is none, and no time to make it.
        """
        if not path.exists():
            if time.monotonic() >= self.ends:
                raise BudgetSpent
            path.parent.mkdir(parents=True, exist_ok=True)
            before = cpu_seconds()
            result = make()
            record = {"result": result, "cpu_seconds": cpu_seconds() - before}
            partial = path.with_name(path.name + ".partial")
            partial.write_text(json.dumps(record))
            partial.replace(path)
            log.info("stage.done", stage=str(path.relative_to(self.folder)))
        return json.loads(path.read_text())["result"]

    def held_out(self) -> Path:
        return files.write_problems(self.folder, Split.HELD_OUT, 0, self.given.held_out)

    def problems(self, seed: int) -> tuple[Path, Path]:
        """Write a seed's problems: those that train, and those that only decide learning rates."""
        folder = self.folder / f"seed-{seed}"
        both = files.write_problems(
            folder, Split.TRAINING, seed, self.given.training + self.given.tuning
        )
        lines = both.read_text().splitlines(keepends=True)
        trains, tunes = folder / "trains.jsonl", folder / "tunes.jsonl"
        trains.write_text("".join(lines[: self.given.training]))
        tunes.write_text("".join(lines[self.given.training :]))
        return trains, tunes

    def student(self, seed: int) -> Path:
        folder = self.folder / f"seed-{seed}" / "made"
        made = self.once(folder / "done.json", lambda: str(make_student(folder, seed)))
        return Path(made)

    def collect(self, seed: int) -> list[dict[str, Any]]:
        """Sample the student, add the teachers, label all; one record for each program."""
        folder, (trains, _) = self.folder / f"seed-{seed}", self.problems(seed)

        def make() -> list[dict[str, Any]]:
            slugs = {problem.slug for problem in every_problem(trains)}
            teachers = [
                record | {"steps": name == files.TEACHERS_STEPS}
                for name in (files.TEACHERS, files.TEACHERS_STEPS)
                for _, record in importers.read_records(folder / name)
                if not isinstance(record, BadLine) and record["task_id"] in slugs
            ]
            return self.judged(
                trains, folder, self.samples(self.student(seed), folder, seed, 0), teachers
            )

        return list(self.once(folder / "collected.json", make))

    def samples(self, model: Path, folder: Path, seed: int, epoch: int) -> list[dict[str, Any]]:
        """Sample a model on a seed's problems, once for each epoch."""
        how = Sampling(
            samples=self.given.samples,
            temperature=1.0,
            max_tokens=_MAX_TOKENS,
            seed=1000 * epoch + seed,
        )
        folder.mkdir(parents=True, exist_ok=True)
        sampling.sample(
            str(model), self.problems(seed)[0], folder / "sampled.jsonl", how, threads=1
        )
        return read_lines(folder / "sampled.jsonl")

    @staticmethod
    def judged(problems: Path, folder: Path, *given: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Label records in the sandbox."""
        records = [record for some in given for record in some]
        labelling.judge(every_problem(problems), records, folder / "labels.jsonl")
        return [
            record | {"label": row["label"], "pass_fraction": row["passed"] / max(row["total"], 1)}
            for record, row in zip(records, read_lines(folder / "labels.jsonl"), strict=True)
        ]

    def trained(self, method: Method, seed: int, rate: float) -> Path:
        folder = self.folder / f"seed-{seed}" / method.name.lower() / f"{rate:g}"
        if method in ONLINE:
            return self.trained_online(method, seed, rate, folder)

        def make() -> str:
            shutil.rmtree(folder, ignore_errors=True)
            effort = self.effort(seed, self.given.epochs)
            return self.taught(method, seed, folder, rate, effort, self.collect(seed))

        return Path(self.once(folder / "done.json", make))

    def trained_online(self, method: Method, seed: int, rate: float, folder: Path) -> Path:
        """Train an epoch at a time, each on what the policy so far has sampled."""
        policy: Path | None = None
        for epoch in range(self.given.epochs):
            at = folder / f"epoch-{epoch}"

            def make(at: Path = at, policy: Path | None = policy, epoch: int = epoch) -> str:
                shutil.rmtree(at, ignore_errors=True)
                # The first samples are those that the other methods learn from as well.
                records = self.collect(seed)
                if policy:
                    fresh = self.samples(policy, at, seed, epoch)
                    records = self.judged(self.problems(seed)[0], at, fresh)
                return self.taught(method, seed, at, rate, self.effort(seed, 1, policy), records)

            policy = Path(self.once(at / "done.json", make))
        assert policy
        return policy

    def effort(self, seed: int, epochs: int, resume: Path | None = None) -> Effort:
        return Effort(epochs=epochs, problems=self.given.training, seed=seed, resume=resume)

    def taught(
        self,
        method: Method,
        seed: int,
        folder: Path,
        rate: float,
        effort: Effort,
        records: list[dict[str, Any]],
    ) -> str:
        """Train on records with labels; return where the weights are."""
        known = every_problem(self.problems(seed)[0])
        of: dict[str, list[Labelled]] = {problem.slug: [] for problem in known}
        for record in records:
            of[record["task_id"]].append(labelled(record))
        groups = groups_of(method, [(problem, of[problem.slug]) for problem in known])
        return str(train(method, groups, self.student(seed), folder, effort, rate))

    def rate(self, method: Method) -> float:
        """Return the learning rate that does best on problems of the first seed kept for it."""
        tried = self.tried(method)
        return max(tried, key=lambda rate: tried[rate])

    def tried(self, method: Method) -> Mapping[float, float]:
        """Return the share of those problems that each learning rate solves."""
        folder = self.folder / "rates"
        return {
            rate: self.once(
                folder / f"{method.name.lower()}-{rate:g}.json",
                lambda rate=rate: self.tuned(method, rate),
            )
            for rate in RATES
        }

    def tuned(self, method: Method, rate: float) -> float:
        """Train at a rate; return what it solves: nothing where the trainer has given up."""
        seed = self.given.seeds[0]
        try:
            model = self.trained(method, seed, rate)
        except errors.Unavailable as error:
            log.warning("rate.given_up", method=method, rate=rate, reason=error.detail)
            return 0.0
        return self.solved(model, self.problems(seed)[1])

    def solved(self, model: Path, problems: Path) -> float:
        """Return the share of problems that a model solves greedily."""
        (greedy,) = self.found(model, problems, model / "tuning", 0)
        return greedy.pass_at(1).mean

    @staticmethod
    def found(model: Path, problems: Path, folder: Path, samples: int) -> list[Found]:
        """Evaluate a model greedily, and with samples if there are to be some."""
        table = {
            "models": {"model": {"model": str(model)}},
            "benchmarks": {"exercises": {"problems": problems}},
            "samples": samples,
            "max_tokens": _MAX_TOKENS,
        }
        Run(plan.made(table), folder, None, 1, lambda *_: None).run()
        return Evaluation(folder).found

    def evaluated(self, name: str, seed: int, model: Path) -> dict[str, Any]:
        folder = self.folder / f"seed-{seed}" / "evaluated" / name

        def make() -> dict[str, Any]:
            samples = self.given.eval_samples
            greedy, sampled = self.found(model, self.held_out(), folder / "found", samples)
            return {
                "greedy": greedy.pass_at(1)._asdict(),
                "solved": [count.right > 0 for count in greedy.counts.values()],
                "samples": samples,
                "right": [count.right for count in sampled.counts.values()],
            }

        return dict(self.once(folder / "evaluation.json", make))

    def run(self) -> None:
        """Run all that is missing; write the report after every seed.

        Raises:
            BudgetSpent: there was no time for all.
        """
        results: dict[str, list[dict[str, Any]]] = {}
        self.held_out()
        for seed in self.given.seeds:
            results.setdefault("before", []).append(
                self.evaluated("before", seed, self.student(seed))
            )
            self.collect(seed)  # Before any stage that needs it, so that its time is its own.
            for method in Method:
                rate = self.rate(method)
                model = self.trained(method, seed, rate)
                found = self.evaluated(f"{method.name.lower()}-{rate:g}", seed, model)
                results.setdefault(method.value, []).append(found)
            self.report(results, self.given.seeds[: len(results["before"])])

    def report(self, results: dict[str, list[dict[str, Any]]], seeds: list[int]) -> None:
        stages = [json.loads(path.read_text()) for path in self.folder.rglob("*.json")]
        cpu = sum(s["cpu_seconds"] for s in stages if isinstance(s, dict) and "cpu_seconds" in s)
        rates = {method.value: self.rate(method) for method in Method}
        settings: dict[str, Any] = {"tuning": self.given.tuning, "rates": rates, "seeds": seeds}
        settings["cpu_seconds"] = round(cpu)
        settings |= {
            name: getattr(self.given, name)
            for name in ("training", "held_out", "samples", "eval_samples", "epochs")
        }
        write_report(results, settings, self.given.out)
