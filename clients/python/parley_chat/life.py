"""One socket, from its handshake to its end, and the commands that wait for a reply on it."""

import asyncio
import contextlib
import json
from collections.abc import Callable, Coroutine
from typing import Any, Protocol, TypeVar

from websockets.exceptions import ConnectionClosed

from .errors import disconnected, too_large
from .fields import Json
from .frames import Reply, Welcome

T = TypeVar("T")

OnReply = Callable[[Reply], None]


class Socket(Protocol):
    """The part of a WebSocket that old and new versions of `websockets` share."""

    transport: asyncio.Transport

    async def send(self, message: str) -> None: ...
    async def recv(self) -> str | bytes: ...
    async def close(self, code: int = 1000) -> None: ...


class Life:
    """One socket, from its handshake to its end."""

    def __init__(self, token: str) -> None:
        self.token = token
        self.asked: dict[int, tuple[int, OnReply]] = {}
        """Commands without a reply, by `ref`: the size of the frame, and who waits."""
        self.outgoing: asyncio.Queue[str] = asyncio.Queue()
        self.welcome: Welcome | None = None
        self.pinged = False
        self.retry_after_ms: float | None = None
        """When the server wants the client back, as `closing` says."""
        self.tasks: set[asyncio.Task[Any]] = set()
        self._ref = 0

    def spawn(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Runs something that ends with the socket."""
        task = asyncio.create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        return task

    def ask(self, command: Json, reply: OnReply) -> None:
        self._ref += 1
        text = json.dumps({**command, "ref": self._ref}, ensure_ascii=False)
        size = len(text.encode(errors="replace"))
        if self.welcome and size > self.welcome.frame_bytes:
            return reply(Reply(self._ref, {}, too_large()))
        self.asked[self._ref] = (size, reply)
        self.outgoing.put_nowait(text)

    def end(self, code: int) -> None:
        """Gives commands without a reply an error, because their outcome is unknown."""
        for task in list(self.tasks):
            task.cancel()
        asked, self.asked = self.asked, {}
        # The offending frame got no reply. Which one it was is unknown, so the largest is blamed and not sent again.
        blamed = max(asked, key=lambda ref: asked[ref][0]) if asked and code in (1002, 1007, 1009) else None
        for ref, (_, reply) in asked.items():
            reply(Reply(ref, {}, too_large() if ref == blamed else disconnected()))


async def write(socket: Socket, outgoing: asyncio.Queue[str]) -> None:
    """Writes in the order of the calls."""
    with contextlib.suppress(ConnectionClosed):
        while True:
            await socket.send(await outgoing.get())


async def reply_to(ask: Callable[[Json, OnReply], None], command: Json) -> Reply:
    arrived: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()

    def reply(frame: Reply) -> None:
        if not arrived.done():
            arrived.set_result(frame)

    ask(command, reply)
    return await arrived


async def hang_up(socket: Socket, politely: bool) -> None:
    """Ends a socket: with a close frame if the client wants to leave, at once if the server does not respond."""
    if politely:
        with contextlib.suppress(Exception):
            await socket.close(1000)
    socket.transport.abort()
