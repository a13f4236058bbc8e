import pytest

from infra import errors, settings
from infra.db.unit_of_work import with_driver
from infra.queues.messaging import Queue, Task
from ranker.settings import RankerSettings


@pytest.fixture(autouse=True)
def clean(monkeypatch):
    import os

    for name in list(os.environ):
        if name.startswith("RRTF_"):
            monkeypatch.delenv(name)


def test_a_mistyped_variable_of_a_known_room_is_refused_by_name(monkeypatch):
    monkeypatch.setenv("RRTF_SWEEP_INTERVALL_SECONDS", "1")

    with pytest.raises(errors.ConfigurationError, match="RRTF_SWEEP_INTERVALL_SECONDS"):
        settings.reject_unknown()


def test_known_variables_and_those_of_others_are_accepted(monkeypatch):
    monkeypatch.setenv("RRTF_SWEEP_INTERVAL_SECONDS", "1")
    monkeypatch.setenv("PATH_OF_OTHERS", "1")

    settings.reject_unknown()

    assert settings.load(settings.SweepSettings).interval_seconds == 1


def test_a_value_out_of_range_names_the_field_and_not_the_value(monkeypatch):
    monkeypatch.setenv("RRTF_RANKER_TIE_BONUS", "0.7771")

    with pytest.raises(errors.ConfigurationError, match="tie_bonus") as raised:
        settings.load(RankerSettings)

    assert "0.7771" not in str(raised.value)


def test_the_rules_of_the_ranking_are_those_of_the_settings(monkeypatch):
    monkeypatch.setenv("RRTF_RANKER_PRESET", "coderl")
    monkeypatch.setenv("RRTF_RANKER_MIN_BEST", "all_pass")
    monkeypatch.setenv("RRTF_RANKER_ALL_PAIRS", "true")

    rules = settings.load(RankerSettings).rules()

    assert (rules.preset, rules.min_best, rules.all_pairs) == ("coderl", "all_pass", True)


def test_a_secret_does_not_show_itself(monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgresql://u:hidden@host/db")

    assert "hidden" not in repr(settings.load(settings.DatabaseSettings))


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_every_spelling_of_a_postgres_address_names_the_driver(scheme):
    assert with_driver(f"{scheme}://u@h/d") == "postgresql+psycopg://u@h/d"


def test_every_task_goes_to_the_queue_of_its_room():
    assert {task.queue for task in Task} == set(Queue)
    assert all(task.value.startswith(f"{task.queue.value}.") for task in Task)
