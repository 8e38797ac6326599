"""What one can change in a room."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from .models import Ack, History, Role

Change = asyncio.Future[Ack]
"""A change that waits for its outcome, across all disconnections. Cancelling it gives the change up."""


class RoomChanges(ABC):
    """Changes of a room, of its messages and of its members."""

    @abstractmethod
    def _change(self, kind: str, client_id: str | None, more: Mapping[str, Any] | None = None, **fields: Any) -> Change:
        """Puts a change into the outbox. Fields that are None are left out; those in `more` are not."""

    def send(
        self,
        content: str,
        *,
        data: Mapping[str, Any] | None = None,
        reply_to: int | None = None,
        client_id: str | None = None,
    ) -> Change:
        """Posts a message. Resolves once it is committed, however often the connection breaks."""
        return self._change("send", client_id, content=content, data=data, replyTo=reply_to)

    def edit(
        self,
        id: int,
        content: str,
        *,
        data: Mapping[str, Any] | None = None,
        drop_data: bool = False,
        client_id: str | None = None,
    ) -> Change:
        """Changes the text of a message of this person. Without `data`, the message keeps what it has."""
        more = {"data": None} if drop_data else {}
        return self._change("edit", client_id, more, id=id, content=content, data=data)

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
