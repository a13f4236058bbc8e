"""SandboxFusion's released client calls this API: every function that it has, and what it tells."""

import asyncio
import base64
import os
from urllib.parse import urlsplit

import sandbox_fusion as fusion
from answers import GOOD
from sandbox_fusion import RunCodeRequest, RunStatus, SummaryMapping

api = urlsplit(os.environ["RRTF_CLIENT_URL"])
fusion.set_endpoint(f"http://any:{os.environ['RRTF_CLIENT_KEY']}@{api.netloc}/")
WORDS = SummaryMapping(
    Success="yes", Failed="no", CompileFailed="CE", RunFailed="RE", RunTimeout="TLE"
)
CONFIG = fusion.TestConfig()


def run(code, language="python", **fields):
    return fusion.run_code(RunCodeRequest(code=code, language=language, **fields), max_attempts=1)


def told(code, language="python", **fields):
    return fusion.summary_run_code_result(run(code, language, **fields), WORDS)


def out(*given, **fields):
    answered = run(*given, **fields)
    assert answered.status == RunStatus.Success, answered
    return answered.run_result.stdout


def files():
    given = {"a/b.txt": base64.b64encode(b"deep").decode(), "absent": None}
    code = "open('c.txt', 'w').write(open('a/b.txt').read() * 2)"
    found = run(code, files=given, fetch_files=["c.txt"]).files
    return base64.b64decode(found["c.txt"])


def later(asked):
    return asyncio.run(asked)


def listed(**fields):
    return request(fusion.GetPromptsRequest, **fields)


def request(kind, **fields):
    return kind(dataset="peer", config=CONFIG, **fields)


def submitted(completion):
    return request(fusion.SubmitRequest, id="add", completion=completion)


def prompts(found):
    return [(prompt.id, "add(a, b)" in prompt.prompt) for prompt in found]


BOTH = [("add", True), ("mul", False)]
CASES = {
    "run_code": (lambda: out("print(6 * 7)"), "42\n"),
    "stdin": (lambda: out("print(input()[::-1])", stdin="abc\n"), "cba\n"),
    "files": (files, b"deepdeep"),
    "cpp": (lambda: out("#include <iostream>\nint main() { std::cout << 42; }", "cpp"), "42"),
    "bash": (lambda: out("echo $((6 * 7))", "bash"), "42\n"),
    "pytest": (lambda: "1 passed" in out("def test_it():\n    assert True", "pytest"), True),
    "summary of success": (lambda: told("print(1)"), "yes"),
    "summary of an error": (lambda: told("1 / 0"), "RE"),
    "summary of a limit": (lambda: told("while True: pass", run_timeout=0.5), "TLE"),
    "summary of a compiler's error": (lambda: told("int main() {", "cpp"), "CE"),
    "run_concurrent": (
        lambda: fusion.run_concurrent(out, args=[[f"print({n})"] for n in range(8)]),
        [f"{n}\n" for n in range(8)],
    ),
    "run_concurrent_pure": (lambda: fusion.run_concurrent_pure([lambda: out("print(1)")]), ["1\n"]),
    "run_code_async": (
        lambda: later(
            fusion.run_code_async(RunCodeRequest(code="print(1)", language="python"))
        ).run_result.stdout,
        "1\n",
    ),
    "get_prompts": (
        lambda: prompts(fusion.get_prompts(listed())), BOTH,
    ),
    "get_prompts_async": (
        lambda: prompts(later(fusion.get_prompts_async(listed(limit=1)))),
        BOTH[:1],
    ),
    "get_prompt_by_id": (
        lambda: fusion.get_prompt_by_id(request(fusion.GetPromptByIdRequest, id="mul")).labels[
            "entry_point"
        ],
        "mul",
    ),
    "submit": (lambda: fusion.submit(submitted(GOOD)).accepted, True),
    "submit of a wrong one": (
        lambda: [test.passed for test in fusion.submit(submitted("add = max")).tests],
        [False, False],
    ),
    "submit_async": (lambda: later(fusion.submit_async(submitted(GOOD))).accepted, True),
    "submit_safe": (lambda: fusion.submit_safe(submitted("")).accepted, False),
    "run_jupyter": (
        lambda: fusion.run_jupyter(
            fusion.RunJupyterRequest(cells=["a = 1", "a"]), max_attempts=1
        ).cells[1].display,
        [{"text/plain": "1"}],
    ),
    "run_jupyter_async": (
        lambda: later(
            fusion.run_jupyter_async(fusion.RunJupyterRequest(cells=["a = 1"]), max_attempts=1)
        ).status,
        RunStatus.Success,
    ),
}  # fmt: skip


def answer(call):
    try:
        return call()
    except Exception as error:  # The client raises nothing narrower.
        return error


wrong = {name: found for name, (call, wanted) in CASES.items() if (found := answer(call)) != wanted}
print(f"{len(CASES) - len(wrong)} of {len(CASES)} calls; without {', '.join(wrong)}")
assert not wrong, wrong
