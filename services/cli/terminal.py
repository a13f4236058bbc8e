"""What the commands share: the client they speak through, errors as one line, JSON on request."""

import contextlib
import errno
import functools
import json
import os
import traceback
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple, TypeVar

import typer
from pydantic import BaseModel, TypeAdapter, ValidationError

from infra import errors
from infra.contracts.candidates import PolicyName
from infra.contracts.prompting import PromptForm, parse_form
from infra.local.home import API_KEY, default_home
from infra.local.parts import parts_of, what_is_down
from infra.printable import one_entry, plain_json
from services.cli.interrupts import Interrupted, interruptible

if TYPE_CHECKING:
    from infra.db.unit_of_work import Database
    from services.client import Client

_MOST_LINES = 20
"""Most complaints that are printed one by one."""
MUTANTS = 20
"""Of one problem, where nothing else is said."""
AGAINST = "Benchmarks to keep out: FILE, NAME=FILE, or the name of a file in RRTF_DATA's folder."
EMBEDDINGS = "Folder of a model of embeddings, to compare what texts mean as well."
PAIRS = "Which candidates are paired; as the ranker is set, if not given."

Command = TypeVar("Command", bound=Callable[..., None])


def _form(given: str) -> PromptForm:
    try:
        return parse_form(given)
    except ValueError as error:
        reason = error.errors()[0]["msg"] if isinstance(error, ValidationError) else str(error)
        raise typer.BadParameter(f"no prompt form: {reason}") from None


FormName = Annotated[
    PromptForm | None,
    typer.Option(
        "--prompt-form",
        parser=_form,
        metavar="FORM",
        help="How problems are shown: raw, paper, instruct or thinking, or JSON with options.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def explains(command: Command) -> Command:
    """Print an error of the suite as one line and end with status 1; end when a signal asks."""

    @functools.wraps(command)
    def explained(*args: Any, **kwargs: Any) -> None:
        try:
            with interruptible():
                command(*args, **kwargs)
        except Interrupted as interrupted:
            say(f"rrtf: ended by {interrupted.signal.name}", err=True)
            raise typer.Exit(interrupted.status) from None
        except errors.SuiteError as error:
            say(f"rrtf: {error.detail} [{error.code}]", err=True)
            raise typer.Exit(1) from None
        except ModuleNotFoundError as error:
            # As in an image, which holds its own room with its packages and no other.
            detail = f"this command needs `{error.name}`, which is not installed here"
            say(f"rrtf: {detail} [{errors.ConfigurationError.code}]", err=True)
            raise typer.Exit(1) from None
        except (typer.Exit, typer.Abort, typer.BadParameter):
            raise
        except Exception as error:
            if isinstance(error, OSError) and error.errno == errno.EPIPE:
                raise  # Whoever read what we print has gone.
            if isinstance(error, OSError) and error.filename is not None:
                # A file that the user has named, or that lies in a directory of the user's.
                reason = f"{os.fsdecode(error.filename)}: {error.strerror}"
                say(f"rrtf: {reason} [{errors.ConfigurationError.code}]", err=True)
                raise typer.Exit(1) from error
            # Only commands that have opened the database have imported what it raises.
            if any(name.__module__ == "sqlalchemy.exc" for name in type(error).__mro__):
                first = str(error).splitlines()[0]
                say(f"rrtf: the database: {first} [{errors.Unavailable.code}]", err=True)
            else:
                # Python would print what the error says as it is, which may be a candidate's text.
                say(traceback.format_exc(), err=True)
            raise typer.Exit(1) from error

    return explained  # type: ignore[return-value] # functools.wraps keeps the signature typer reads


class Found(NamedTuple):
    """The API that a command speaks to, and from where that is known."""

    url: str
    key: str | None
    key_of: str
    """Where the key is from."""
    home: Path
    """Where a suite of this machine was looked for."""


def find_api() -> Found:
    """Find the API that the environment names, or else that of the data directory's suite."""
    from services.client.rrtf.connecting import address

    home = default_home()
    url, key = address()
    key_of = "RRTF_CLIENT_KEY" if os.environ.get("RRTF_CLIENT_KEY") else str(home / API_KEY)
    return Found(url, key, key_of, home)


@contextlib.contextmanager
def open_client() -> "Iterator[Client]":
    """Open a client of the API that `find_api` finds.

    Raises:
        errors.Unreachable: nobody listens there; the message says where a suite was looked for.
        errors.Unauthorized: it does not know the key.
    """
    from services.client import Client

    found = find_api()
    with Client(found.url, found.key, waits_for_server=False) as client:
        try:
            yield client
        except errors.Unreachable as error:
            raise errors.Unreachable(f"{error.detail}; {_seen_of(found.home)}") from error
        except errors.Unauthorized as error:
            if found.key:
                reason = f"does not accept the key of {found.key_of}"
            else:
                reason = f"wants a key: set RRTF_CLIENT_KEY; there is none in {found.key_of}"
            raise errors.Unauthorized(f"the API at {found.url} {reason}") from error


def _seen_of(home: Path) -> str:
    """Say what is known of the suite of a data directory, for who has found none that answers."""
    parts = parts_of(home)
    if parts is None:
        return (
            f"no suite runs in {home}: `rrtf up` starts one, RRTF_HOME names another directory,"
            " RRTF_CLIENT_URL a suite elsewhere"
        )
    return "; ".join(what_is_down(parts)) or f"a suite runs in {home}"


def open_database(home: Path | None = None) -> "Database":
    """Open the database of `DATABASE_URL`, or else of the suite that runs in a data directory.

    Raises:
        errors.Unavailable: no suite runs there.
    """
    from infra.db.unit_of_work import Database
    from infra.local.postgres import chosen_url

    return Database(chosen_url(home))


def left_out_note(count: int) -> str:
    """Say how many tests of a file's problems were left out, if any were."""
    return f"; tests left out, too long or too many: {count}" if count else ""


def say(text: object, err: bool = False) -> None:
    """Print one entry of what a command says, with nothing in it that acts on a terminal."""
    typer.echo(one_entry(str(text)), err=err)


def print_json(
    value: BaseModel | Sequence[BaseModel] | dict[str, Any], indent: int | None = 2
) -> None:
    """Print views, or plain data, as JSON: indented, or on one line."""
    if isinstance(value, BaseModel):
        plain: object = value.model_dump(mode="json")
    elif isinstance(value, dict):
        plain = value
    else:
        plain = [item.model_dump(mode="json") for item in value]
    typer.echo(plain_json(json.dumps(plain, indent=indent)))


def complain(complaints: Sequence[str]) -> None:
    """Print complaints on the error output and end with status 1, if there are any."""
    for complaint in complaints[:_MOST_LINES]:
        say(complaint, err=True)
    if len(complaints) > _MOST_LINES:
        say(f"and {len(complaints) - _MOST_LINES} more", err=True)
    if complaints:
        raise typer.Exit(1)


def checked_policy(name: str) -> str:
    """Return the name of a policy, or say what is wrong with it."""
    try:
        return TypeAdapter[str](PolicyName).validate_python(name)
    except ValidationError as error:
        raise typer.BadParameter(error.errors()[0]["msg"]) from None
