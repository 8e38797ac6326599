"""Events for `async for`."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from typing import Generic, TypeVar

from .errors import ChatError

T = TypeVar("T")

MAX = 10_000
"""The most events that may wait for a slow reader."""


class Stream(Generic[T]):
    """Turns pushed events into an iteration. It throws `too_slow` if more than 10,000 events wait."""

    def __init__(self) -> None:
        self._queue: deque[T] = deque()
        self._wake = asyncio.Event()
        self._ended = False
        self._error: ChatError | None = None

    def push(self, event: T) -> None:
        if self._ended:
            return
        self._queue.append(event)
        if len(self._queue) > MAX:
            self._queue.clear()
            self.end(ChatError("too_slow", "The reader is too slow."))
        self._wake.set()

    def end(self, error: ChatError | None = None) -> None:
        """Ends the iteration after what was pushed, with an error or without."""
        if not self._ended:
            self._ended, self._error = True, error
        self._wake.set()

    async def iterate(self) -> AsyncIterator[T]:
        while True:
            while self._queue:
                yield self._queue.popleft()
            if self._ended:
                if self._error:
                    raise self._error
                return
            self._wake.clear()
            await self._wake.wait()
