"""Published test programs of other languages: we judge a candidate as the plain toolchain does."""

import pytest

from executor import label
from executor.installed import look_up
from infra.contracts.base import Label
from tests.program_records import DIFFERENT, LANGUAGES, SETS, passing, problem, read
from tests.samples import sampled, spread


@pytest.mark.slow
@pytest.mark.data
@pytest.mark.parametrize("number", [1, pytest.param(None, marks=pytest.mark.thorough)])
@pytest.mark.parametrize("name", sampled(SETS, 3))
def test_test_programs_are_judged_as_by_the_plain_toolchain(data_dir, name, number):
    folder = data_dir / "suites_languages"
    rows, programs = read(folder, name)
    language = LANGUAGES[rows[0]["language"]]
    if look_up(language).path is None:
        pytest.skip(f"{language} is not installed here")
    right = passing(programs)
    kept = {row["task_id"] for row in spread(rows, number or len(rows))}
    problems = [
        problem(row, language, right.get(row["task_id"]), SETS[name])
        for row in rows
        if row["task_id"] in kept
    ]
    chosen = [one for one in programs if one["task_id"] in kept]
    assert chosen
    different = set()
    for done in label(problems, chosen):
        plain, found = done.record["plain"], done.verdict.label if done.verdict else None
        wanted = plain == "pass", plain == "compile_error"
        if (found is Label.ALL_PASS, found is Label.COMPILE_ERROR) != wanted:
            different.add(done.record["id"])

    assert different == DIFFERENT & {one["id"] for one in chosen}
