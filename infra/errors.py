"""The root of every error the suite raises; the docstring of a class is its message to the user."""

from typing import ClassVar


class SuiteError(Exception):
    """Something in the suite failed."""

    code: ClassVar[str] = "internal_error"
    """Stable identifier a client may match on."""
    status: ClassVar[int] = 500
    """HTTP status the API answers with when the error reaches its edge."""

    def __init__(self, detail: str | None = None) -> None:
        self.detail = detail or (self.__doc__ or "").strip()
        super().__init__(self.detail)


class InvalidInput(SuiteError):
    """The request is well-formed but cannot be accepted as it is."""

    code = "invalid_input"
    status = 422


class ProblemUnsound(InvalidInput):
    """The problem's tests were checked, and no candidate would be judged rightly by them."""

    code = "problem_unsound"


class NotFound(SuiteError):
    """Nothing with that identifier exists."""

    code = "not_found"
    status = 404


class Conflict(SuiteError):
    """The request contradicts what is already stored."""

    code = "conflict"
    status = 409


class IdempotencyMismatch(Conflict):
    """The `Idempotency-Key` was used for another request; use a new one for each request."""

    code = "idempotency_mismatch"


class LeaseLost(Conflict):
    """The lease expired or was taken over; lease again and discard the work."""

    code = "lease_lost"


class PolicyBusy(Conflict):
    """Another trainer holds batches of this policy; one policy has one trainer at a time."""

    code = "policy_busy"


class PromptMismatch(Conflict):
    """The candidate was sampled from another prompt than the one that is learnt."""

    code = "prompt_mismatch"


class Unauthorized(SuiteError):
    """Send the API key as `Authorization: Bearer KEY`."""

    code = "unauthorized"
    status = 401


class Forbidden(SuiteError):
    """The API key lacks the scope that this request needs."""

    code = "forbidden"
    status = 403


class QueueFull(SuiteError):
    """As many candidates wait as this server accepts; submit again later."""

    code = "queue_full"
    status = 429

    def __init__(self, detail: str | None = None, retry_after: int = 5) -> None:
        super().__init__(detail)
        self.retry_after = retry_after
        """Seconds until there may be room."""


class RateLimited(QueueFull):
    """This API key sends more requests than it may; send again later."""

    code = "rate_limited"


class QuotaExceeded(QueueFull):
    """This API key has brought as many candidates today as it may; go on after midnight (UTC)."""

    code = "quota_exceeded"


class PayloadTooLarge(SuiteError):
    """The request body is larger than this server accepts."""

    code = "payload_too_large"
    status = 413


class NotInTime(SuiteError):
    """No executor had finished this when the wait was over; ask again."""

    code = "not_in_time"
    status = 504


class Unavailable(SuiteError):
    """A service this request needs is not reachable; try again."""

    code = "unavailable"
    status = 503


class Unreachable(Unavailable):
    """Nobody listens at the address; start the server, or name another address."""

    code = "unreachable"


class ConfigurationError(SuiteError):
    """A setting is missing or wrong; the process cannot start."""

    code = "configuration_error"


class AddressTaken(ConfigurationError):
    """Another process listens where this one should; stop it, or choose another port."""

    code = "address_taken"


class SandboxError(SuiteError):
    """The sandbox itself failed; nothing is known about the candidate."""

    code = "sandbox_error"


class SandboxUnsupported(SandboxError):
    """This machine cannot enforce the sandbox; the executor refuses to start."""

    code = "sandbox_unsupported"


class ImageMissing(SandboxError):
    """This executor lacks the packages that the problem names; build their image."""

    code = "image_missing"


class ToolchainMissing(SandboxError):
    """This executor lacks the toolchain of the problem's language; install it."""

    code = "toolchain_missing"


class ToolchainNotInstalled(SuiteError):
    """The toolchain of a language could not be installed."""

    code = "toolchain_not_installed"


class ImageNotBuilt(SuiteError):
    """The packages of an image cannot be had as their requirements say."""

    code = "image_not_built"


class TrainingDiverged(SuiteError):
    """A training run has diverged; the last good checkpoint is kept."""

    code = "training_diverged"
