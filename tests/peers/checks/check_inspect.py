"""inspect_ai evaluates the stored problems with a model of its own that says what it is told."""

import math
import tempfile

from answers import GOOD
from inspect_ai import eval as evaluate
from inspect_ai.model import ModelOutput, ModelUsage, get_model
from late import be_late

from services.adapters.for_inspect import stored_problems


def scores(scale):
    answers = [ModelOutput.from_content("mockllm/model", GOOD) for _ in range(2)]
    for answer in answers:
        # Otherwise tokens are counted, by a table that has to be downloaded.
        answer.usage = ModelUsage(input_tokens=1, output_tokens=1, total_tokens=2)
    (log,) = evaluate(
        stored_problems(prefix="peer/", scale=scale),
        model=get_model("mockllm/model", custom_outputs=answers),
        display="none",
        log_dir=tempfile.mkdtemp(),
    )
    assert log.status == "success", log.error.message
    return {sample.id: sample.scores["executed"] for sample in log.samples}


found = scores("graded")
assert {name: score.value for name, score in found.items()} == {"peer/add": 1.0, "peer/mul": 0.05}
assert found["peer/mul"].metadata["label"] == "runtime_error"
be_late()
assert all(math.isnan(score.value) for score in scores("binary").values())
print("task over stored problems, scorer; late answers unscored")
