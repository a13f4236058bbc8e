"""Arguments to test an exercise with: ordinary ones, edges, and values next to its parameters."""

import random

from services.exercises.exercise import Exercise
from services.exercises.operations import Kind

# fmt: off
_WORDS = (
    "apple", "banana", "Cherry", "dates", "Egg", "fig", "Grape", "level", "noon", "Anna",
    "civic", "dance", "table", "ROBOT", "pear", "plum", "orange", "lemon", "Under", "over",
    "inner", "outer", "stone", "river", "cloud", "Night", "light", "sugar", "Mango", "tiger",
    "a", "I", "ox", "be", "it", "Otto", "radar", "Hello", "world", "umbrella", "Octopus",
    "idea", "eel", "ring", "asks", "runs",
)
# fmt: on
_LONGEST = 9


def arguments(exercise: Exercise, rng: random.Random, count: int) -> list[object]:
    """Return arguments for an exercise; the empty one comes first."""
    hints = [value for step in exercise.steps for value in step.parameters]
    make = {Kind.NUMBERS: _numbers, Kind.WORDS: _words, Kind.TEXT: _text}[exercise.takes]
    empty: object = "" if exercise.takes is Kind.TEXT else []
    return [empty, *(make(hints, rng) for _ in range(count - 1))]


def _numbers(hints: list[int | str], rng: random.Random) -> list[int]:
    near = [value + step for value in hints if isinstance(value, int) for step in (-1, 0, 1)]
    found: list[int] = []
    for _ in range(rng.choice((1, 2, 3, 5, 6, 7, 8, _LONGEST))):
        match rng.randrange(5):
            case 0 if near:
                found.append(rng.choice(near))
            case 1 if found:
                found.append(rng.choice(found))
            case 2:
                found.append(rng.randint(-40, 99))
            case _:
                found.append(rng.randint(-12, 30))
    return found


def _words(hints: list[int | str], rng: random.Random) -> list[str]:
    letters = [value for value in hints if isinstance(value, str)]
    found: list[str] = []
    for _ in range(rng.choice((1, 2, 3, 5, 6, 7, 8, _LONGEST))):
        word = rng.choice(_WORDS)
        match rng.randrange(8):
            case 0 | 1 if letters:
                word = _with_letter(word, rng.choice(letters), rng)
            case 2 if found:
                word = rng.choice(found)
            case 3 if rng.random() < 0.5:
                word = ""
            case 4:
                word = word[: rng.randint(1, 8)] + rng.choice(_WORDS)[: rng.randint(0, 3)]
        found.append(word)
    return found


def _with_letter(word: str, letter: str, rng: random.Random) -> str:
    match rng.randrange(5):
        case 0:
            return letter + word
        case 1:
            return letter.upper() + word
        case 2:
            return word + letter
        case 3:
            return letter + word + letter + word[-1:]
        case _:
            return word[:2] + letter + word[2:]


def _text(hints: list[int | str], rng: random.Random) -> str:
    parts = _words(hints, rng)
    separators = [" ", " ", "  ", "\n", ",", ";", " \n"]
    separators += [value for value in hints if isinstance(value, str) and len(value) == 1] * 4
    text = "".join(part + rng.choice(separators) for part in parts)
    return text if rng.random() < 0.4 else text.strip()
