"""Messages that mention the person."""

from dataclasses import dataclass

from .fields import Fields
from .frames import message_in
from .models import Message, Page
from .session import Session


@dataclass(frozen=True, slots=True)
class Mention:
    """A message that mentions the person, by name or as one of everyone."""

    room: str
    title: str
    """The room's title. Empty if it has none."""
    unread: bool
    """Whether it is after the person's read mark."""
    message: Message


async def read_mentions(session: Session, after: str | None, limit: int) -> Page[Mention]:
    """Reads a page of what mentions the person. See `Chat.mentions`."""
    response = await session.request("GET", "mentions/", query={"before": after, "limit": limit})
    return Page(tuple(_mention_in(Fields(item)) for item in response.body), response.cursor("before"))


def _mention_in(fields: Fields) -> Mention:
    message = message_in(Fields(fields.object("message")))
    return Mention(fields.text("room"), fields.text("title"), fields.flag("unread"), message)
