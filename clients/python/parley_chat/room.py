"""One room, as programs use it."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any
from weakref import WeakSet

from .body import Progress, Source
from .connection import Connection
from .content import Content
from .errors import ChatError
from .facts import Facts, role_in
from .feed import Feed, RoomStateName
from .fields import Fields
from .files import Attachment, Files
from .frames import Changed, RoomFrame, entries_in, user_in
from .gate import Gate
from .http import quote
from .kept import Pinned, read_pins, set_pin
from .models import Entry, FileUrls, HistoryPage, Member, Message, Page, UploadedFile
from .outbox import Outbox, Settled
from .roomchanges import Change, RoomChanges
from .session import Session
from .stream import Stream

TYPING_S = 2
"""The client sends at most one `typing` in this time."""

RoomEvent = RoomFrame | Settled


class Room(RoomChanges):
    """A room that the client follows. Get one with `chat.room(name)`.

    Changes are put into the outbox in the order of the calls, and are sent whether or not anybody awaits them.
    A `user` is a person's id, or `@` and their username.
    """

    def __init__(
        self,
        name: str,
        *,
        connection: Connection,
        outbox: Outbox,
        session: Session,
        files: Files,
        me: Callable[[], str | None],
        first: int,
        keep: int,
    ) -> None:
        self.name = name
        self._connection = connection
        self._outbox = outbox
        self._session = session
        self._files = files
        self._first = first
        self._opened = False
        self._gate = Gate()
        self._streams: WeakSet[Stream[RoomEvent]] = WeakSet()
        self._paging: asyncio.Task[None] | None = None
        self._typed_at = float("-inf")
        self._content = Content(keep, me, lambda: outbox.waiting(name), self._changed)
        self._copy = self._content.copy
        self._feed = Feed(
            name,
            connection,
            self._content,
            wanted=lambda: self._opened or bool(outbox.waiting(name)),
            entered=self._entered,
            refused=self._refused,
            event=self._event,
            changed=self._changed,
        )

    @property
    def state(self) -> RoomStateName:
        """Whether the room is followed, and up to date."""
        return self._feed.state

    @property
    def error(self) -> ChatError | None:
        """Why the person is not in the room, such as `forbidden`, `removed` or `left`."""
        return self._feed.error

    @property
    def entries(self) -> tuple[Entry, ...]:
        """The room's messages and notices without gaps, oldest first, each in its latest state.

        Deleted messages stay, with empty content.
        """
        return self._copy.entries

    @property
    def messages(self) -> tuple[Message, ...]:
        """The entries that are no notices."""
        return tuple(entry for entry in self._copy.entries if isinstance(entry, Message))

    @property
    def more(self) -> bool:
        """Whether there are older entries, which `older()` loads."""
        return self._copy.more

    @property
    def waiting(self) -> list[Mapping[str, Any]]:
        """Changes whose outcome is not known yet, in order, as the protocol writes them."""
        return self._outbox.waiting(self.name)

    @property
    def facts(self) -> Facts:
        """What the room is, and what this person is in it: `kind`, `title`, `role` and more."""
        return self._content.facts

    @property
    def online(self) -> int:
        """The number of people in the room."""
        return self._content.online

    @property
    def people(self) -> tuple[str, ...]:
        """The usernames of at most 100 of them."""
        return self._content.people

    @property
    def typing(self) -> tuple[str, ...]:
        """The usernames of other people who are typing."""
        return tuple(self._content.typing)

    @property
    def last_read(self) -> int:
        """The id up to which this person has read."""
        return self._content.last_read

    @property
    def unread(self) -> int:
        """Unread messages of other people. 100 means 100 or more."""
        return self._content.unread

    async def ready(self) -> None:
        """Waits until the room is live. Raises a `ChatError` if the person may not be in it, or nobody is signed in."""
        while self.state != "live":
            if error := self.error or self._connection.final:
                raise error
            await self._gate.wait()

    async def changes(self) -> AsyncIterator["Room"]:
        """Yields the room after each change of its state. Changes in quick succession are one."""
        async for _ in self._gate.each():
            yield self

    def __aiter__(self) -> AsyncIterator[Message]:
        """Iterates over messages as they are posted and changed, from now on. See `events`."""
        return _messages(self.events())

    def events(self) -> AsyncIterator[RoomEvent]:
        """Iterates over what happens in the room from now on, until `leave`.

        What was missed during a cut is included. Raises a `ChatError` if the room is refused, the connection ends for
        good, or more than 10,000 events wait (`too_slow`).
        """
        stream: Stream[RoomEvent] = Stream()
        self._streams.add(stream)
        if error := self.error or self._connection.final:
            stream.end(error)
        return stream.iterate()

    def read(self, id: int) -> Change:
        """Moves the read mark to this message. It does not move back."""
        if self._content.read(id):
            self._changed()
        return self._change("read", None, id=id)

    def mark_unread(self, id: int) -> Change:
        """Moves the read mark back: this message and those after it are unread again, on all devices of the person."""
        if self._content.back(id - 1):
            self._changed()
        return self._change("read", None, id=id, back=True)

    def show_typing(self) -> None:
        """Shows others that the person is typing. Call it with each key: it sends one frame every 2 seconds at most."""
        now = asyncio.get_running_loop().time()
        if self._feed.phase == "in" and now - self._typed_at >= TYPING_S:
            self._typed_at = now
            self._connection.ask({"type": "typing", "room": self.name}, lambda reply: None)

    async def members(self, *, q: str | None = None, after: str | None = None, limit: int = 50) -> Page[Member]:
        """Reads a page of the members. `q` finds usernames and names that begin like this. `limit` is up to 200."""
        path = f"rooms/{quote(self.name)}/members/"
        response = await self._session.request("GET", path, query={"q": q, "after": after, "limit": limit})
        return Page(tuple(_member_in(Fields(item)) for item in response.body), response.cursor("after"))

    async def pins(self, *, after: str | None = None) -> Page[Pinned]:
        """Reads a page of the pinned messages, the latest pin first."""
        return await read_pins(self._session, self.name, after)

    async def pin(self, id: int) -> None:
        """Pins a message. Raises `ChatError`, for example with the code `too_many_pins`."""
        await set_pin(self._session, self.name, id, True)

    async def unpin(self, id: int) -> None:
        """Unpins a message. Nothing happens if it is not pinned."""
        await set_pin(self._session, self.name, id, False)

    async def upload(
        self,
        file: Source,
        *,
        name: str | None = None,
        client_id: str | None = None,
        progress: Progress | None = None,
    ) -> UploadedFile:
        """Uploads bytes or the file at a path, so that it can be sent here with `send`, once and within a day.

        Repeated under the same `client_id` until its outcome is known. A file that is too large for the server is
        refused before it is sent (`file_too_large`). `progress` is called with the bytes that have left, and all bytes.
        """
        one = Attachment(file, name)
        return await self._files.upload(self.name, one, client_id=client_id, progress=progress)

    async def files(self, ids: Sequence[str], *, fresh: bool = False) -> dict[str, FileUrls]:
        """Returns addresses from which files can be loaded, by their ids, without those that the person may not see.

        An address is given out for 4 minutes and works for at least one more. `fresh` asks the server in any case.
        """
        return await self._files.urls(self.name, ids, fresh)

    async def history(
        self,
        *,
        before: int | None = None,
        after: int | None = None,
        limit: int = 100,
        notices: bool = False,
        thread: int | None = None,
    ) -> HistoryPage:
        """Reads a page of the history without changing the list: the newest, or next to a message id.

        At most one of `before` and `after` may be given. `limit` is 1 to 1,000; a page can be shorter. With `thread`, only
        the replies in the thread that begins with this message.
        """
        query = {"before": before, "after": after, "limit": limit, "notices": notices or None, "thread": thread}
        given = {name: value for name, value in query.items() if value is not None}
        reply = await self._connection.request({"type": "history", "room": self.name, **given})
        return HistoryPage(entries_in(reply.get("messages")), reply.get("more") is True)

    async def older(self, limit: int = 100) -> None:
        """Loads the page before the list into the list. Concurrent calls share one page."""
        if not self._paging:
            self._paging = asyncio.create_task(self._page(limit))
            self._paging.add_done_callback(self._paged)
        await asyncio.shield(self._paging)

    def leave(self) -> None:
        """Stops following the room. The person stays a member, and waiting changes are still sent."""
        self._opened = False
        self._end(None)
        self._feed.leave()
        self._changed()

    # What follows is for the chat, and for the parts of this room.

    def _open(self) -> None:
        if not self._opened or self.error:
            self._opened = True
            self._feed.open()
            self._changed()

    def _connected(self) -> None:
        self._feed.connected()
        self._changed()

    def _disconnected(self, error: ChatError | None) -> None:
        """There is no connection. With an `error`, it does not come back by itself."""
        self._feed.disconnected()
        if error:
            self._end(error)
        self._changed()

    def _close(self, why: ChatError) -> None:
        self._opened = False
        self._feed.close(why)
        self._changed()

    @property
    def epoch(self) -> str | None:
        return self._copy.epoch

    @property
    def joined_epoch(self) -> str | None:
        return self._copy.epoch if self._feed.phase == "in" else None

    def outbox_changed(self) -> None:
        self._changed()

    def settled(self, settled: Settled) -> None:
        self._feed.leave()
        self._event(settled)
        self._changed()

    def _changed(self) -> None:
        self._gate.open()

    def _event(self, event: RoomEvent) -> None:
        for stream in list(self._streams):
            stream.push(event)

    def _end(self, error: ChatError | None) -> None:
        for stream in list(self._streams):
            stream.end(error)
        self._streams.clear()

    def _entered(self, epoch: str, kept: bool) -> None:
        self._changed()
        self._outbox.entered(self.name, epoch)
        if not kept and self._first > 0 and self._copy.more:
            asyncio.ensure_future(self.older(self._first)).add_done_callback(_seen)

    def _refused(self, why: ChatError) -> None:
        self._outbox.refused(self.name, why)
        self._changed()
        self._end(None if why.code == "closed" else why)

    def _change(
        self,
        kind: str,
        client_id: str | None,
        more: Mapping[str, Any] | None = None,
        attachments: Sequence[Attachment] = (),
        **fields: Any,
    ) -> Change:
        given = {name: value for name, value in fields.items() if value is not None}
        change_id = client_id.lower() if client_id else str(uuid.uuid4())
        change = {"type": kind, "room": self.name, "clientId": change_id, **given, **(more or {})}
        outcome = self._outbox.add(change, attachments)
        # The outbox needs the room joined, even if the application is not in it.
        self._feed.join()
        return outcome

    async def _page(self, limit: int) -> None:
        while True:
            if not self._feed.joined:
                await self._gate.wait()
                continue
            if not self.more:
                return
            self._copy.await_page(True)
            page = await self.history(before=self._copy.start, limit=limit, notices=True)
            # Ask again if the list was dropped meanwhile, or if a new socket may be about to drop it.
            if self._feed.joined and self._copy.page(page.entries, page.more):
                return self._changed()

    def _paged(self, task: asyncio.Task[None]) -> None:
        self._paging = None
        self._copy.await_page(False)
        _seen(task)


async def _messages(events: AsyncIterator[RoomEvent]) -> AsyncIterator[Message]:
    async for event in events:
        if isinstance(event, Changed) and isinstance(event.entry, Message):
            yield event.entry


def _seen(task: asyncio.Future[None]) -> None:
    """Marks an error as seen: those who wait get it anyway."""
    if not task.cancelled():
        task.exception()


def _member_in(f: Fields) -> Member:
    return Member(
        user=user_in(f),
        role=role_in(f),
        joined_at=f.time("joinedAt"),
        muted="mutedUntil" in f.json,
        muted_until=f.maybe(f.time, "mutedUntil"),
        last_read=f.maybe(f.whole, "lastRead"),
        version=f.whole("version"),
    )
