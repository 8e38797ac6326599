"""Searching for messages."""

from dataclasses import dataclass

from .fields import Fields
from .frames import message_in
from .models import Message
from .session import Session


@dataclass(frozen=True, slots=True)
class Found:
    """A message that was found."""

    room: str
    message: Message
    highlights: tuple[tuple[int, int], ...]
    """The parts of the content that were searched for, in order: `content[start:end]`."""


@dataclass(frozen=True, slots=True)
class FoundPage:
    """A page of what was found, newest first. It may be empty although another one follows."""

    items: tuple[Found, ...]
    next: str | None
    """The cursor of the next page, for `after`. None on the last page."""
    partial: bool
    """The server did not look at everything: it took too long, or the newest messages cannot be searched yet."""


async def search(
    session: Session, query: str, *, room: str | None = None, after: str | None = None, limit: int = 20
) -> FoundPage:
    """Reads a page of what a query finds. See `Chat.search`."""
    asked = {"q": query, "room": room, "before": after, "limit": limit}
    response = await session.request("GET", "search/", query=asked)
    body = Fields(response.body)
    return FoundPage(body.each("messages", _found_in), response.cursor("before"), body.flag("partial"))


def _found_in(fields: Fields) -> Found:
    highlights = tuple((int(start), int(end)) for start, end in fields.json.get("highlights") or [])
    return Found(fields.text("room"), message_in(fields), highlights)
