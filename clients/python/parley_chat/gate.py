"""Waiting for the next change of something."""

import asyncio
from collections.abc import AsyncIterator


class Gate:
    """Lets everyone pass who waits at the moment at which it opens."""

    def __init__(self) -> None:
        self._event = asyncio.Event()
        self._count = 0

    async def wait(self) -> None:
        await self._event.wait()

    async def each(self) -> AsyncIterator[None]:
        """Yields after the gate has opened, also if that happened while the reader was busy."""
        seen = self._count
        while True:
            while self._count == seen:
                await self._event.wait()
            seen = self._count
            yield

    def open(self) -> None:
        self._count += 1
        self._event.set()
        self._event.clear()
