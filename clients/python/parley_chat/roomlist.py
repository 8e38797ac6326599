"""Lists of rooms: pages over HTTP, and the person's own list, which stays up to date."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any, Literal, cast

from .connection import Connection
from .errors import ChatError
from .facts import role_in
from .fields import Fields
from .frames import Activity, Changed, RoomFrame, RoomsChanged, sender_in, user_in
from .gate import Gate
from .http import quote
from .models import LastMessage, Message, Notify, Page, RoomSummary
from .retry import pause_after
from .room import Room
from .session import Session

PAGE = 50
APART_S = 1.0
"""Time between two requests: a list costs the person's budget."""
FEW = 3
"""If more rooms than this are out of date, one page is read instead of each of them."""


async def list_rooms(
    session: Session,
    *,
    all: bool = False,
    like: str | None = None,
    order: Literal["name", "activity"] = "name",
    hidden: bool = False,
    after: str | None = None,
    limit: int = PAGE,
) -> Page[RoomSummary]:
    """Reads a page of rooms. See `Chat.list_rooms`."""
    cursor = "before" if order == "activity" else "after"
    query = {
        "limit": limit,
        "all": "" if all else None,
        "like": like,
        "order": order if order == "activity" else None,
        "hidden": "" if hidden else None,
        cursor: after,
    }
    response = await session.request("GET", "rooms/", query=query)
    return Page(tuple(summary_in(Fields(item)) for item in response.body), response.cursor(cursor))


def summary_in(f: Fields) -> RoomSummary:
    """Reads a room in a list of rooms."""
    last = f.maybe(f.object, "last")
    return RoomSummary(
        room=f.text("room"),
        kind=f.text("kind"),
        title=f.text("title"),
        topic=f.text("topic"),
        archived=f.flag("archived"),
        version=f.whole("version"),
        last=_last_in(Fields(last)) if last else None,
        online=f.whole("online"),
        role=role_in(f) if f.json.get("role") else None,
        joined_at=f.maybe(f.time, "joinedAt"),
        last_read=f.maybe(f.whole, "lastRead"),
        unread=f.whole("unread"),
        notify=cast(Notify | None, f.maybe(f.text, "notify")),
        hidden=f.flag("hidden"),
        pinned=f.flag("pinned"),
        people=f.each("people", user_in) if "people" in f.json else (),
    )


def _last_in(f: Fields) -> LastMessage:
    files = f.maybe(f.whole, "files") or 0
    return LastMessage(f.whole("id"), sender_in(f), f.text("content"), f.time("timestamp"), files)


class RoomList:
    """The person's rooms, for a sidebar. It stays up to date without joining them, on the same socket."""

    def __init__(
        self,
        session: Session,
        connection: Connection,
        room: Callable[[str], Room | None],
        problem: Callable[[ChatError], None],
    ) -> None:
        self._session = session
        self._connection = connection
        self._room = room
        self._problem = problem
        self._opened = False
        self._live = False
        self._items: dict[str, RoomSummary] = {}
        self._next: str | None = None
        self._stale: dict[str, None] = {}
        """Rooms whose line is out of date."""
        self._gate = Gate()
        self._task: asyncio.Task[None] | None = None

    @property
    def live(self) -> bool:
        """Whether the list was read on the current connection."""
        return self._live

    @property
    def items(self) -> list[RoomSummary]:
        """Pinned rooms first, then by the newest message, newest first. Hidden rooms are missing."""
        shown = [self._joined(item) for item in self._items.values() if not item.hidden]
        return sorted(shown, key=_activity, reverse=True)

    @property
    def more(self) -> bool:
        """Whether there are more, which `load_more()` loads."""
        return self._next is not None

    async def ready(self) -> None:
        """Waits until the list is live. Raises a `ChatError` if nobody is signed in."""
        while not self._live:
            if self._connection.final:
                raise self._connection.final
            await self._gate.wait()

    async def changes(self) -> AsyncIterator["RoomList"]:
        """Yields the list after each change. Changes in quick succession are one."""
        async for _ in self._gate.each():
            yield self

    async def load_more(self) -> None:
        """Loads the next 50 rooms into the list."""
        if self._next is not None:
            self._put(await self._page(self._next), more=True)

    async def hide(self, room: str, on: bool = True) -> None:
        """Hides a room until it has a newer message, or shows it again."""
        await self._prefer(room, {"hidden": on})

    async def pin(self, room: str, on: bool = True) -> None:
        """Keeps a room at the top, or no longer."""
        await self._prefer(room, {"pinned": on})

    async def notify(self, room: str, what: Notify | None) -> None:
        """Sets what the person wants to be notified about; None: what suits the kind of the room."""
        await self._prefer(room, {"notify": what})

    # What follows is for the chat.

    def _open(self) -> None:
        if not self._opened:
            self._opened = True
            self._connected()

    def _connected(self) -> None:
        if self._opened and self._connection.open:
            self._cancel()
            self._task = asyncio.create_task(self._follow())

    def _disconnected(self) -> None:
        self._cancel()
        self._live = False
        self._stale.clear()
        self._gate.open()

    def _drop(self) -> None:
        self._disconnected()
        self._items.clear()
        self._next = None

    def _cancel(self) -> None:
        if self._task:
            self._task.cancel()
            self._task = None

    def _take(self, frame: Activity | RoomsChanged) -> None:
        if isinstance(frame, RoomsChanged) and frame.change == "removed":
            self._stale.pop(frame.room, None)
            self._items.pop(frame.room, None)
            self._gate.open()
        else:
            self._mark(frame.room)

    def _event(self, frame: RoomFrame) -> None:
        """A room that the client has joined got an event."""
        item = self._items.get(frame.room)
        if isinstance(frame, Changed) and isinstance(frame.entry, Message):
            message = frame.entry
            if not item or (item.hidden and frame.change == "created"):
                if frame.change == "created":
                    self._mark(frame.room)
            elif not item.last or message.id >= item.last.id:
                last = LastMessage(message.id, message.user, message.content, message.timestamp, len(message.files))
                self._items[frame.room] = replace(item, version=message.version, last=last)
        if item:
            self._gate.open()

    def _mark(self, room: str) -> None:
        if self._opened:
            self._stale[room] = None
            self._gate.open()

    async def _follow(self) -> None:
        """Watches, reads the list, and then reads what is out of date, one request at a time."""
        await self._connection.request({"type": "watch", "on": True})
        failures = 0
        while True:
            room = next(iter(self._stale), None)
            if self._live and room is None:
                await self._gate.wait()
                continue
            try:
                await self._refresh(room)
                failures = 0
            except ChatError as error:
                self._problem(error)
                await asyncio.sleep(pause_after(error, failures) / 1000)
                failures += 1
                continue
            self._gate.open()
            if self._stale:
                await asyncio.sleep(APART_S)

    async def _refresh(self, room: str | None) -> None:
        if not self._live or room is None:
            self._items.clear()
            self._put(await self._page(None), more=True)
            self._live = True
        elif len(self._stale) > FEW:
            stale = set(self._stale)
            found = await self._page(None)
            self._put(found, more=False)
            # Rooms beyond the first page are read one by one, so that the list gets on.
            for name in stale - {item.room for item in found.items}:
                await self._read(name)
                await asyncio.sleep(APART_S)
        else:
            await self._read(room)

    async def _read(self, room: str) -> None:
        self._stale.pop(room, None)
        try:
            response = await self._session.request("GET", f"rooms/{quote(room)}/")
        except ChatError as error:
            if error.status not in (403, 404):
                self._stale[room] = None
                raise
            self._items.pop(room, None)
            return
        self._put(Page((summary_in(Fields(response.body)),), None), more=False)

    async def _page(self, after: str | None) -> Page[RoomSummary]:
        return await list_rooms(self._session, order="activity", after=after)

    def _put(self, page: Page[RoomSummary], *, more: bool) -> None:
        """Takes in lines. `more`: the page continues the list."""
        if more:
            self._next = page.next
        for item in page.items:
            self._stale.pop(item.room, None)
            if item.role is None:
                self._items.pop(item.room, None)
            else:
                self._items[item.room] = item
        self._gate.open()

    async def _prefer(self, room: str, settings: dict[str, Any]) -> None:
        await self._session.request("PUT", f"rooms/{quote(room)}/members/me/", body=settings)
        item = self._items.get(room)
        if not item:
            return self._mark(room)
        # Hiding a room unpins it, and pinning shows it again.
        if settings.get("hidden"):
            settings["pinned"] = False
        elif settings.get("pinned"):
            settings["hidden"] = False
        self._items[room] = replace(item, **settings)
        self._gate.open()

    def _joined(self, item: RoomSummary) -> RoomSummary:
        """Adds what the client knows better about rooms that it is in."""
        room = self._room(item.room)
        if not room or room.state not in ("live", "catching_up"):
            return item
        return replace(
            item,
            unread=room.unread,
            last_read=room.last_read,
            online=room.online,
            title=room.facts.title,
            topic=room.facts.topic,
            archived=room.facts.archived,
        )


def _activity(item: RoomSummary) -> tuple[bool, float, str]:
    time = item.last.timestamp if item.last else item.joined_at
    return (item.pinned, time.timestamp() if time else 0, item.room)
