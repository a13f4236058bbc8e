"""Which languages the table of problems takes."""

from collections.abc import Iterable

from alembic import op


def allow(languages: Iterable[str]) -> None:
    """Let problems be in these languages and no others."""
    name = op.f("ck_problems_language")
    op.drop_constraint(name, "problems", type_="check")
    listed = ", ".join(f"'{language}'" for language in languages)
    op.create_check_constraint(name, "problems", f"language IN ({listed})")
