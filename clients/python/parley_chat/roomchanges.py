"""What one can change in a room."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from .files import Attachment
from .models import Ack, History, Role, UploadedFile

Change = asyncio.Future[Ack]
"""A change that waits for its outcome, across all disconnections. Cancelling it gives the change up."""


class RoomChanges(ABC):
    """Changes of a room, of its messages and of its members."""

    @abstractmethod
    def _change(
        self,
        kind: str,
        client_id: str | None,
        more: Mapping[str, Any] | None = None,
        attachments: Sequence[Attachment] = (),
        **fields: Any,
    ) -> Change:
        """Puts a change into the outbox. Fields that are None are left out; those in `more` are not."""

    def send(
        self,
        content: str,
        *,
        data: Mapping[str, Any] | None = None,
        reply_to: int | None = None,
        thread: int | None = None,
        also_room: bool = False,
        files: Sequence[Attachment | UploadedFile] = (),
        mentions: Sequence[str] | None = None,
        everyone: bool | None = None,
        client_id: str | None = None,
    ) -> Change:
        """Posts a message. Resolves once it is committed, however often the connection breaks.

        `thread`: the first message of the thread in which it replies; with `also_room`, everyone in the room sees it too.
        `mentions`: ids, or `@` and usernames, at most 50; the text alone mentions nobody. `everyone`: it mentions everyone
        in the room.

        `files`: at most 10, which are uploaded (`room.upload`) or which the outbox uploads first (`Attachment`). The
        message keeps its place in the order meanwhile, so later changes of the room wait for it.
        """
        attachments = [Attachment(id=one.id, alt=one.alt) if isinstance(one, UploadedFile) else one for one in files]
        named = [one.json for one in attachments] or None
        fields: dict[str, Any] = {
            "content": content,
            "data": data,
            "replyTo": reply_to,
            "thread": thread,
            "files": named,
        }
        fields["alsoRoom"] = also_room or None
        whom: dict[str, Any] = {"mentions": None if mentions is None else list(mentions), "everyone": everyone}
        return self._change("send", client_id, attachments=attachments, **fields, **whom)

    def edit(
        self,
        id: int,
        content: str,
        *,
        data: Mapping[str, Any] | None = None,
        drop_data: bool = False,
        mentions: Sequence[str] | None = None,
        everyone: bool | None = None,
        client_id: str | None = None,
    ) -> Change:
        """Changes the text of a message of this person. Without `data` or `mentions`, the message keeps what it has."""
        more = {"data": None} if drop_data else {}
        whom: dict[str, Any] = {"mentions": None if mentions is None else list(mentions), "everyone": everyone}
        return self._change("edit", client_id, more, id=id, content=content, data=data, **whom)

    def delete(self, id: int, *, client_id: str | None = None) -> Change:
        """Deletes a message; a tombstone stays. Those of others need the right to moderate."""
        return self._change("delete", client_id, id=id)

    def react(self, id: int, emoji: str, on: bool = True, *, client_id: str | None = None) -> Change:
        """Adds a reaction, or removes it if `on` is False."""
        return self._change("react", client_id, id=id, emoji=emoji, on=on)

    def add(self, user: str, *, role: Role | None = None, client_id: str | None = None) -> Change:
        """Adds someone to the room."""
        return self._member("in", user, client_id, role=role)

    def remove(self, user: str, *, client_id: str | None = None) -> Change:
        """Removes someone from the room."""
        return self._member("out", user, client_id)

    def set_role(self, user: str, role: Role, *, client_id: str | None = None) -> Change:
        return self._member("role", user, client_id, role=role)

    def mute(self, user: str, *, until: datetime | None = None, client_id: str | None = None) -> Change:
        """Takes someone's right to post, until `unmute` or until this time, which has a time zone."""
        return self._member("muted", user, client_id, until=until and until.isoformat())

    def unmute(self, user: str, *, client_id: str | None = None) -> Change:
        return self._member("unmuted", user, client_id)

    def ban(self, user: str, *, client_id: str | None = None) -> Change:
        """Removes someone, and keeps them out until `unban`."""
        return self._member("banned", user, client_id)

    def unban(self, user: str, *, client_id: str | None = None) -> Change:
        return self._member("unbanned", user, client_id)

    def update(
        self,
        *,
        title: str | None = None,
        topic: str | None = None,
        history: History | None = None,
        members_add: bool | None = None,
        receipts: bool | None = None,
        archived: bool | None = None,
        client_id: str | None = None,
    ) -> Change:
        """Changes the room itself. What is None stays as it is."""
        return self._change(
            "room",
            client_id,
            title=title,
            topic=topic,
            history=history,
            membersAdd=members_add,
            receipts=receipts,
            archived=archived,
        )

    def _member(self, set: str, user: str, client_id: str | None, **fields: Any) -> Change:
        return self._change("member", client_id, user=user, set=set, **fields)
