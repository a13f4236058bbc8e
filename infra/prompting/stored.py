"""The prompt form beside a model's weights: what a trained model is to be shown."""

from pathlib import Path

from pydantic import ValidationError

from infra import errors
from infra.contracts.prompting import PromptForm

FILE = "prompt_form.json"
"""File of a checkpoint that holds its prompt form."""


def write_form(folder: Path, form: PromptForm) -> None:
    """Record the form that a model has learnt."""
    (folder / FILE).write_text(form.model_dump_json() + "\n", encoding="utf-8")


def form_of(source: str, otherwise: PromptForm) -> PromptForm:
    """Return the form that a model's folder records, or another where it records none.

    Raises:
        errors.ConfigurationError: what it records is no form.
    """
    path = Path(source) / FILE
    if not path.is_file():
        return otherwise
    try:
        return PromptForm.model_validate_json(path.read_text(encoding="utf-8"))
    except (OSError, ValidationError) as error:
        raise errors.ConfigurationError(f"{path} holds no prompt form") from error
