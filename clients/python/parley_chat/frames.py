"""The server's frames. `parse_frame` turns text into one of these, and ignores what it does not know."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, cast

from .errors import ChatError, unexpected
from .facts import Facts, facts_in
from .fields import Fields, Json, error_in, parse
from .models import Entry, Message, Notice, Reaction, UploadedFile, User
from .retry import server_delay

Change = Literal["created", "updated", "deleted"]


@dataclass(frozen=True, slots=True)
class Reply:
    """The reply to a command: the fields of its `ok`, or an error."""

    ref: int | None
    json: Json
    error: ChatError | None


@dataclass(frozen=True, slots=True)
class Welcome:
    user: User
    expires_at: datetime
    heartbeat_ms: float
    frame_bytes: float
    file_bytes: float | None = None
    """The size of the largest file. None if the server takes no files."""


@dataclass(frozen=True, slots=True)
class Expiring:
    at: str


@dataclass(frozen=True, slots=True)
class Closing:
    retry_after_ms: float | None


@dataclass(frozen=True, slots=True)
class Activity:
    """A room that the socket watches, and has not joined, has a new message."""

    room: str
    id: int


@dataclass(frozen=True, slots=True)
class RoomsChanged:
    """The person's list of rooms has changed."""

    room: str
    change: str


@dataclass(frozen=True, slots=True)
class Joined:
    """The client is in the room. With `resumed`, what it missed follows."""

    room: str
    epoch: str
    version: int
    resumed: bool
    facts: Facts
    from_id: int
    online: int
    people: tuple[str, ...]
    last_read: int | None
    unread: int | None


@dataclass(frozen=True, slots=True)
class Changed:
    """A message or a notice, live or in a replay."""

    room: str
    entry: Entry
    change: Change
    """What it is to a client that has followed the room so far. A notice is always `created`."""
    prev: int | None
    replay: bool


@dataclass(frozen=True, slots=True)
class Synced:
    """Everything up to this version was delivered, and what follows is live."""

    room: str
    version: int


@dataclass(frozen=True, slots=True)
class Lagging:
    """The client reads more slowly than the room is written. What it misses follows."""

    room: str
    version: int


@dataclass(frozen=True, slots=True)
class Presence:
    """People came or went."""

    room: str
    online: int
    joined: tuple[str, ...]
    left: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Typing:
    """Someone is typing."""

    room: str
    user: User


@dataclass(frozen=True, slots=True)
class ReadMark:
    """Another socket of the same person moved the read mark."""

    room: str
    id: int
    back: bool = False


@dataclass(frozen=True, slots=True)
class Receipt:
    """Someone has read up to this message."""

    room: str
    id: int
    user: User


@dataclass(frozen=True, slots=True)
class Left:
    """The person is no longer in the room. `code` is the close code that says why."""

    room: str
    code: int


RoomFrame = Joined | Changed | Synced | Lagging | Presence | Typing | ReadMark | Receipt | Left
Frame = Reply | Welcome | Expiring | Closing | Activity | RoomsChanged | RoomFrame


def parse_frame(data: str | bytes) -> Frame | None:
    """Returns the frame, or None if its type is unknown. Raises `bad_answer` if it is not valid."""
    frame = Fields(parse(data) if isinstance(data, str) else None)
    make = _FRAMES.get(frame.text("type"))
    return make(frame) if make else None


def user_in(fields: Fields) -> User:
    """Reads `{id, username, name?, picture?}`."""
    name, picture = fields.maybe(fields.text, "name"), fields.maybe(fields.text, "picture")
    return User(fields.text("id"), fields.text("username"), name, picture)


def sender_in(fields: Fields) -> User:
    """Reads a `username` and the `user` beside it."""
    return user_in(Fields({**fields.object("user"), "username": fields.text("username")}))


def _reaction_in(fields: Fields) -> Reaction:
    users = fields.texts("users")
    profiles = fields.each("profiles", lambda person: person)
    people = (user_in(Fields({**one.json, "username": name})) for name, one in zip(users, profiles, strict=False))
    return Reaction(fields.whole("count"), users, tuple(people))


def message_in(fields: Fields) -> Message:
    reactions = fields.maybe(fields.object, "reactions") or {}
    return Message(
        id=fields.whole("id"),
        version=fields.whole("version"),
        user=sender_in(fields),
        content=fields.text("content"),
        timestamp=fields.time("timestamp"),
        client_id=fields.text("clientId"),
        data=fields.maybe(fields.object, "data"),
        reply_to=fields.maybe(fields.whole, "replyTo"),
        thread=fields.maybe(fields.whole, "thread"),
        also_room=fields.json.get("alsoRoom") is True,
        files=fields.each("files", uploaded_in) if "files" in fields.json else (),
        edited_at=fields.maybe(fields.time, "editedAt"),
        deleted_at=fields.maybe(fields.time, "deletedAt"),
        reactions={emoji: _reaction_in(Fields(one)) for emoji, one in reactions.items()},
        mentions=fields.each("mentions", user_in) if "mentions" in fields.json else (),
        everyone=fields.maybe(fields.flag, "everyone") or False,
    )


def uploaded_in(fields: Fields) -> UploadedFile:
    """Reads a file of a message, or what an upload returned."""
    return UploadedFile(
        id=fields.text("id"),
        name=fields.text("name"),
        type=fields.text("type"),
        size=fields.whole("size"),
        width=fields.maybe(fields.whole, "width"),
        height=fields.maybe(fields.whole, "height"),
        placeholder=fields.maybe(fields.text, "placeholder"),
        alt=fields.maybe(fields.text, "alt"),
        held=fields.maybe(fields.flag, "held") or False,
    )


def notice_in(fields: Fields) -> Notice:
    notice = Fields(fields.object("notice"))
    known = ("type", "users", "heir")
    change: Mapping[str, Any] = {name: value for name, value in notice.json.items() if name not in known}
    return Notice(
        id=fields.whole("id"),
        version=fields.whole("version"),
        timestamp=fields.time("timestamp"),
        by=user_in(Fields(fields.object("by"))),
        type=notice.text("type"),
        users=notice.each("users", user_in),
        heir=user_in(Fields(heir)) if (heir := notice.maybe(notice.object, "heir")) else None,
        change=change,
    )


def entries_in(items: object) -> tuple[Entry, ...]:
    """Returns the valid messages and notices of a page, oldest first."""
    entries: list[Entry] = []
    for item in items if isinstance(items, list) else []:
        try:
            fields = Fields(item)
            entries.append(notice_in(fields) if "notice" in fields.json else message_in(fields))
        except ChatError:
            continue
    return tuple(sorted(entries, key=lambda entry: entry.id))


def _reply(f: Fields) -> Reply:
    failed = f.json["type"] == "error"
    return Reply(f.maybe(f.whole, "ref"), f.json, error_in(f.json) if failed else None)


def _welcome(f: Fields) -> Welcome:
    limits = Fields(f.object("limits"))
    user = user_in(Fields(f.object("user")))
    return Welcome(
        user,
        f.time("expiresAt"),
        f.number("heartbeatMs"),
        limits.number("frameBytes"),
        limits.maybe(limits.number, "fileBytes"),
    )


def _joined(f: Fields) -> Joined:
    return Joined(
        room=f.text("room"),
        epoch=f.text("epoch"),
        version=f.whole("version"),
        resumed=f.flag("resumed"),
        facts=facts_in(f),
        from_id=f.maybe(f.whole, "from") or 1,
        online=f.maybe(f.whole, "online") or 0,
        people=f.maybe(f.texts, "people") or (),
        last_read=f.maybe(f.whole, "lastRead"),
        unread=f.maybe(f.whole, "unread"),
    )


def _message(f: Fields) -> Changed:
    change = f.text("change")
    if change not in ("created", "updated", "deleted"):
        raise unexpected("change is unknown.")
    return _placed(f, message_in(f), cast(Change, change))


def _placed(f: Fields, entry: Entry, change: Change) -> Changed:
    return Changed(f.text("room"), entry, change, f.maybe(f.whole, "prev"), f.maybe(f.flag, "replay") or False)


def _presence(f: Fields) -> Presence:
    joined, left = f.maybe(f.texts, "joined") or (), f.maybe(f.texts, "left") or ()
    return Presence(f.text("room"), f.whole("online"), joined, left)


_FRAMES: Mapping[str, Callable[[Fields], Frame]] = {
    "ok": _reply,
    "error": _reply,
    "welcome": _welcome,
    "expiring": lambda f: Expiring(f.text("at")),
    "closing": lambda f: Closing(server_delay(f.json.get("retryAfterMs"))),
    "activity": lambda f: Activity(f.text("room"), f.whole("id")),
    "rooms": lambda f: RoomsChanged(f.text("room"), f.text("change")),
    "joined": _joined,
    "message": _message,
    "notice": lambda f: _placed(f, notice_in(f), "created"),
    "synced": lambda f: Synced(f.text("room"), f.whole("version")),
    "lagging": lambda f: Lagging(f.text("room"), f.whole("version")),
    "presence": _presence,
    "typing": lambda f: Typing(f.text("room"), sender_in(f)),
    "read": lambda f: ReadMark(f.text("room"), f.whole("id"), f.maybe(f.flag, "back") or False),
    "receipt": lambda f: Receipt(f.text("room"), f.whole("id"), sender_in(f)),
    "left": lambda f: Left(f.text("room"), f.whole("code")),
}
