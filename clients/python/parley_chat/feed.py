"""Being in a room on the current socket: joining, resuming, and what ends it."""

import asyncio
from collections.abc import Callable
from typing import Literal

from .connection import Connection
from .content import Content
from .errors import ChatError
from .frames import Changed, Joined, Lagging, Left, Reply, RoomFrame, Synced
from .retry import after_close, backoff, left_error, pause_after

RoomStateName = Literal["out", "offline", "joining", "catching_up", "live"]
"""`out`: not followed, or refused: see `error`. `catching_up`: what was missed is arriving. `live`: up to date."""


class Feed:
    """Follows one room across sockets."""

    def __init__(
        self,
        name: str,
        connection: Connection,
        content: Content,
        *,
        wanted: Callable[[], bool],
        entered: Callable[[str, bool], None],
        refused: Callable[[ChatError], None],
        event: Callable[[RoomFrame], None],
        changed: Callable[[], None],
    ) -> None:
        self._name = name
        self._connection = connection
        self._content = content
        self._wanted = wanted
        self._entered = entered
        """Called after each `joined`, with the epoch and whether the copy was kept."""
        self._refused = refused
        """Called if the person may not be in the room."""
        self._event = event
        self._changed = changed
        self.phase: Literal["out", "asked", "answered", "in"] = "out"
        """Progress on the current socket: `join` sent, its reply received, `joined` received."""
        self.live = False
        self.error: ChatError | None = None
        self._departure: ChatError | None = None
        """Why the person was put out of the room, since the last `joined`."""
        self._readmitted = False
        """The person was added since the last `joined`, so what says that they are out may be older."""
        self._joins = 0
        """Rises when the reply to an earlier join no longer matters."""
        self._covered = False
        """A newer token was requested since the last `joined`."""
        self._failures = 0
        """Failed joins and gaps since the last progress."""
        self._retry: asyncio.TimerHandle | None = None

    @property
    def state(self) -> RoomStateName:
        if self.error or not self._wanted():
            return "out"
        if not self._connection.open:
            return "offline"
        if self.phase != "in":
            return "joining"
        return "live" if self.live else "catching_up"

    @property
    def joined(self) -> bool:
        """Whether the room is joined on the current socket. Raises why it cannot be."""
        if self.error:
            raise self.error
        return self.phase == "in"

    def open(self) -> None:
        """The application wants to be in the room."""
        self.error = self._departure = None
        self._failures = 0
        self._covered = False
        self.join()

    def join(self) -> None:
        """Joins, unless that is under way, impossible now or not wanted."""
        if self.phase == "out":
            self._join()

    def leave(self) -> None:
        """Leaves on the server if nobody needs the room."""
        if not self._wanted() and self.phase != "out":
            self._connection.ask({"type": "leave", "room": self._name}, lambda reply: None)
            self._out(None)

    def connected(self) -> None:
        self._failures = 0
        self._covered = False
        # Nobody says what happened while there was no connection.
        if self._departure and self._departure.code != "left":
            self.error = None
        self.join()

    def disconnected(self) -> None:
        self._cancel()
        self._out(self.error)

    def close(self, why: ChatError) -> None:
        self._cancel()
        self._out(why)

    def drop(self) -> None:
        """Forgets everything, because another person signed in."""
        self._content.drop()
        self.error = self._departure = None
        self._readmitted = False

    def admitted(self) -> None:
        """The person was added to the room, or may do something else there."""
        if self.error and self.error.code == "left" and self._content.facts.kind == "open":
            return
        self._readmitted = True
        if self.error and self._wanted():
            self.error = None
            self.join()

    def take(self, frame: RoomFrame) -> None:
        # Until the reply to the join and the `joined` that follows it, frames belong to the earlier feed.
        if self.phase != "in" and not (self.phase == "answered" and isinstance(frame, Joined)):
            return
        if isinstance(frame, Joined):
            self._joined(frame)
        elif isinstance(frame, Changed):
            taken = self._content.entry(frame)
            if taken in ("gap", "moved"):
                self._rejoin()
            if taken in ("gap", "old"):
                return
            # A replay can be the result of a gap, so it does not count as progress.
            if not frame.replay:
                self._failures = 0
        elif not isinstance(frame, Left):
            if isinstance(frame, (Synced, Lagging)):
                self.live = isinstance(frame, Synced)
            self._content.take(frame)
        self._event(frame)
        if isinstance(frame, Left):
            self._left(frame.code)
        self._changed()

    def _left(self, code: int) -> None:
        if after_close(code) == "back":
            return self._rejoin()
        self._departure = left_error(code)
        self._put_out(self._departure)

    def _joined(self, frame: Joined) -> None:
        kept = self._content.joined(frame)
        self.phase = "in"
        self.live = self._readmitted = self._covered = False
        self._departure = None
        self._entered(frame.epoch, kept)

    def _join(self) -> None:
        self._cancel()
        if not self._connection.open or not self._wanted() or self.error:
            return
        self._joins += 1
        ticket = self._joins
        self.phase = "asked"
        self.live = False
        since = self._content.copy.since
        command = {"type": "join", "room": self._name, **({"since": since} if since else {})}
        self._connection.ask(command, lambda reply: self._answered(ticket, reply))

    def _answered(self, ticket: int, reply: Reply) -> None:
        if ticket != self._joins:
            return
        error = reply.error
        if not error:
            self.phase = "answered"
            return
        if error.claim and not self._covered:
            self._covered = True
            return self._connection.cover(lambda newer: self._newer(ticket, error, newer))
        self._refuse(error)

    def _newer(self, ticket: int, refusal: ChatError, newer: bool | None) -> None:
        """Joins again with a newer token, if there is one."""
        if ticket != self._joins or newer is None:
            return
        self.phase = "out"
        if newer:
            self._join()
        else:
            self._refuse(refusal)

    def _refuse(self, error: ChatError) -> None:
        self.phase = "out"
        if error.code == "disconnected":
            return
        if error.retryable:
            self._later(pause_after(error, self._failures))
            self._failures += 1
            return
        # Anyone who was in the room before may come back.
        if self._content.copy.epoch and not self._departure:
            self._departure = error
        self._put_out(self._departure or error)
        self._changed()

    def _put_out(self, why: ChatError) -> None:
        """The person may not be in the room, unless they were added after the server found that out."""
        # Anyone who left wants to stay out, and joining an open room would make them a member again.
        back = self._readmitted and why.code != "left"
        self._readmitted = False
        self._out(None if back else why)
        if back:
            self._join()

    def _out(self, why: ChatError | None) -> None:
        self._joins += 1
        self.phase = "out"
        self.live = False
        self.error = why
        self._content.away()
        if why:
            self._refused(why)

    def _rejoin(self) -> None:
        """Joins again from the copy's version, because something is missing. Backs off if that did not help before."""
        self.phase = "out"
        self.live = False
        self._failures += 1
        if self._failures == 1:
            self._join()
        else:
            self._later(backoff(self._failures))
        self._changed()

    def _later(self, ms: float) -> None:
        self._cancel()
        self._retry = asyncio.get_running_loop().call_later(ms / 1000, self.join)

    def _cancel(self) -> None:
        if self._retry:
            self._retry.cancel()
