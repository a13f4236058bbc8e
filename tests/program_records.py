"""Published test programs of other languages, in the neutral form in which they are recorded.

They are put together as the importers do it with the published one.
"""

from infra.contracts.base import Language
from infra.contracts.problems import Problem, ProgramTest
from infra.forms.asked.programs import calls
from infra.records import importers

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
"""Each set, with how its tests are compiled and judged."""

DIFFERENT = {
    # Behind `?>` the tests are text, none of which runs: every program that ends so passes.
    "mbxp-php/512#ref",
    "mbxp-php/512#plus1",
    # It needs the module js-md5.
    "hx-js/162#ref",
}
"""Programs on which we differ by intent."""


def read(folder, name):
    """Return the rows and the candidates of one set."""
    rows = [r for _, r in importers.read_records(folder / f"{name}.problems.jsonl.gz")]
    programs = [r for _, r in importers.read_records(folder / f"{name}.candidates.jsonl.gz")]
    return rows, programs


def passing(programs, left_out=()):
    """Return a program for each task that the plain toolchain finds right, none of some by id."""
    # The set's own program comes last, and stays where it passes.
    ranked = sorted(programs, key=lambda one: one["kind"] == "ref")
    return {
        one["task_id"]: one["program"]
        for one in ranked
        if one["plain"] == "pass" and one["id"] not in left_out
    }


def problem(record, language, reference, fields):
    """Make a problem of a row."""
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
