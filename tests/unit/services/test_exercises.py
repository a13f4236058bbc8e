"""Exercises: the same for a seed, apart between splits, and judged by tests that tell."""

import json
import random

import pytest

from infra.contracts.problems import Problem
from sampler.evolution.steps import says_steps
from services.exercises import files
from services.exercises.exercise import Split, draw, draw_from, operations
from services.exercises.inputs import arguments
from services.exercises.making import answers, corpus, problems, teacher_programs
from services.exercises.writing import CROWD, TEACHERS, program, right_program, wrong_programs


@pytest.fixture(scope="module")
def made():
    return list(problems(Split.TRAINING, seed=0, count=150))


def passes(problem: Problem, source: str) -> bool:
    try:
        got = answers(source, problem.entry_point, [test.args[0] for test in problem.tests])
    except SyntaxError:
        return False
    return all(
        not answer.error and answer.value == test.expected
        for answer, test in zip(got, problem.tests, strict=True)
    )


def test_a_seed_decides_problems_teachers_and_corpus(made):
    again = list(problems(Split.TRAINING, seed=0, count=20))
    other = list(problems(Split.TRAINING, seed=1, count=20))

    assert [problem for _, problem in again] == [problem for _, problem in made[:20]]
    assert [problem for _, problem in other] != [problem for _, problem in again]
    assert teacher_programs(*made[0][:1], "a", 0) == teacher_programs(*made[0][:1], "a", 0)
    assert list(corpus(0, 50)) == list(corpus(0, 50)) != list(corpus(1, 50))


def test_steps_that_are_said_change_nothing_but_comments(made):
    said = 0
    for exercise, problem in made:
        plain, told = (
            [one.program for one in teacher_programs(exercise, problem.slug, 0, steps=steps)]
            for steps in (False, True)
        )
        for text, program_with_steps in zip(plain, told, strict=True):
            lines = program_with_steps.splitlines(keepends=True)
            assert "".join(line for line in lines if not line.startswith("    # ")) == text
            said += says_steps(program_with_steps, exercise.name)
            assert not says_steps(text, exercise.name)
    assert said == 2 * len(made)


def test_there_are_many_thousands():
    rng = random.Random(0)

    assert len({draw(rng).key for _ in range(12_000)}) > 9_000


@pytest.mark.slow
def test_no_split_asks_what_another_asks():
    rng = random.Random(0)
    drawn = {split: [draw_from(split, rng) for _ in range(4_000)] for split in Split}

    for what in (lambda e: e.key, lambda e: e.prompt, right_program):
        seen = {split: {what(exercise) for exercise in found} for split, found in drawn.items()}
        assert not seen[Split.HELD_OUT] & seen[Split.TRAINING]
        assert not seen[Split.HELD_OUT] & seen[Split.CORPUS]
        assert not seen[Split.TRAINING] & seen[Split.CORPUS]


def test_the_corpus_has_nothing_of_the_other_splits(made):
    held_out = {problem.prompt for _, problem in problems(Split.HELD_OUT, 0, 150)}
    training = {problem.prompt for _, problem in made}
    prompts = {prompt for prompt, _ in corpus(0, 5_000)}

    assert not prompts & (held_out | training)
    assert not held_out & training


def test_reference_programs_pass_and_so_does_every_other_right_way(made):
    rng = random.Random(1)
    for exercise, problem in made:
        ways = [rng.choice(step.operation.right) for step in exercise.steps]
        assert passes(problem, problem.reference_program)
        assert passes(problem, program(exercise, ways))


def test_programs_that_differ_on_new_arguments_fail_a_test(made):
    rng = random.Random(2)
    differing = missed = 0
    for exercise, problem in made:
        tried = arguments(exercise, rng, 200)
        expected = answers(problem.reference_program, exercise.name, tried)
        for wrong in wrong_programs(exercise):
            if answers(wrong, exercise.name, tried) != expected:
                differing += 1
                missed += passes(problem, wrong)

    assert differing > 500
    assert missed / differing < 0.02


def test_no_constant_passes_and_the_empty_argument_is_always_tried(made):
    for exercise, problem in made:
        assert len({json.dumps(test.expected) for test in problem.tests}) >= 4
        assert problem.tests[0].args[0] in ([], "")
        assert not passes(problem, f"def {exercise.name}(value):\n    return None\n")


def test_two_programs_of_three_in_the_corpus_are_wrong():
    rng = random.Random(3)
    right = sum(
        passes(problem, source)
        for exercise, problem in problems(Split.CORPUS, 0, 200)
        for source in [CROWD.write(exercise, rng) for _ in range(3)]
    )

    assert 0.25 < right / 600 < 0.4


def test_teachers_are_mostly_right_and_some_of_their_programs_pass_only_in_part(made):
    for number, _ in enumerate(TEACHERS):
        verdicts = [
            passes(problem, teacher_programs(exercise, problem.slug, 0)[number].program)
            for exercise, problem in made
        ]
        assert 0.6 < sum(verdicts) / len(verdicts) < 0.85


def test_every_operation_can_be_done_right_and_is_drawn():
    rng = random.Random(4)
    drawn = {step.operation.name for _ in range(6_000) for step in draw(rng).steps}

    assert {operation.name for operation in operations()} == drawn
    for operation in operations():
        assert sum(way.share for way in (*operation.right, *operation.wrong)) == pytest.approx(1)
        assert all(way.share > 0 for way in operation.right)


def test_files_hold_what_the_commands_read(tmp_path):
    path = files.write_problems(tmp_path, Split.TRAINING, 0, 10)
    files.write_corpus(tmp_path, 0, 20)
    first = (tmp_path / files.CORPUS).read_bytes()
    files.write_corpus(tmp_path, 0, 20)

    read = [Problem.model_validate_json(line) for line in path.read_text().splitlines()]
    teachers = [json.loads(line) for line in (tmp_path / files.TEACHERS).read_text().splitlines()]
    assert read == [problem for _, problem in problems(Split.TRAINING, 0, 10)]
    assert {item["task_id"] for item in teachers} == {problem.slug for problem in read}
    assert first == (tmp_path / files.CORPUS).read_bytes()
