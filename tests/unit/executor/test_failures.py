from executor.worker.failures import told
from infra import errors
from infra.contracts.execution import MAX_DETAIL_CHARACTERS


def test_an_error_of_ours_says_what_it_is_and_others_are_named():
    assert told(errors.ImageMissing("build it")) == "build it [image_missing]"
    assert told(KeyError("x")) == "the executor failed: KeyError: 'x'"
    assert len(told(ValueError("x" * 9_000))) == MAX_DETAIL_CHARACTERS
