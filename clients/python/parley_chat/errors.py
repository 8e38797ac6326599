"""The one exception of the client."""

from collections.abc import Mapping, Sequence


class ChatError(Exception):
    """Any failure of the client. `code` is stable, the text is for people.

    Codes are those of the protocol (docs/PROTOCOL.md), or one of the client's own: `signed_out`, `token_failed`,
    `unreachable`, `disconnected`, `bad_answer`, `outbox_full`, `stale_epoch`, `too_slow`, `removed`, `left`, `closed`.
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        retryable: bool = False,
        retry_after_ms: float | None = None,
        status: int | None = None,
        errors: Mapping[str, Sequence[str]] | None = None,
        claim: bool = False,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.retryable = retryable
        """Whether the same call may succeed later."""
        self.retry_after_ms = retry_after_ms
        """How long to wait before a retry, in milliseconds, if the server named a time."""
        self.status = status
        """The status of the HTTP response, if there was one."""
        self.errors = errors
        """What is wrong with each field of the request."""
        self.claim = claim
        """The token does not allow it. If rights have changed since, a newer one may."""

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"


def passing(code: str, message: str, *, retry_after_ms: float | None = None) -> ChatError:
    """Creates an error that is retryable."""
    return ChatError(code, message, retryable=True, retry_after_ms=retry_after_ms)


def unexpected(what: str = "Unexpected response.") -> ChatError:
    """Creates the error of a response that is not of the protocol."""
    return passing("bad_answer", what)


def disconnected() -> ChatError:
    """Creates the error of a command whose socket ended before its reply."""
    return passing("disconnected", "The connection was closed.")


def too_large() -> ChatError:
    """Creates the error of a frame that the server would not read."""
    return ChatError("too_large", "Too large for the server.")
