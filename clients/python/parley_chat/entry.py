"""A change that waits in the outbox."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from .files import Attachment
from .models import Ack

Item = dict[str, Any]
Change = Mapping[str, Any]
"""A change as it is sent: `type`, `room`, `clientId` and more. The `clientId` makes it idempotent."""


class Entry:
    def __init__(
        self, change: Change, epoch: str | None, user: str | None, attachments: Sequence[Attachment] = ()
    ) -> None:
        self.change = change
        self.attachments = list(attachments)
        """The files of a message. Those that have a source can be uploaded again."""
        self.uploading: asyncio.Task[None] | None = None
        self.again = False
        """Its files were uploaded again, because the server did not have them any more."""
        self.epoch = epoch
        """The epoch of the ids in the change, if it was known."""
        self.user = user
        """The id of the person who made it, if it was known."""
        self.in_flight = False
        self.covered = False
        """A newer token was requested for it."""
        self.outcome: asyncio.Future[Ack] = asyncio.get_running_loop().create_future()

    @property
    def room(self) -> str:
        return str(self.change["room"])

    @property
    def names_message(self) -> bool:
        """Whether the change depends on the epoch of the ids in it."""
        return any(name in self.change for name in ("id", "replyTo", "thread"))

    @property
    def lacks_files(self) -> bool:
        """Whether a file of the message is not uploaded."""
        return any("id" not in file for file in self.change.get("files") or ())

    @property
    def item(self) -> Item:
        """The change as the store keeps it."""
        return {"change": dict(self.change), "epoch": self.epoch, "user": self.user}
