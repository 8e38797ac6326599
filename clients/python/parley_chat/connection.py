"""One socket to the server, which comes back by itself."""

import asyncio
import ssl
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any, NoReturn, Protocol, cast

import websockets
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidURI

from .errors import ChatError, disconnected, passing
from .fields import Json
from .frames import Closing, Expiring, Frame, Reply, Welcome, parse_frame
from .gate import Gate
from .life import Life, OnReply, Socket, hang_up, reply_to, write
from .models import ConnectionState
from .renewal import Renewal, Token
from .retry import after_close, backoff, pause_after, server_delay

WELCOME_S = 10
"""How long the server may take to send `welcome`."""
PONG_S = 10
"""How long a ping may go unanswered."""
STABLE_S = 5
"""After this time a connection counts as good, which resets the backoff and the count of refused tokens."""
MARGIN_S = 10
"""A token that expires within this time is renewed before it is used."""
FRAME_MAX = 1 << 20
"""The server's frames are smaller than this."""
BURST = 64
"""So many frames are handled before other tasks get a turn."""


class Listener(Protocol):
    """What a connection tells."""

    def changed(self, state: ConnectionState) -> None: ...
    def welcomed(self, frame: Welcome) -> None: ...
    def took(self, frame: Frame) -> None: ...
    def problem(self, error: ChatError) -> None: ...


class Connection:
    """Keeps one socket to the server open, with retries."""

    def __init__(self, url: str, tls: ssl.SSLContext | None, token: Token, listener: Listener) -> None:
        self.state = ConnectionState("idle")
        self._url = url
        self._tls = tls
        self._token = token
        self._listener = listener
        self._life: Life | None = None
        self._task: asyncio.Task[None] | None = None
        self._gate = Gate()
        self._ending: set[asyncio.Task[None]] = set()
        self._attempts = 0
        self._strikes = 0
        self._refused: str | None = None
        self._renewal: Renewal | None = None
        """That of the latest socket that a server welcomed."""
        self._latest: Life | None = None
        """The latest socket that a server welcomed."""

    @property
    def open(self) -> bool:
        """Whether the server has sent `welcome`."""
        return self._life is not None and self._life.welcome is not None

    @property
    def final(self) -> ChatError | None:
        """Why the client does not come back by itself."""
        return self.state.error if self.state.state == "closed" else None

    def start(self) -> None:
        """Connects, and reconnects until `stop`."""
        if not self._task:
            self._task = asyncio.create_task(self._run())

    def stop(self, error: ChatError | None = None) -> None:
        """Disconnects. With an `error` the state becomes `closed`, otherwise `idle`."""
        task, self._task = self._task, None
        if task:
            self._ending.add(task)
            task.add_done_callback(self._ending.discard)
            task.cancel()
        self._end(1000)
        self._attempts = self._strikes = 0
        self._refused = None
        if error or self.state.state != "idle":
            self._set(ConnectionState("closed", error) if error else ConnectionState("idle"))

    def cover(self, done: Callable[[bool | None], None]) -> None:
        """Gets a newer token, because the one of the socket does not allow something.

        `done` is called with whether the server has accepted one, or with None if the socket ended first.
        """
        if not self._life or not self._renewal:
            return done(None)

        def covered(task: asyncio.Task[bool]) -> None:
            done(None if task.cancelled() or task.exception() else task.result())

        self._life.spawn(self._renewal.renew()).add_done_callback(covered)

    @property
    def file_bytes(self) -> float | None:
        """The size of the largest file that the server takes, if it has said so."""
        return self._latest.welcome.file_bytes if self._latest and self._latest.welcome else None

    async def opened(self) -> None:
        """Waits until the connection is open. Raises the error after which it does not come back by itself."""
        while not self.open:
            if self.final:
                raise self.final
            await self._gate.wait()

    async def ended(self) -> None:
        """Waits until the sockets that `stop` ended are closed."""
        while self._ending:
            await asyncio.wait(self._ending)

    def ask(self, command: Json, reply: OnReply) -> None:
        """Sends a command. `reply` is called once, in frame order, with `disconnected` if the socket ends first."""
        if self._life and self._life.welcome:
            self._life.ask(command, reply)
        else:
            reply(Reply(None, {}, disconnected()))

    async def request(self, command: Json) -> Json:
        """Sends a command that may be repeated, on each new socket and as often as the server asks for."""
        failures, covered = 0, False
        while True:
            await self.opened()
            reply = await reply_to(self.ask, command)
            if not reply.error:
                return reply.json
            if reply.error.claim and not covered and self._renewal:
                covered = True
                if await self._renewal.renew():
                    continue
            if not reply.error.retryable:
                raise reply.error
            if reply.error.code != "disconnected":
                await asyncio.sleep(pause_after(reply.error, failures) / 1000)
                failures += 1

    def _set(self, state: ConnectionState) -> None:
        self.state = state
        self._gate.open()
        self._listener.changed(state)

    def _end(self, code: int) -> None:
        life, self._life = self._life, None
        if life:
            life.end(code)

    async def _run(self) -> None:
        while True:
            try:
                error = await self._attempt()
            except ChatError as final:
                return self.stop(final)
            wait = backoff(self._attempts) if error.retry_after_ms is None else error.retry_after_ms
            self._attempts += 1
            self._set(ConnectionState("waiting", error, wait))
            await asyncio.sleep(wait / 1000)

    async def _attempt(self) -> ChatError:
        """Runs one socket. Returns why it ended. Raises a `ChatError` if the client must not come back."""
        self._set(ConnectionState("connecting"))
        try:
            life = Life(await self._token(self._refused or self._spent()))
        except ChatError as error:
            if error.retryable:
                return error
            raise
        self._life = life
        deadline = asyncio.get_running_loop().time() + WELCOME_S
        socket: Socket | None = None
        code, polite = 1006, False
        try:
            async with asyncio.timeout_at(deadline):
                socket = await self._handshake(life.token)
            life.spawn(write(socket, life.outgoing))
            await self._read(life, socket, deadline)
        except TimeoutError:
            return passing("unreachable", "The server did not respond.")
        except ConnectionClosed as closed:
            reason = ""
            if closed.rcvd:
                code, reason = closed.rcvd.code, closed.rcvd.reason
            return self._closed(life, code, reason)
        except (OSError, EOFError, InvalidHandshake) as error:
            return _unreachable(error)
        except asyncio.CancelledError:
            polite = True
            raise
        finally:
            if self._life is life:
                self._end(code)
            if socket:
                await hang_up(socket, polite)

    async def _handshake(self, token: str) -> Socket:
        # Its types differ from version to version.
        tls: dict[str, Any] = {"ssl": self._tls} if self._tls else {}
        try:
            socket = await cast(Any, websockets).connect(
                self._url,
                # The token travels as a subprotocol because the versions of `websockets` name headers differently.
                subprotocols=["chat.v1", f"bearer.{token}"],
                max_size=FRAME_MAX,
                compression=None,
                open_timeout=None,
                close_timeout=1,
                ping_interval=None,
                **tls,
            )
        except InvalidURI as error:
            raise ChatError("invalid", f"The server's address is not valid: {error}") from error
        except ValueError:
            # A subprotocol must not have every character.
            raise ChatError("token_invalid", "The token has characters that no token may have.") from None
        return cast(Socket, socket)

    async def _read(self, life: Life, socket: Socket, deadline: float) -> NoReturn:
        """Takes in frames until the socket ends. `deadline`: when `welcome` must have arrived."""
        count = 0
        while True:
            try:
                async with asyncio.timeout(self._patience(life, deadline)):
                    data = await socket.recv()
            except TimeoutError:
                if not life.welcome or life.pinged:
                    raise
                life.pinged = True
                life.ask({"type": "ping"}, lambda reply: None)
                continue
            life.pinged = False
            self._take(life, data)
            count += 1
            if count % BURST == 0:
                await asyncio.sleep(0)

    def _patience(self, life: Life, deadline: float) -> float:
        """Returns how long the server may be silent, in seconds."""
        if not life.welcome:
            return deadline - asyncio.get_running_loop().time()
        return PONG_S if life.pinged else min(max(life.welcome.heartbeat_ms / 1000, 1), 600)

    def _take(self, life: Life, data: str | bytes) -> None:
        try:
            frame = parse_frame(data)
        except ChatError as error:
            return self._listener.problem(error)
        if isinstance(frame, Reply):
            _, reply = life.asked.pop(frame.ref, (0, None)) if frame.ref is not None else (0, None)
            if reply:
                reply(frame)
            elif frame.error and frame.ref is None:
                self._listener.problem(frame.error)
        elif isinstance(frame, Welcome):
            if not life.welcome:
                self._welcomed(life, frame)
        elif isinstance(frame, Closing):
            life.retry_after_ms = frame.retry_after_ms
        elif isinstance(frame, Expiring):
            if self._renewal:
                self._renewal.expiring.set()
        elif frame and life.welcome:
            self._listener.took(frame)

    def _welcomed(self, life: Life, frame: Welcome) -> None:
        life.welcome = frame
        self._latest = life
        self._refused = None
        self._renewal = Renewal(life, frame.expires_at, self._token, self._listener.problem)
        life.spawn(self._renewal.keep())
        life.spawn(self._settle())
        self._set(ConnectionState("open"))
        self._listener.welcomed(frame)

    async def _settle(self) -> None:
        await asyncio.sleep(STABLE_S)
        self._attempts = self._strikes = 0

    def _spent(self) -> str | None:
        """Returns the latest token if it has expired or is about to."""
        if not self._renewal or not self._latest:
            return None
        left = (self._renewal.expires_at - datetime.now(timezone.utc)).total_seconds()
        return self._latest.token if left < MARGIN_S else None

    def _closed(self, life: Life, code: int, reason: str) -> ChatError:
        """Returns the error after which to come back, or raises the one after which to stay away."""
        # From 4000 on, the reason is the name of the code or an error code.
        name = reason if code >= 4000 and reason.replace("_", "").isalpha() else "disconnected"
        what = after_close(code)
        if what == "stay":
            raise ChatError(name, f"The connection was closed ({code}).")
        if what == "renew":
            # 4001 on an open socket is normal expiry, not a refusal.
            if not life.welcome or code >= 4500:
                self._strikes += 1
            self._refused = life.token
            if self._strikes > 1:
                raise ChatError(name, "The token was rejected.")
        return passing(name, f"The connection was closed ({code}).", retry_after_ms=life.retry_after_ms)


def _unreachable(error: Exception) -> ChatError:
    """Returns the error of a failed handshake, with the server's `Retry-After` if there was one."""
    headers = getattr(error, "headers", None) or getattr(getattr(error, "response", None), "headers", {})
    after = str(headers.get("Retry-After", ""))
    delay = server_delay(int(after) * 1000) if after.isdecimal() else None
    return passing("unreachable", f"The server cannot be reached: {error}", retry_after_ms=delay)
