"""The client of one server, for one person at a time."""

import logging
import ssl
import unicodedata
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from types import TracebackType
from typing import Literal
from urllib.parse import urlsplit

from .connection import Connection
from .errors import ChatError
from .fields import Fields
from .files import Files
from .frames import Activity, Frame, RoomsChanged, Welcome
from .gate import Gate
from .http import Http, Response, quote, steadily
from .kept import Saved, read_saved, set_saved
from .mentions import Mention, read_mentions
from .models import Account, ConnectionState, History, Page, RoomSummary, User
from .outbox import Outbox
from .retry import left_error
from .room import Room
from .roomlist import RoomList, list_rooms
from .search import FoundPage, search
from .session import Session, TokenSource
from .store import Kept, Store

log = logging.getLogger("parley_chat")


class Chat:
    """A client of a Parley server: one socket for all rooms, which comes back by itself.

    `async with Chat("https://chat.example.com") as chat:` closes it at the end. Every failure is a `ChatError`.
    Create it inside a running event loop, and use it from that loop alone.

    - `tokens`: an async function that returns a token of your own product, instead of `login`.
    - `store`: keeps the session and unsent changes for the next run, such as `FileStore("chat.json")`.
    - `outbox`: the most changes that may wait.
    - `tls`: for servers with a certificate of your own.
    """

    def __init__(
        self,
        url: str,
        *,
        tokens: TokenSource | None = None,
        store: Store | None = None,
        outbox: int = 200,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        base = url.rstrip("/") + "/"
        if urlsplit(base).scheme not in ("http", "https"):
            raise ValueError("The address of a server begins with http:// or https://.")
        self._wanted = False
        self._closed: ChatError | None = None
        self._user: User | None = None
        self._gate = Gate()
        self._rooms: dict[str, Room] = {}
        kept = Kept(store, base)
        self._session = Session(Http(base, tls), kept, tokens, self._signed)
        self._account = self._session.account
        self._connection = Connection("ws" + base.removeprefix("http") + "ws/", tls, self._session.token, self)
        self._files = Files(self._session, self._connection)
        self._outbox = Outbox(kept, outbox, self._connection, self._rooms.get, self._files)
        self._list = RoomList(self._session, self._connection, self._rooms.get, self.problem)
        self._outbox.load()
        if self._outbox.rooms():
            self.connect()

    async def __aenter__(self) -> "Chat":
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    @property
    def account(self) -> Account | None:
        """The account that is signed in. None if nobody is, or if `tokens` is in use."""
        return self._session.account

    @property
    def me(self) -> User | None:
        """The person of the connection, as the server knows them. It outlasts a cut. Compare `me.id` with senders."""
        if not self._session.signed_in or not self._user:
            return None
        account = self._session.account
        return self._user if not account or account.username == self._user.username else None

    @property
    def connection(self) -> ConnectionState:
        """The state of the connection, with the reason if there is none."""
        return self._connection.state

    async def changes(self) -> AsyncIterator["Chat"]:
        """Yields the chat after each change of its connection. Changes in quick succession are one."""
        async for _ in self._gate.each():
            yield self

    async def register(
        self, email: str, password: str, *, username: str | None = None, invite: str | None = None
    ) -> Account:
        """Creates an account and signs in with it. `invite` is the token of a registration link."""
        body = {"email": email, "password": password, "password2": password}
        more = {"username": username, "invite": invite}
        given = {name: value for name, value in more.items() if value is not None}
        return await self._session.enter("account/reg/", {**body, **given})

    async def login(self, email: str, password: str) -> Account:
        """Signs in. With a `store`, that is needed once."""
        return await self._session.enter("account/login/", {"email": email, "password": password})

    async def logout(self) -> None:
        """Forgets the person and their unsent changes at once, then ends the session on the server."""
        self._outbox.clear(ChatError("signed_out", "Logged out."))
        await self._session.leave()

    async def token(self) -> str:
        """Returns an access token for requests of your own."""
        return await self._session.token()

    async def request(
        self, method: str, path: str, *, body: object = None, query: Mapping[str, object] | None = None
    ) -> Response:
        """Makes a request to the server's HTTP API with the person's token, such as `("GET", "account/me/")`."""
        return await self._session.request(method, path.lstrip("/"), body=body, query=query)

    def connect(self) -> None:
        """Connects. `room()` and `rooms()` do so too, unless the connection was closed for good."""
        self._guard()
        self._wanted = True
        self._start()

    def room(self, name: str, *, history: int = 50, keep: int = 1_000) -> Room:
        """Returns the room of this name, the same each time, and joins it.

        `history`: how many entries to load at first. `keep`: how many the list keeps, not counting those that `older()`
        loads.
        """
        self._guard()
        room = self._inside(unicodedata.normalize("NFC", name), history, keep)
        room._open()
        if not self._wanted:
            self.connect()
        return room

    async def create(
        self,
        *,
        title: str | None = None,
        topic: str | None = None,
        people: Sequence[str] = (),
        history: History | None = None,
        client_id: str | None = None,
    ) -> Room:
        """Creates a private room with these people and joins it. The same `client_id` always creates the same room.

        A person is named by their id, or by `@` and their username.
        """
        fields = {"title": title, "topic": topic, "history": history, "people": list(people)}
        given = {name: value for name, value in fields.items() if value}
        body = {**given, "clientId": (client_id or str(uuid.uuid4())).lower()}
        return await self._found("POST", "rooms/", body)

    async def direct(self, people: Sequence[str]) -> Room:
        """Joins the direct room of this person and up to seven others: they always share the same one."""
        return await self._found("PUT", "direct/", {"people": list(people)})

    async def leave_room(self, name: str, *, heir: str | None = None) -> None:
        """Ends this person's membership. The last owner of a private room names an heir."""
        name = unicodedata.normalize("NFC", name)
        query = {"clientId": str(uuid.uuid4()), "heir": heir}
        path = f"rooms/{quote(name)}/members/me/"
        await steadily(lambda: self._session.request("DELETE", path, query=query))
        if name in self._rooms:
            self._rooms[name]._close(left_error(4505))

    def rooms(self) -> RoomList:
        """Returns the person's list of rooms, the same each time, which follows them from now on."""
        self._guard()
        self._list._open()
        if not self._wanted:
            self.connect()
        return self._list

    async def list_rooms(
        self,
        *,
        all: bool = False,
        like: str | None = None,
        order: Literal["name", "activity"] = "name",
        hidden: bool = False,
        after: str | None = None,
        limit: int = 50,
    ) -> Page[RoomSummary]:
        """Reads a page of rooms: the person's own, or with `all` every one that they may enter.

        `like` finds rooms whose names look like this one. `hidden` includes hidden ones in the order by activity. With
        `all`, a page can be short or empty even if more follow. `limit` is 1 to 200.
        """
        return await list_rooms(self._session, all=all, like=like, order=order, hidden=hidden, after=after, limit=limit)

    async def search(
        self, query: str, *, room: str | None = None, after: str | None = None, limit: int = 20
    ) -> FoundPage:
        """Searches for messages, newest first, in the person's rooms or in one room. `limit` is 1 to 50.

        docs/PROTOCOL.md says what a query may contain. Raises `ChatError` with the code `invalid` if it cannot be
        understood; `errors["q"]` says why.
        """
        return await search(self._session, query, room=room, after=after, limit=limit)

    async def mentions(self, *, after: str | None = None, limit: int = 50) -> Page[Mention]:
        """Reads a page of the messages that mention the person, newest first. `limit` is 1 to 100."""
        return await read_mentions(self._session, after, limit)

    async def saved(self, *, after: str | None = None, limit: int = 50) -> Page[Saved]:
        """Reads a page of the messages that the person saved, the latest saved first. `limit` is 1 to 100."""
        return await read_saved(self._session, after, limit)

    async def save(self, room: str, id: int) -> None:
        """Saves a message for this person. Raises `ChatError`, for example with the code `too_many_saved`."""
        await set_saved(self._session, unicodedata.normalize("NFC", room), id, True)

    async def unsave(self, room: str, id: int) -> None:
        """Takes a message out of the saved ones, whether it is there or not."""
        await set_saved(self._session, unicodedata.normalize("NFC", room), id, False)

    async def close(self) -> None:
        """Ends the connection. Unsent changes fail with `closed`, and stay in the store for the next run."""
        if self._closed:
            return
        self._closed = ChatError("closed", "The chat was closed.")
        self._outbox.close(self._closed)
        for room in self._rooms.values():
            room._close(self._closed)
        self._connection.stop(self._closed)
        await self._connection.ended()

    # What follows is called by the parts of the chat.

    def changed(self, state: ConnectionState) -> None:
        if state.state != "open":
            for room in list(self._rooms.values()):
                room._disconnected(self._connection.final)
            self._list._disconnected()
        self._gate.open()

    def welcomed(self, frame: Welcome) -> None:
        other = self._user is not None and self._user.id != frame.user.id
        self._user = frame.user
        if other:
            self._drop()
        self._outbox.own(frame.user.id)
        # The outbox needs its rooms joined.
        for name in self._outbox.rooms():
            self._inside(name, 50, 1_000)
        for room in list(self._rooms.values()):
            room._connected()
        self._list._connected()
        self._outbox.pump()
        self._gate.open()

    def took(self, frame: Frame) -> None:
        name = getattr(frame, "room", None)
        room = self._rooms.get(name) if isinstance(name, str) else None
        if isinstance(frame, (Activity, RoomsChanged)):
            if room and isinstance(frame, RoomsChanged) and frame.change in ("added", "changed"):
                room._feed.admitted()
            self._list._take(frame)
        elif room:
            room._feed.take(frame)  # type: ignore[arg-type]
            self._list._event(frame)  # type: ignore[arg-type]

    def problem(self, error: ChatError) -> None:
        log.warning("%s", error)

    def _signed(self, account: Account | None, error: ChatError | None) -> None:
        other = (self._account and self._account.email) != (account and account.email)
        self._account = account
        self._connection.stop(error)
        if other:
            self._drop()
        self._gate.open()
        self._start()

    def _start(self) -> None:
        if self._wanted and not self._closed and self._session.signed_in:
            self._connection.start()

    def _drop(self) -> None:
        for room in self._rooms.values():
            room._feed.drop()
        self._list._drop()

    def _guard(self) -> None:
        if self._closed:
            raise self._closed

    def _inside(self, name: str, history: int, keep: int) -> Room:
        room = self._rooms.get(name)
        if not room:
            room = self._rooms[name] = Room(
                name,
                connection=self._connection,
                outbox=self._outbox,
                session=self._session,
                files=self._files,
                me=lambda: self._user.id if self._user else None,
                first=history,
                keep=keep,
            )
        return room

    async def _found(self, method: str, path: str, body: Mapping[str, object]) -> Room:
        response = await steadily(lambda: self._session.request(method, path, body=body))
        return self.room(Fields(response.body).text("room"))
