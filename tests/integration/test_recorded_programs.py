"""Published test programs of other languages: we say of a candidate what the plain toolchain says.

They are put together from their neutral form as the importers do it with the published one.
"""

import pytest

from executor import label
from executor.installed import look_up
from infra.contracts.base import Label, Language
from infra.contracts.problems import Problem, ProgramTest
from infra.forms.asked.programs import calls
from infra.records import importers
from tests.samples import sampled, spread

LANGUAGES = {
    "js": Language.JAVASCRIPT,
    "ts": Language.TYPESCRIPT,
    **{language.value: language for language in Language},
}
SETS = {
    "humanevalx_cpp": {"options": ("-std=c++11",)},
    "humanevalx_go": {},
    "humanevalx_java": {},
    "humanevalx_js": {"silent": True},
    "humanevalx_rust": {},
    "mbxp_cpp": {"options": ("-std=gnu++17",)},
    "mbxp_go": {},
    "mbxp_java": {},
    "mbxp_js": {},
    "mbxp_perl": {},
    "mbxp_php": {},
    "mbxp_ruby": {},
    "mbxp_ts": {"options": ("--target", "es5", "--lib", "es2016")},
}
DIFFERENT = {
    # Behind `?>` the tests are text, none of which runs: every program that ends so passes.
    "mbxp-php/512#ref",
    "mbxp-php/512#plus1",
    # It needs the module js-md5.
    "hx-js/162#ref",
}
"""Programs on which we differ by intent."""


def _problem(record, language, reference, fields):
    before = record.get("files", {}).get("test_setup.go.part", "")
    asked = () if reference is None else calls(record["test"], language, record["entry_point"])
    return Problem(
        slug=record["task_id"],
        prompt=record["prompt"],
        language=language,
        entry_point=record["entry_point"],
        tests=(ProgramTest(source=record["test"], before=before, calls=asked, **fields),),
        reference_program=reference,
    )


@pytest.mark.data
@pytest.mark.parametrize("number", [1, pytest.param(None, marks=pytest.mark.thorough)])
@pytest.mark.parametrize("name", sampled(SETS, 3))
def test_test_programs_are_judged_as_by_the_plain_toolchain(data_dir, name, number):
    folder = data_dir / "suites_languages"
    rows = [r for _, r in importers.read_records(folder / f"{name}.problems.jsonl.gz")]
    programs = [r for _, r in importers.read_records(folder / f"{name}.candidates.jsonl.gz")]
    language = LANGUAGES[rows[0]["language"]]
    if look_up(language).path is None:
        pytest.skip(f"{language} is not installed here")
    # The set's own program comes last, and stays where it passes.
    ranked = sorted(programs, key=lambda one: one["kind"] == "ref")
    passing = {one["task_id"]: one["program"] for one in ranked if one["plain"] == "pass"}
    kept = {row["task_id"] for row in spread(rows, number or len(rows))}
    problems = [
        _problem(row, language, passing.get(row["task_id"]), SETS[name])
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
