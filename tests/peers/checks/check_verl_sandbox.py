"""verl's own scores over our sandbox, beside those of our reward function; and its own tests."""

import os
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

from verl.utils.reward_score import default_compute_score
from verl_scores import CASES, SAME

from services.reward import compute_score

TESTS = Path(os.environ["VERL"]) / "tests/utils/reward_score/reward_score"
FILE = "test_sandbox_fusion_on_cpu.py"
UNTRIED = "test_integration_concurrency_all_timeout"
"""It has a hundred programs use up ten seconds of a processor each, and all of them at once."""
SOURCES = ("codecontests", "apps", "codeforces", "taco")

api = urlsplit(os.environ["RRTF_CLIENT_URL"])
url = f"http://any:{os.environ['RRTF_CLIENT_KEY']}@{api.netloc}/run_code"


def score(place):
    completion, truth, wanted, ours = list(CASES.values())[place]
    found = default_compute_score(
        SOURCES[place % len(SOURCES)], completion, truth,
        sandbox_fusion_url=url, memory_limit_mb=1024,
    )  # fmt: skip
    own = compute_score("code", completion, truth, scale="fraction")["score"]
    return abs(found - wanted) < 1e-9, abs(own - (wanted if ours is SAME else ours)) < 1e-9


def own_tests():
    """Run verl's tests of its sandbox; return how many passed, and what did not."""
    report = Path("verl-tests.xml").resolve()
    subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={report}",
         "-k", f"not {UNTRIED}", FILE],
        cwd=TESTS, env=os.environ | {"SANDBOX_FUSION_URL": url}, stdout=sys.stderr,
    )  # fmt: skip
    cases = list(ElementTree.parse(report).iter("testcase"))
    failed = [case.get("name") for case in cases if len(case.findall("*")) > 0]
    return len(cases) - len(failed), [*failed, UNTRIED]


with ThreadPoolExecutor(4) as pool:
    found = list(pool.map(score, range(len(CASES))))
wrong = [name for name, (theirs, _) in zip(CASES, found, strict=True) if not theirs]
own_wrong = [name for name, (_, own) in zip(CASES, found, strict=True) if not own]
passed, missing = own_tests()
print(
    f"compute_score: {len(CASES) - len(wrong)} of {len(CASES)} over /run_code"
    f", {len(CASES) - len(own_wrong)} by our reward; its own tests: {passed} of"
    f" {passed + len(missing)}"
)
assert not wrong, wrong
assert not own_wrong, own_wrong
assert missing == [UNTRIED], missing
