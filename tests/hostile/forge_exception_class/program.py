# Exceptions that lie about their class, their name, their text and their memory.
class Lie(MemoryError, AssertionError):
    __class__ = AssertionError
    __module__ = "builtins"
    outcome = "passed"
    from_candidate = False

    def __str__(self):
        raise SystemExit(0)


Lie.__name__ = "CandidateFailure"


def add(a, b):
    raise Lie("passed") if a != 3 else ZeroDivisionError
