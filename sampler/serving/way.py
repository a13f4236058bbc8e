"""What every way of bringing weights to a server can do, and how it fails."""

from typing import Protocol

from infra import errors
from sampler.backends import SamplesExhausted
from sampler.servers.replies import Reply
from sampler.serving.versions import Version


class OtherWeights(errors.Unavailable):
    """A completion may have been written by other weights than it was asked of."""

    code = "other_weights"


class CannotBring(SamplesExhausted):
    """The server cannot be brought to a version, however often it is tried."""

    code = "cannot_bring_weights"


class Way(Protocol):
    """How one server is brought to versions of a policy."""

    one_at_a_time: bool
    """Whether a version takes the place of the one before: then all are asked of the newest."""

    async def look(self, version: Version) -> str | None:
        """Return the mark by which the server is seen to have the version, or None.

        Raises:
            ServerAway: it does not answer.
        """

    def name_of(self, version: Version, mark: str) -> str:
        """Return what a request calls the version."""

    async def bring(self, version: Version) -> str:
        """Bring the version to the server; return its mark once it is there.

        Raises:
            ServerAway: it does not answer.
            NotLoaded: it does not load it.
            CannotBring: it never will.
        """

    async def vouch(self, version: Version, mark: str, reply: Reply) -> None:
        """Return if a reply was surely written by the version that had the mark before.

        Raises:
            OtherWeights: it may not have been.
            SamplesExhausted: it was not, and no other will be.
            ServerAway: the server does not say.
        """
