"""Changes that wait for their outcome, across all disconnections."""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from .connection import Connection
from .entry import Change, Entry, Item
from .errors import ChatError, unexpected
from .fields import Fields, Json
from .files import Attachment, Files
from .frames import Reply
from .models import Ack
from .retry import pause_after
from .store import Kept
from .uploads import Uploads, stop


@dataclass(frozen=True, slots=True)
class Settled:
    """The outcome of a change is known. Includes changes that an earlier run of the program left."""

    room: str
    change: Change
    ack: Ack | None
    error: ChatError | None
    """Either `ack` or `error` is set. If neither is, the caller gave the change up."""


class OutboxRoom(Protocol):
    """What the outbox needs of a room."""

    @property
    def epoch(self) -> str | None:
        """The epoch of the ids that the room shows."""

    @property
    def joined_epoch(self) -> str | None:
        """The same, but only while the room is joined on the current socket."""

    def outbox_changed(self) -> None: ...
    def settled(self, settled: Settled) -> None: ...


class Outbox:
    """Keeps each change until its outcome is known, across all disconnections. A room's changes stay in order."""

    def __init__(
        self,
        kept: Kept,
        limit: int,
        connection: Connection,
        room: Callable[[str], OutboxRoom | None],
        files: Files,
    ) -> None:
        self._uploads = Uploads(files, self._changed, self._uploaded)
        self._kept = kept
        self._limit = limit
        self._connection = connection
        self._room = room
        self._entries: list[Entry] = []
        self._foreign: list[Item] = []
        self._user: str | None = None
        self._refusals = 0
        self._pause: asyncio.TimerHandle | None = None
        self._closed: ChatError | None = None

    def waiting(self, room: str) -> list[Change]:
        """Returns the room's waiting changes, in order."""
        return [entry.change for entry in self._of(room)]

    def rooms(self) -> list[str]:
        """Returns the rooms that have waiting changes."""
        return list(dict.fromkeys(entry.room for entry in self._entries))

    def load(self) -> None:
        """Takes over what an earlier run left in the store."""
        self._entries += map(_earlier, _items_in(self._kept.get("outbox")))

    def add(self, change: Change, attachments: Sequence[Attachment] = ()) -> asyncio.Future[Ack]:
        """Puts a change at the end and sends what can be sent. Cancelling the future gives the change up.

        The future fails with the server's refusal, `outbox_full`, `stale_epoch`, `left`, `signed_out` or `closed`.
        """
        room = self._room(str(change["room"]))
        entry = Entry(change, room.epoch if room else None, self._user, attachments)
        if self._closed:
            return _failed(entry, self._closed)
        if change["type"] == "read":
            self._supersede(entry)
        if len(self._entries) >= self._limit:
            return _failed(entry, ChatError("outbox_full", "The outbox is full."))
        self._entries.append(entry)
        try:
            self._keep()
        except OSError as error:
            self._entries.remove(entry)
            return _failed(entry, ChatError("outbox_full", f"The change was not stored: {error}"))
        entry.outcome.add_done_callback(partial(self._given_up, entry))
        self._uploads.start(entry)
        if room:
            room.outbox_changed()
        self.pump()
        return entry.outcome

    def pump(self) -> None:
        """Sends whatever can be sent now: one change at a time per room, so that a retry keeps its place."""
        if self._pause or not self._connection.open:
            return
        busy: set[str] = set()
        for entry in list(self._entries):
            if self._pause or entry.room in busy or entry not in self._entries:
                continue
            busy.add(entry.room)
            if entry.uploading:
                continue
            if entry.lacks_files:
                # The store keeps no bytes.
                busy.discard(entry.room)
                lost = ChatError("file_missing", "A file was not uploaded before the program ended.")
                self._settle(entry, error=lost)
            elif not entry.in_flight and self._valid(entry):
                entry.in_flight = True
                self._connection.ask(entry.change, partial(self._answered, entry))

    def own(self, user: str) -> None:
        """This person is connected now. Changes of other people are rejected, but stay in the store for them."""
        self._user = user
        for entry in list(self._entries):
            if entry.user not in (None, user):
                self._foreign.append(entry.item)
                self._settle(entry, error=ChatError("signed_out", "Another person is signed in."))
            entry.user = user
        mine = [item for item in self._foreign if item["user"] == user]
        self._foreign = [item for item in self._foreign if item["user"] != user]
        self._entries[:0] = map(_earlier, mine)

    def entered(self, room: str, epoch: str) -> None:
        """The room was joined and has this epoch. Changes with ids of another one are rejected as `stale_epoch`."""
        for entry in self._of(room):
            if entry.epoch not in (None, epoch):
                # A reply without its thread would be said to everyone.
                if entry.names_message and (entry.change["type"] != "send" or "thread" in entry.change):
                    self._settle(entry, error=ChatError("stale_epoch", "The room's history was replaced."))
                    continue
                entry.change = {name: value for name, value in entry.change.items() if name != "replyTo"}
            entry.epoch = epoch
        self.pump()

    def refused(self, room: str, error: ChatError) -> None:
        """The room cannot be joined. Rejects changes that depend on that; if the person left, all not in flight."""
        for entry in self._of(room):
            depends = entry.epoch is not None and entry.names_message
            if not entry.in_flight and (error.code == "left" or depends):
                self._settle(entry, error=error)
        self.pump()

    def clear(self, error: ChatError) -> None:
        """Rejects all changes and removes them from the store."""
        for entry in list(self._entries):
            self._settle(entry, error=error)

    def close(self, error: ChatError) -> None:
        """Rejects all changes, now and from now on, but leaves them in the store for the next run."""
        self._closed = error
        if self._pause:
            self._pause.cancel()
        entries, self._entries = self._entries, []
        for entry in entries:
            stop(entry)
            _fail(entry, error)

    def _of(self, room: str) -> list[Entry]:
        return [entry for entry in self._entries if entry.room == room]

    def _valid(self, entry: Entry) -> bool:
        """Whether the ids in a change are valid now. That is known once the room is joined."""
        if not entry.names_message or entry.epoch is None:
            return True
        room = self._room(entry.room)
        return room is not None and room.joined_epoch == entry.epoch

    def _supersede(self, later: Entry) -> None:
        """A later read mark includes an earlier one that was not sent yet, unless that moves back."""
        for entry in self._of(later.room):
            if not entry.in_flight and entry.change["type"] == "read" and not entry.change.get("back"):
                self._settle(entry, _read_ack(entry.change))

    def _answered(self, entry: Entry, reply: Reply) -> None:
        entry.in_flight = False
        error = reply.error
        if error and error.code == "disconnected":
            return  # Sent again on the next socket.
        if error and error.claim and not entry.covered:
            entry.covered = entry.in_flight = True
            return self._connection.cover(partial(self._covered, entry, error))
        if error and error.code in ("file_held", "message_unchecked"):
            # Other rooms go on while a scanner, or whoever checks messages, is away.
            entry.in_flight = True
            wait = pause_after(error, 3) / 1000
            asyncio.get_running_loop().call_later(wait, self._released, entry)
        elif error and error.code == "file_missing" and self._uploads.again(entry):
            pass  # It waits for them.
        elif error and error.retryable:
            self._hold(error)
        elif error:
            self._settle(entry, error=error)
        else:
            self._refusals = 0
            try:
                self._settle(entry, _ack_in(entry.change, reply.json))
            except ChatError:
                self._settle(entry, error=unexpected())
        self.pump()

    def _covered(self, entry: Entry, refusal: ChatError, newer: bool | None) -> None:
        """Sends a change again with a newer token, or settles it if there is none."""
        entry.in_flight = False
        if newer is False:
            self._settle(entry, error=refusal)
        self.pump()

    def _released(self, entry: Entry) -> None:
        entry.in_flight = False
        self.pump()

    def _uploaded(self, entry: Entry, error: ChatError | None) -> None:
        if error:
            return self._settle(entry, error=error)
        with contextlib.suppress(OSError):
            self._keep()
        self.pump()

    def _changed(self, entry: Entry) -> None:
        room = self._room(entry.room)
        if room:
            room.outbox_changed()

    def _given_up(self, entry: Entry, outcome: asyncio.Future[Ack]) -> None:
        if outcome.cancelled():
            self._settle(entry)

    def _hold(self, error: ChatError) -> None:
        """Pauses for as long as the server asked, and longer with each refusal."""
        if self._pause:
            return
        wait = pause_after(error, self._refusals) / 1000
        self._refusals += 1
        self._pause = asyncio.get_running_loop().call_later(wait, self._resume)

    def _resume(self) -> None:
        self._pause = None
        self.pump()

    def _settle(self, entry: Entry, ack: Ack | None = None, error: ChatError | None = None) -> None:
        if entry not in self._entries:
            return
        self._entries.remove(entry)
        stop(entry)
        with contextlib.suppress(OSError):
            self._keep()  # A change that the next run repeats has the same clientId.
        if error:
            _fail(entry, error)
        elif ack and not entry.outcome.done():
            entry.outcome.set_result(ack)
        room = self._room(entry.room)
        if room:
            room.settled(Settled(entry.room, entry.change, ack, error))
        self.pump()

    def _keep(self) -> None:
        items = [*self._foreign, *(entry.item for entry in self._entries)]
        self._kept.put("outbox", items or None)


def _items_in(value: object) -> list[Item]:
    """Returns the valid items of a store."""
    items: list[Item] = []
    for item in value if isinstance(value, list) else []:
        try:
            f = Fields(item)
            change = Fields(f.object("change"))
            for name in ("type", "room", "clientId"):
                change.text(name)
            items.append({"change": change.json, "epoch": f.maybe(f.text, "epoch"), "user": f.maybe(f.text, "user")})
        except ChatError:
            continue
    return items


def _earlier(item: Item) -> Entry:
    """Returns the entry of a change that an earlier run left: nobody awaits its outcome."""
    entry = Entry(item["change"], item["epoch"], item["user"])
    entry.outcome.add_done_callback(_seen)
    return entry


def _ack_in(change: Change, json: Json) -> Ack:
    if change["type"] == "read":
        return _read_ack(change)
    f = Fields(json)
    duplicate = f.maybe(f.flag, "duplicate") or False
    unreached = f.maybe(f.texts, "unreached") or ()
    at = f.maybe(f.time, "timestamp")
    content = f.maybe(f.text, "content")
    return Ack(f.whole("id"), f.whole("version"), change["clientId"], at, duplicate, unreached, content)


def _read_ack(change: Change) -> Ack:
    return Ack(change["id"], 0, change["clientId"])


def _fail(entry: Entry, error: ChatError) -> None:
    if not entry.outcome.done():
        entry.outcome.set_exception(error)


def _failed(entry: Entry, error: ChatError) -> asyncio.Future[Ack]:
    _fail(entry, error)
    return entry.outcome


def _seen(future: asyncio.Future[Ack]) -> None:
    if not future.cancelled():
        future.exception()
