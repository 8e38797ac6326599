"""Reading JSON from outside: each field has the type that the protocol gives it, or the whole is refused."""

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, TypeVar

from .errors import ChatError, unexpected
from .retry import server_delay

T = TypeVar("T")

Json = Mapping[str, Any]


def parse(text: str | bytes) -> object:
    """Parses JSON. Returns None if it is none."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


class Fields:
    """The fields of a JSON object. Every method raises `bad_answer` if a field is not what it should be."""

    def __init__(self, value: object) -> None:
        if not isinstance(value, dict):
            raise unexpected("An object is missing.")
        self.json: dict[str, Any] = value

    def _get(self, name: str, kind: type[T]) -> T:
        value = self.json.get(name)
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise unexpected(f"{name} is missing or not valid.")
        return value

    def text(self, name: str) -> str:
        return self._get(name, str)

    def whole(self, name: str) -> int:
        """Returns an integer from 0 on."""
        value = self._get(name, int)
        if value < 0:
            raise unexpected(f"{name} is negative.")
        return value

    def number(self, name: str) -> float:
        value = self.json.get(name)
        if not isinstance(value, (int, float)) or isinstance(value, bool):
            raise unexpected(f"{name} is missing or not a number.")
        return value

    def flag(self, name: str) -> bool:
        return self._get(name, bool)

    def time(self, name: str) -> datetime:
        try:
            return datetime.fromisoformat(self.text(name))
        except ValueError:
            raise unexpected(f"{name} is not a time.") from None

    def object(self, name: str) -> dict[str, Any]:
        return self._get(name, dict)

    def each(self, name: str, make: Callable[["Fields"], T]) -> tuple[T, ...]:
        """Returns a list of objects."""
        return tuple(make(Fields(item)) for item in self._get(name, list))

    def texts(self, name: str) -> tuple[str, ...]:
        values = self._get(name, list)
        if not all(isinstance(value, str) for value in values):
            raise unexpected(f"{name} has something that is not a text.")
        return tuple(values)

    def maybe(self, read: Callable[[str], T], name: str) -> T | None:
        """Returns a field that may be missing: `fields.maybe(fields.text, "name")`."""
        return None if self.json.get(name) is None else read(name)


def error_in(json: Json, status: int | None = None) -> ChatError:
    """Returns the error in an error frame or, with a `status`, in a problem document (RFC 9457)."""
    texts = [json.get(name) for name in ("message", "detail", "title")]
    message = next((text for text in texts if isinstance(text, str)), "The server gave no reason.")
    code, errors = json.get("code"), json.get("errors")
    return ChatError(
        code if isinstance(code, str) else "bad_answer",
        message,
        retryable=json.get("retryable") is True,
        retry_after_ms=server_delay(json.get("retryAfterMs")),
        status=status,
        errors=errors if isinstance(errors, dict) else None,
        claim=json.get("claim") is True,
    )
