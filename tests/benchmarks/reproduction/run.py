"""A student before and after RRTF, beside other ways to train it: `make reproduce`.

Each stage writes a file below the working folder and is passed over where its file exists, so a
run that is stopped goes on where it was.
"""

import argparse
import json
import resource
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from infra import errors, importers, logs
from infra.record_files import BadLine
from services.evaluation import labelling, plan, sampling
from services.evaluation.benchmarks import read_problems
from services.evaluation.folder import read_lines
from services.evaluation.plan import Sampling
from services.evaluation.results import Evaluation, Found
from services.evaluation.running import Run
from services.exercises import files
from services.exercises.exercise import Split
from services.exercises.student import make_student
from tests.benchmarks.reproduction.groups import Labelled, labelled
from tests.benchmarks.reproduction.methods import RATES, Effort, Method, groups_of, train
from tests.benchmarks.reproduction.report import write_report

log = logs.get(__name__)

_MAX_TOKENS = 96
"""The longest right program has about half of that."""
_TUNING = 100
"""Problems of the training split that decide the learning rates, and train nothing."""


def cpu_seconds() -> float:
    """Return the CPU time of this process and of all that it has waited for."""
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


class Experiment:
    """One run of everything, below one folder."""

    def __init__(self, given: argparse.Namespace) -> None:
        self.given = given
        self.folder: Path = given.work

    def once(self, path: Path, make: Callable[[], Any]) -> Any:
        """Return what a file holds; make it first if there is none."""
        if not path.exists():
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
        """Write a seed's problems: those that train, and those that decide learning rates."""
        folder = self.folder / f"seed-{seed}"
        both = files.write_problems(folder, Split.TRAINING, seed, self.given.training + _TUNING)
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
            known = read_problems(trains)
            slugs = {problem.slug for problem in known}
            how = Sampling(
                samples=self.given.samples, temperature=1.0, max_tokens=_MAX_TOKENS, seed=seed
            )
            out = folder / "sampled.jsonl"
            sampling.sample(str(self.student(seed)), trains, out, how, threads=1)
            records = read_lines(out)
            for name in (files.TEACHERS, files.TEACHERS_STEPS):
                for _, record in importers.read_records(folder / name):
                    if not isinstance(record, BadLine) and record["task_id"] in slugs:
                        records.append(record | {"steps": name == files.TEACHERS_STEPS})
            labels = folder / "labels.jsonl"
            labelling.judge(known, records, labels)
            return [
                record
                | {"label": row["label"], "pass_fraction": row["passed"] / max(row["total"], 1)}
                for record, row in zip(records, read_lines(labels), strict=True)
            ]

        return list(self.once(folder / "collected.json", make))

    def trained(self, method: Method, seed: int, rate: float) -> Path:
        folder = self.folder / f"seed-{seed}" / method.name.lower() / f"{rate:g}"

        def make() -> str:
            shutil.rmtree(folder, ignore_errors=True)
            known = read_problems(self.problems(seed)[0])
            of: dict[str, list[Labelled]] = {problem.slug: [] for problem in known}
            for record in self.collect(seed):
                of[record["task_id"]].append(labelled(record))
            groups = groups_of(method, [(problem, of[problem.slug]) for problem in known])
            effort = Effort(epochs=self.given.epochs, seed=seed)
            student = self.student(seed)
            return str(train(method, groups, student, folder, effort, rate, self.given.trl))

        return Path(self.once(folder / "done.json", make))

    def rate(self, method: Method) -> float:
        """Return the learning rate that does best on problems of the first seed kept for it."""
        seed = self.given.seeds[0]
        tried: dict[float, float] = {}
        for rate in RATES[method]:
            model = self.trained(method, seed, rate)
            tried[rate] = self.once(
                self.folder / "rates" / f"{method.name.lower()}-{rate:g}.json",
                lambda model=model: self.solved(model, self.problems(seed)[1]),
            )
        return max(tried, key=lambda rate: tried[rate])

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
        """Run all that is missing; write the report after every seed."""
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
            self.report(results)

    def report(self, results: dict[str, list[dict[str, Any]]]) -> None:
        stages = [json.loads(path.read_text()) for path in self.folder.rglob("*.json")]
        cpu = sum(s["cpu_seconds"] for s in stages if isinstance(s, dict) and "cpu_seconds" in s)
        rates = {method.value: self.rate(method) for method in Method}
        settings: dict[str, Any] = {"tuning": _TUNING, "rates": rates, "cpu_seconds": round(cpu)}
        settings |= {
            name: getattr(self.given, name)
            for name in ("seeds", "training", "held_out", "samples", "eval_samples", "epochs")
        }
        write_report(results, settings, self.given.out)


def main() -> int:
    """Run the experiment; return 1 when something is wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, default=Path("build/reproduction"))
    parser.add_argument("--out", type=Path, default=Path("infra/docs"))
    parser.add_argument("--trl", type=Path, required=True, help="a Python that has TRL")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--training", type=int, default=300, help="problems")
    parser.add_argument("--held-out", type=int, default=300, help="problems")
    parser.add_argument("--samples", type=int, default=8, help="of the student, for each problem")
    parser.add_argument("--eval-samples", type=int, default=20, help="for each held-out problem")
    parser.add_argument("--epochs", type=int, default=3)
    given = parser.parse_args()
    given.work = given.work.absolute()
    logs.configure("reproduce")
    try:
        Experiment(given).run()
    except errors.SuiteError as error:
        log.error("reproduce.stopped", code=error.code, reason=error.detail)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
