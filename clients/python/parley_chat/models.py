"""What the client hands out: people, messages, notices and the like. All of it is immutable."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, Literal, TypeVar

from .errors import ChatError

T = TypeVar("T")

Role = Literal["owner", "moderator", "member"]
History = Literal["all", "joined"]
"""What new members see of the past: everything, or what is posted after they joined."""
Notify = Literal["all", "mentions", "none"]


@dataclass(frozen=True, slots=True)
class User:
    """A person. Compare ids, and nothing else."""

    id: str
    username: str
    name: str | None = None
    """The display name, unless it is the username."""
    picture: str | None = None

    @property
    def shown(self) -> str:
        """What people see: the name, or else the username."""
        return self.name or self.username


@dataclass(frozen=True, slots=True)
class Account:
    """An account of the server."""

    username: str
    email: str


@dataclass(frozen=True, slots=True)
class Reaction:
    """Who reacted with one emoji."""

    count: int
    users: tuple[str, ...]
    """At most 20 usernames."""
    people: tuple[User, ...]
    """The same people with their ids. The last ones are missing if their names are very long."""


@dataclass(frozen=True, slots=True)
class UploadedFile:
    """What the server says about a file."""

    id: str
    name: str
    type: str
    """The media type by the content."""
    size: int
    """In bytes."""
    width: int | None = None
    """In pixels, as it is shown. Only of pictures that have a preview."""
    height: int | None = None
    placeholder: str | None = None
    """A tiny version as a `data:` URL. Only of pictures that have a preview."""
    alt: str | None = None
    """What it shows, as the sender of its message says."""
    held: bool = False
    """The server's scanner has not let it through yet."""


@dataclass(frozen=True, slots=True)
class FileUrls:
    """The addresses of a file. Anyone who has one can load the file until `ends_at`."""

    id: str
    ends_at: datetime
    original: str
    preview: str | None
    """Of a picture: at most 720 pixels on the longer side."""
    large: str | None
    """Of a larger picture: at most 2,048 pixels on the longer side."""


@dataclass(frozen=True, slots=True)
class Message:
    """A message in its current state."""

    id: int
    """The room's version when the message was posted, and so its position in the room."""
    version: int
    """The room's version at the latest change of this message."""
    user: User
    content: str
    """Empty for a deleted message."""
    timestamp: datetime
    client_id: str
    data: Mapping[str, Any] | None = None
    reply_to: int | None = None
    thread: int | None = None
    """The first message of the thread that it replies in."""
    also_room: bool = False
    """A reply in a thread that is part of the room's main conversation too."""
    files: tuple[UploadedFile, ...] = ()
    edited_at: datetime | None = None
    deleted_at: datetime | None = None
    reactions: Mapping[str, Reaction] = field(default_factory=dict)
    """By emoji."""
    mentions: tuple[User, ...] = ()
    """Whom it mentions. Only the first ones, if they are long."""
    everyone: bool = False
    """It mentions everyone in the room."""


@dataclass(frozen=True, slots=True)
class Notice:
    """Says what has changed in a room, or who may do what there. It has its place among the messages."""

    id: int
    version: int
    """The same as the id."""
    timestamp: datetime
    by: User
    type: str
    """What happened, such as `added` or `title`. A newer server can send types that are unknown here."""
    users: tuple[User, ...]
    """Whom it is about, at most 100."""
    heir: User | None
    """The member who became an owner, because the last one left."""
    change: Mapping[str, Any]
    """What was set, by its name in the protocol: `role`, `until`, `kind`, `title`, `topic`, `history` …"""


Entry = Message | Notice


@dataclass(frozen=True, slots=True)
class Ack:
    """The acknowledgement of a change: it is committed."""

    id: int
    """The id of the message, or of the notice about a change of members or of the room; 0 if that changed nothing."""
    version: int
    client_id: str
    timestamp: datetime | None = None
    """When the message was committed. Only for `send`."""
    duplicate: bool = False
    """The change was committed by an earlier attempt."""
    unreached: tuple[str, ...] = ()
    """Those of the `mentions` who may not read the message, or are not known: they were not mentioned."""
    content: str | None = None
    """The text that was committed, if the server's operator has messages checked and this one was changed."""


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """A page of a list over HTTP."""

    items: tuple[T, ...]
    next: str | None
    """The cursor of the next page, for `after`. None on the last page."""


@dataclass(frozen=True, slots=True)
class HistoryPage:
    """A page of a room's history, oldest first."""

    entries: tuple[Entry, ...]
    more: bool
    """Whether there are more in the direction of the query: newer ones with `after`, older ones otherwise."""

    @property
    def messages(self) -> tuple[Message, ...]:
        """The entries that are no notices."""
        return tuple(entry for entry in self.entries if isinstance(entry, Message))


@dataclass(frozen=True, slots=True)
class Member:
    """A member of a room."""

    user: User
    role: Role
    joined_at: datetime
    muted: bool
    muted_until: datetime | None
    last_read: int | None
    """Only in rooms whose members see each other's read marks."""
    version: int


@dataclass(frozen=True, slots=True)
class LastMessage:
    """The newest message of a room in a list. `content` is empty if it was deleted."""

    id: int
    user: User
    content: str
    timestamp: datetime
    files: int = 0
    """How many files it has."""


@dataclass(frozen=True, slots=True)
class RoomSummary:
    """A room in a list of rooms. docs/PROTOCOL.md describes the fields."""

    room: str
    kind: str
    title: str
    topic: str
    archived: bool
    version: int
    last: LastMessage | None
    online: int
    role: Role | None
    joined_at: datetime | None
    last_read: int | None
    unread: int
    """100 means 100 or more."""
    notify: Notify | None
    hidden: bool
    pinned: bool
    people: tuple[User, ...] = ()
    """The people of a direct room, others first."""


@dataclass(frozen=True, slots=True)
class ConnectionState:
    """The state of the connection.

    `idle`: nobody is signed in, or nothing needs a connection yet. `waiting`: retries by itself after `retry_in_ms`.
    `closed`: does not retry by itself; sign in, or call `connect()` once the cause in `error` is gone.
    """

    state: Literal["idle", "connecting", "open", "waiting", "closed"]
    error: ChatError | None = None
    retry_in_ms: float = 0
