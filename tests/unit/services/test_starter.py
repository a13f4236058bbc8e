"""The starter problems keep what they promise."""

from collections import Counter

from infra.contracts.base import Author, Label
from services.starter import load


def test_there_are_at_least_sixty_of_all_three_kinds():
    problems = load.problems()
    kinds = Counter(test.kind for problem in problems for test in problem.tests[:1])

    assert len(problems) >= 60
    assert len({problem.slug for problem in problems}) == len(problems)
    assert len({problem.prompt for problem in problems}) == len(problems)
    assert all(kinds[kind] >= 10 for kind in ("call", "stdio", "assert"))


def test_each_has_a_teacher_and_four_students_of_different_labels():
    by_slug = {problem.slug: [] for problem in load.problems()}
    for candidate in load.candidates():
        by_slug[candidate.task_id].append(candidate)

    for slug, candidates in by_slug.items():
        students = [item for item in candidates if item.author is Author.STUDENT]
        assert len(candidates) - len(students) >= 1, slug
        assert len(students) >= 4, slug
        assert len({item.expected_label for item in students}) >= 3, slug


def test_every_label_occurs_for_students_and_some_teachers_fail():
    students = Counter(
        item.expected_label for item in load.candidates() if item.author is Author.STUDENT
    )
    teachers = Counter(
        item.expected_label for item in load.candidates() if item.author is Author.TEACHER
    )

    assert all(students[label] >= 50 for label in Label)
    assert teachers[Label.PARTIAL_PASS] >= 1
