"""What a reader can do about each error, by its code; the page of errors is made of it."""

from collections.abc import Mapping
from typing import Final

REMEDIES: Final[Mapping[str, str]] = {
    "address_taken": "The message names the process. Stop it, or start with `--port`; a second"
    " suite needs a data directory of its own too (`--home`).",
    "attempt_superseded": "Nothing: another attempt answers in this one's place.",
    "budget_exceeded": "Raise the `budget` of the model server, or ask another one.",
    "call_failed": "Look at the model server: its answer is in the reason. Then"
    " `rrtf quarantine --kind sample_request --release`.",
    "cannot_bring_weights": "Let the server load checkpoints, or have the sampler load the model"
    " itself.",
    "configuration_error": "The message names the setting or the file; the reference lists all"
    " settings.",
    "conflict": "Give what is new a new name, or leave what is stored as it is.",
    "endpoint_refused": "Correct the entry of the model server: its key, model or address.",
    "forbidden": "Use a key with the scope: `rrtf keys create NAME --scope SCOPE`.",
    "idempotency_mismatch": "Use a new `Idempotency-Key` for each new request.",
    "image_missing": "`rrtf images build NAME` on each executor's machine; work waits for it.",
    "image_not_built": "Correct the requirements: each must be there as a wheel for this Python.",
    "internal_error": "Look into the log of the service that the message names, and report it.",
    "invalid_input": "The message names the field; the reference has each object's fields.",
    "lease_lost": "Let the trainer lease again; it does so by itself.",
    "not_found": "Look at the name: `rrtf show` takes a group's id or a problem's name; problems"
    " are imported before programs are submitted.",
    "not_in_time": "Ask again. If it stays so, add executors, or look at `rrtf status --slow`.",
    "other_weights": "Nothing: the sample is asked for again once the server has the checkpoint.",
    "payload_too_large": "Send less at once, or raise `RRTF_API_MAX_BODY_BYTES`.",
    "policy_busy": "Stop the other trainer of this policy, or train another policy.",
    "problem_unsound": "`rrtf check FILE` says what is wrong with the tests; mend them and import"
    " the problem under a new name.",
    "prompt_mismatch": "Sample and train with one prompt form and one tokenizer.",
    "queue_full": "Wait: clients of the suite do so by themselves. Add executors, or raise"
    " `RRTF_API_MAX_WAITING`.",
    "quota_exceeded": "Go on after midnight (UTC), or with a key of a larger quota:"
    " `rrtf keys create NAME --candidates-per-day N`.",
    "rate_limited": "Send less often, or raise `RRTF_API_MAX_RATE`.",
    "samples_exhausted": "The recorded completions are used up: ask for fewer, or record more.",
    "samples_missing": "Look at the reason of the request: the model server gave fewer samples.",
    "sandbox_error": "Look into the executor's log and run `rrtf doctor`; the work is tried again.",
    "sandbox_unsupported": "`rrtf doctor` says which control does not hold, and what to change.",
    "server_away": "Start the model server, or correct its address; the sampler tries again.",
    "suite_broken": "The tests are at fault, and no candidate is charged: `rrtf check FILE` names"
    " the test and the line.",
    "toolchain_missing": "`rrtf languages install NAME` on each executor's machine.",
    "toolchain_not_installed": "Run it as root on Debian or Ubuntu, or install the toolchain"
    " yourself.",
    "training_diverged": "Lower the learning rate; the last good checkpoint is kept.",
    "unauthorized": "Set `RRTF_CLIENT_KEY`, or run the command where the suite's data directory"
    " can be read.",
    "unavailable": "`rrtf status` says what is down; it is tried again by itself.",
    "unreachable": "Start the suite with `rrtf up`; where it runs already, name its data directory"
    " (`RRTF_HOME`) or its address (`RRTF_CLIENT_URL`).",
    "weights_not_loaded": "Look into the model server's log; the checkpoint may not fit it.",
}
