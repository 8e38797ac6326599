"""How long to wait before an attempt, and what to do after a close code."""

import random
from typing import Literal

from .errors import ChatError

BASE_MS = 500
CAP_MS = 30_000
NAMED_MAX_MS = 10 * 60_000
"""The longest wait that a server can ask for."""


def backoff(attempt: int) -> float:
    """Returns the wait before an attempt in milliseconds, with full jitter. `attempt` counts from 0."""
    return random.random() * min(CAP_MS, BASE_MS * 2.0 ** min(attempt, 16))


def pause_after(error: ChatError, attempt: int) -> float:
    """Returns the wait before a refused command is sent again: what the server asked for, and longer each time."""
    return max(error.retry_after_ms or 0, backoff(attempt))


def server_delay(value: object) -> float | None:
    """Returns a wait that the server asked for, at most 10 minutes, or None if it makes no sense."""
    if isinstance(value, (int, float)) and not isinstance(value, bool) and value > 0:
        return min(value, NAMED_MAX_MS)
    return None


def after_close(code: int) -> Literal["back", "renew", "stay"]:
    """Returns what to do after a close code: connect again, do so with another token, or stay away.

    Unknown codes go by their range.
    """
    if code in (4001, 4500):
        return "renew"
    return "stay" if code == 1000 or 4500 <= code < 5000 else "back"


def left_error(code: int) -> ChatError:
    """Returns the error of a room that is not to be joined again, by the code of its `left` frame."""
    if code == 4505:
        return ChatError("left", "You left this room.")
    if code == 4506:
        return ChatError("removed", "This room was deleted.")
    return ChatError("removed" if code == 4503 else "forbidden", "You were removed from this room.")
