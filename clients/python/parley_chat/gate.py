"""Waiting for the next change of something."""

import asyncio


class Gate:
    """Lets everyone pass who waits at the moment at which it opens."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    async def wait(self) -> None:
        await self._event.wait()

    def open(self) -> None:
        self._event.set()
        self._event.clear()
