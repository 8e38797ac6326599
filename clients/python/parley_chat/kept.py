"""Messages that are kept: pinned in a room, or saved by the person."""

import uuid
from dataclasses import dataclass
from datetime import datetime

from .fields import Fields
from .frames import message_in, user_in
from .http import quote, steadily
from .models import Message, Page, User
from .session import Session


@dataclass(frozen=True, slots=True)
class Pinned:
    """A message that is pinned in its room."""

    message: Message
    at: datetime
    by: User
    version: int
    """The version of the notice."""


@dataclass(frozen=True, slots=True)
class Saved:
    """A message that the person saved, without its reactions."""

    room: str
    message: Message
    saved_at: datetime


async def read_pins(session: Session, room: str, after: str | None) -> Page[Pinned]:
    """Reads a page of the pinned messages of a room. See `Room.pins`."""
    response = await session.request("GET", f"rooms/{quote(room)}/pins/", query={"before": after})
    return Page(tuple(_pinned_in(Fields(item)) for item in response.body), response.cursor("before"))


async def set_pin(session: Session, room: str, id: int, on: bool) -> None:
    """Pins a message or unpins it, until the outcome is known."""
    path, query = f"rooms/{quote(room)}/pins/{id}/", {"clientId": str(uuid.uuid4())}
    await steadily(lambda: session.request("PUT" if on else "DELETE", path, query=query))


async def read_saved(session: Session, after: str | None, limit: int) -> Page[Saved]:
    """Reads a page of what the person saved. See `Chat.saved`."""
    response = await session.request("GET", "saved/", query={"before": after, "limit": limit})
    return Page(tuple(_saved_in(Fields(item)) for item in response.body), response.cursor("before"))


async def set_saved(session: Session, room: str, id: int, on: bool) -> None:
    """Saves a message or takes it out, until the outcome is known."""
    path = f"rooms/{quote(room)}/messages/{id}/saved/"
    await steadily(lambda: session.request("PUT" if on else "DELETE", path))


def _pinned_in(fields: Fields) -> Pinned:
    pinned = Fields(fields.object("pinned"))
    by = user_in(Fields(pinned.object("by")))
    return Pinned(message_in(fields), pinned.time("at"), by, pinned.whole("version"))


def _saved_in(fields: Fields) -> Saved:
    return Saved(fields.text("room"), message_in(fields), fields.time("savedAt"))
