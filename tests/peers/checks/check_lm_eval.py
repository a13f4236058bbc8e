"""lm-evaluation-harness runs the task `rrtf` with a model that says the same to every prompt."""

from importlib.resources import files

import lm_eval
from answers import GOOD
from late import be_late
from lm_eval.api.model import LM
from lm_eval.tasks import TaskManager

from infra import errors


class Same(LM):
    def generate_until(self, requests, **_):
        return [GOOD for _ in requests]

    def loglikelihood(self, requests, **_):
        raise NotImplementedError

    loglikelihood_rolling = loglikelihood


def run():
    metadata = {"prefix": "peer/"}
    folder = str(files("services.adapters") / "lm_eval_tasks")
    manager = TaskManager(include_path=folder, metadata=metadata)
    done = lm_eval.simple_evaluate(
        model=Same(), tasks=["rrtf"], task_manager=manager, metadata=metadata, bootstrap_iters=0
    )
    return done["results"]["rrtf"]


found = run()
assert found["executed,none"] == 0.5, found
assert found["pass_fraction,none"] == 0.5, found
be_late()
try:
    run()
except errors.NotInTime:
    print("task over stored problems, metric; late answers are no number")
