"""Uploading the files of messages that wait in the outbox."""

import asyncio
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from .entry import Entry
from .errors import ChatError
from .files import Attachment, Files


class Uploads:
    """Uploads the files of messages.

    `changed` is called when one moves on, and `done` when all files of a message are uploaded, or with an error.
    """

    def __init__(
        self, files: Files, changed: Callable[[Entry], None], done: Callable[[Entry, ChatError | None], None]
    ) -> None:
        self._files = files
        self._changed = changed
        self._done = done

    def start(self, entry: Entry) -> None:
        """Lets a message wait until its files are uploaded, if they are not."""
        if entry.lacks_files:
            entry.uploading = asyncio.create_task(self._all(entry))

    def again(self, entry: Entry) -> bool:
        """Uploads again what the server does not have any more. Returns False if it cannot, or did so before."""
        if entry.again or not any(one.source is not None for one in entry.attachments):
            return False
        entry.again = True
        for at, one in enumerate(entry.attachments):
            if one.source is not None:
                self._describe(entry, at, one.json)
        self.start(entry)
        return True

    async def _all(self, entry: Entry) -> None:
        error: ChatError | None = None
        try:
            async with asyncio.TaskGroup() as group:
                for at in range(len(entry.attachments)):
                    group.create_task(self._one(entry, at))
        except* ChatError as failed:
            error = next(one for one in failed.exceptions if isinstance(one, ChatError))
        except* OSError as failed:
            error = ChatError("invalid", f"A file cannot be read: {failed.exceptions[0]}")
        entry.uploading = None
        self._done(entry, error)

    async def _one(self, entry: Entry, at: int) -> None:
        file = entry.attachments[at]
        if "id" in entry.change["files"][at]:
            return
        client_id = str(uuid.uuid4())

        def progress(left: int, total: int) -> None:
            if "id" not in entry.change["files"][at]:
                self._describe(entry, at, {**file.json, "loaded": left, "size": total})

        stored = await self._files.upload(entry.room, file, client_id=client_id, progress=progress)
        stored = await self._files.cleared(entry.room, client_id, stored)
        self._describe(entry, at, Attachment(id=stored.id, alt=file.alt).json)

    def _describe(self, entry: Entry, at: int, file: Mapping[str, Any]) -> None:
        files = [*entry.change["files"]]
        files[at] = file
        entry.change = {**entry.change, "files": files}
        self._changed(entry)


def stop(entry: Entry) -> None:
    """Ends the uploads of a message that nobody waits for any more."""
    task, entry.uploading = entry.uploading, None
    if task:
        task.cancel()
