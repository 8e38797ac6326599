"""Files: uploading them, and finding out where they can be loaded."""

import asyncio
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .body import Body, Progress, Source, size_of
from .connection import Connection
from .errors import ChatError
from .fields import Fields
from .frames import uploaded_in
from .http import Response, quote, steadily
from .models import FileUrls, UploadedFile
from .session import Session

AT_ONCE = 2
"""How many uploads run at once."""
MOST = 50
"""How many ids one request may have."""
FRESH_S = 4 * 60
"""How long an address is given out after it was requested. It works for at least 5 minutes."""
HELD_S = 5
"""Time between two questions about a file that waits for a scanner."""


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file to send with `send`: either one that is uploaded (`id`), or one that the outbox uploads (`source`)."""

    source: Source | None = None
    name: str | None = None
    """Defaults to the name of a path."""
    alt: str | None = None
    """What it shows: one line of at most 500 characters."""
    id: str | None = None

    @property
    def json(self) -> dict[str, str]:
        """The file as a message that waits names it."""
        fields = {"id": self.id, "name": None if self.id else self.called or None, "alt": self.alt}
        return {name: value for name, value in fields.items() if value is not None}

    @property
    def called(self) -> str:
        """What the server is told that it is called."""
        return self.name or (self.source.name if isinstance(self.source, Path) else "")


class Files:
    """Uploads files and finds their addresses, for all rooms of a chat."""

    def __init__(self, session: Session, connection: Connection) -> None:
        self._session = session
        self._connection = connection
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._known: dict[str, tuple[float, FileUrls]] = {}

    async def upload(
        self, room: str, file: Attachment, *, client_id: str | None = None, progress: Progress | None = None
    ) -> UploadedFile:
        """Uploads a file. Repeats the same request until its outcome is known."""
        source = file.source
        if source is None:
            raise ChatError("invalid", "There is no file to upload.")
        async with self._turns:
            await self._session.token()
            await self._connection.opened()
            total = await asyncio.to_thread(size_of, source)
            most = self._connection.file_bytes
            if most is not None and total > most:
                raise ChatError("file_too_large", f"The server takes files of at most {most} bytes.")
            path = f"rooms/{quote(room)}/files/{(client_id or str(uuid.uuid4())).lower()}/"

            async def attempt() -> Response:
                body = Body(source, total, progress)
                try:
                    return await self._session.request("PUT", path, query={"name": file.called}, upload=body)
                finally:
                    body.given_up.set()

            return uploaded_in(Fields((await steadily(attempt)).body))

    async def cleared(self, room: str, client_id: str, file: UploadedFile) -> UploadedFile:
        """Waits until the server's scanner has let a file through. Raises `file_rejected` if it does not."""
        while file.held:
            await asyncio.sleep(HELD_S)
            path = f"rooms/{quote(room)}/files/{client_id}/"
            file = uploaded_in(Fields((await steadily(lambda: self._session.request("GET", path))).body))
        return file

    async def urls(self, room: str, ids: Sequence[str], fresh: bool) -> dict[str, FileUrls]:
        """Returns the addresses of files by their ids, without those that the person may not see."""
        now = asyncio.get_running_loop().time()
        self._known = {id: one for id, one in self._known.items() if one[0] > now - FRESH_S}
        wanted = [id for id in dict.fromkeys(ids) if fresh or id not in self._known]
        for at in range(0, len(wanted), MOST):
            query = {"ids": ",".join(wanted[at : at + MOST])}
            path = f"rooms/{quote(room)}/files/"
            response = await steadily(lambda: self._session.request("GET", path, query=query))
            for item in response.body if isinstance(response.body, list) else []:
                found = self._urls_in(Fields(item))
                self._known[found.id] = (now, found)
        return {id: self._known[id][1] for id in ids if id in self._known}

    def _urls_in(self, fields: Fields) -> FileUrls:
        urls = Fields(fields.object("urls"))
        absolute = self._session.absolute
        preview, large = (urls.maybe(urls.text, name) for name in ("preview", "large"))
        return FileUrls(
            id=fields.text("id"),
            ends_at=fields.time("endsAt"),
            original=absolute(urls.text("original")),
            preview=preview and absolute(preview),
            large=large and absolute(large),
        )
