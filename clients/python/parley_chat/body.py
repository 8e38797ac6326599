"""The body of an upload."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

Source = bytes | bytearray | memoryview | Path
"""The bytes of a file, or where it is on the disk. A path is read while it is sent, so large files need no memory."""

Progress = Callable[[int, int], None]
"""Called with the bytes that have left and all of them. The first number begins anew with each attempt."""

PART = 64 * 1024


class GivenUp(Exception):
    """Nobody waits for this upload any more."""


class Body:
    """The bytes of one attempt. It is read in a thread; `progress` is called in the event loop."""

    def __init__(self, source: Source, size: int, progress: Progress | None) -> None:
        self.size = size
        self.given_up = threading.Event()
        self._source = source
        self._progress = progress
        self._loop = asyncio.get_running_loop()

    def __iter__(self) -> Iterator[bytes]:
        left = 0
        for part in self._parts():
            if self.given_up.is_set():
                raise GivenUp
            yield part
            left += len(part)
            if self._progress:
                self._loop.call_soon_threadsafe(self._progress, left, self.size)

    def _parts(self) -> Iterator[bytes]:
        if isinstance(self._source, Path):
            with self._source.open("rb") as file:
                while part := file.read(PART):
                    yield part
        else:
            view = memoryview(self._source).cast("B")
            for at in range(0, len(view), PART):
                yield bytes(view[at : at + PART])


def size_of(source: Source) -> int:
    return source.stat().st_size if isinstance(source, Path) else memoryview(source).nbytes
