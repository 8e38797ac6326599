"""What the client knows about a room: its entries, what it is, who is there, and what is unread."""

import asyncio
import contextlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from .copy import RoomCopy
from .errors import ChatError
from .facts import MOVES, Facts, after
from .frames import Changed, Joined, Lagging, Presence, ReadMark, Receipt, Synced, Typing
from .models import Entry, Message, Notice

UNREAD_MAX = 100
"""The server stops counting unread messages here."""
NAMES_MAX = 100
TYPING_S = 6
"""How long one `typing` counts."""

Taken = Literal["applied", "old", "gap", "moved"]
"""What became of an entry. `moved`: it was applied, and the person has to join again to see what they may see now."""


class Content:
    """Applies the frames of a room.

    `me` returns the id of the signed-in person, `waiting` the room's changes that the server may not know yet.
    """

    def __init__(
        self,
        keep: int,
        me: Callable[[], str | None],
        waiting: Callable[[], Sequence[Mapping[str, Any]]],
        changed: Callable[[], None],
    ) -> None:
        self.copy = RoomCopy(keep)
        self._me = me
        self._waiting = waiting
        self._changed = changed
        self.typing: dict[str, asyncio.TimerHandle] = {}
        self.drop()

    def drop(self) -> None:
        """Forgets everything."""
        self.copy.reset(None, 0)
        self.facts = Facts()
        self.last_read = 0
        self._counted = 0
        """Unread messages as the server counted them up to version `_up_to`, plus those that arrived since."""
        self._up_to = 0
        self._joined_at = 0
        self.away()

    def away(self) -> None:
        """Forgets who is there."""
        self.online = 0
        self.people: tuple[str, ...] = ()
        for name in list(self.typing):
            self._quiet(name)

    @property
    def unread(self) -> int:
        """Unread messages of other people. 100 means 100 or more."""
        # If the copy does not reach back to the mark, only the server's count is known.
        if self.copy.more and self.copy.start > self.last_read + 1:
            return min(UNREAD_MAX, self._counted)
        count = 0
        for entry in reversed(self.copy.entries):
            if entry.id <= self.last_read or count == UNREAD_MAX:
                break
            if self._is_unread(entry):
                count += 1
        return count

    def joined(self, frame: Joined) -> bool:
        """Returns False if the copy had to be dropped."""
        resumed = self.copy.joined(frame)
        self._joined_at = frame.version
        self.facts = frame.facts
        self.online, self.people = frame.online, frame.people
        if frame.last_read is not None:
            self.last_read = frame.last_read
            # The ids of changes that wait are of the room's earlier epoch if it was not resumed.
            for change in self._waiting() if resumed else ():
                if change["type"] != "read":
                    continue
                id = change["id"]
                self.last_read = min(self.last_read, id - 1) if change.get("back") else max(self.last_read, id)
        if frame.unread is not None:
            self._counted, self._up_to = frame.unread, frame.version
        return resumed

    def entry(self, frame: Changed) -> Taken:
        """Takes in a message or a notice. `gap`: an earlier version is missing, so it was not taken."""
        entry = frame.entry
        move = self._move(entry) if isinstance(entry, Notice) else None
        if frame.replay and move == "out":
            # It is sent at once, perhaps before the versions that precede it.
            self.copy.last(entry)
        elif self.copy.gap(frame):
            return "gap"
        elif not self.copy.take(frame):
            return "old"
        if isinstance(entry, Message):
            self._message(frame, entry)
            return "applied"
        self._notice(entry)
        # Someone who is removed and added again before their socket leaves may see more or less than at the join.
        return "moved" if move == "in" and entry.version > self._joined_at else "applied"

    def take(self, frame: Synced | Lagging | Presence | Typing | ReadMark | Receipt) -> None:
        """Takes in any other frame."""
        if isinstance(frame, Synced):
            self.copy.synced(frame.version)
        elif isinstance(frame, ReadMark):
            move = self.back if frame.back else self.read
            move(frame.id)
        elif isinstance(frame, Presence):
            # A full list of names replaces what is known.
            before = () if len(frame.joined) == frame.online else self.people
            stayed = [name for name in before if name not in frame.left]
            self.online = frame.online
            self.people = tuple(dict.fromkeys([*stayed, *frame.joined]))[:NAMES_MAX]
            for name in frame.left:
                self._quiet(name)
        elif isinstance(frame, Typing) and frame.user.id != self._me():
            self._types(frame.user.username)

    def read(self, id: int) -> bool:
        """Moves the read mark. Returns False if it is already there or further."""
        if id <= self.last_read:
            return False
        self.last_read = min(id, max(self.copy.version, self.last_read))
        if id >= self.copy.version or (self.copy.entries and id >= self.copy.entries[-1].id):
            self._counted = 0
        return True

    def back(self, id: int) -> bool:
        """Moves the read mark back. Returns False if it is already there or before."""
        if id >= self.last_read:
            return False
        self.last_read = id
        # A copy that does not reach back to the mark knows of no more.
        self._counted = max(self._counted, sum(self._is_unread(entry) for entry in self.copy.entries))
        return True

    def _is_unread(self, entry: Entry) -> bool:
        if not isinstance(entry, Message) or entry.deleted_at or entry.id <= self.last_read:
            return False
        return entry.user.id != self._me() and self._is_main(entry)

    def _is_main(self, message: Message) -> bool:
        """Replies in threads alone are unread in their threads. Without its first message there is no thread."""
        return message.thread is None or message.also_room or message.thread < self.copy.floor

    def _message(self, frame: Changed, message: Message) -> None:
        self._quiet(message.user.username)
        new = frame.change == "created" and message.version > self._up_to and message.id > self.last_read
        if new and message.user.id != self._me() and self._is_main(message):
            self._counted += 1

    def _notice(self, notice: Notice) -> None:
        with contextlib.suppress(ChatError):  # A notice of a newer server can have other values.
            self.facts = after(self.facts, notice, self._me())
        if notice.type == "deleted":
            self.copy.begin(notice.id)

    def _move(self, notice: Notice) -> str | None:
        """Returns whether a notice says that this person, or everyone, got into the room or out of it."""
        if notice.type == "deleted":
            return "out"
        return MOVES.get(notice.type) if any(user.id == self._me() for user in notice.users) else None

    def _types(self, name: str) -> None:
        self._quiet(name)
        if len(self.typing) < NAMES_MAX:
            self.typing[name] = asyncio.get_running_loop().call_later(TYPING_S, self._stopped, name)

    def _stopped(self, name: str) -> None:
        self._quiet(name)
        self._changed()

    def _quiet(self, name: str) -> None:
        timer = self.typing.pop(name, None)
        if timer:
            timer.cancel()
