"""A client of Parley, a chat server with exact delivery.

>>> async with Chat("https://chat.example.com") as chat:
...     await chat.login("ada@example.com", "correct horse battery")
...     room = chat.room("lobby")
...     await room.send("Good morning")
...     async for message in room:
...         print(message.user.shown, message.content)
"""

from .chat import Chat
from .errors import ChatError
from .facts import Facts
from .frames import Changed, Joined, Lagging, Left, Presence, ReadMark, Receipt, Synced, Typing
from .http import Response
from .models import (
    Account,
    Ack,
    ConnectionState,
    Entry,
    HistoryPage,
    LastMessage,
    Member,
    Message,
    Notice,
    Page,
    Reaction,
    RoomSummary,
    User,
)
from .outbox import Settled
from .room import Room, RoomEvent
from .roomlist import RoomList
from .session import TokenSource
from .store import FileStore, Store

__version__ = "0.1.0"

__all__ = [
    "Account",
    "Ack",
    "Changed",
    "Chat",
    "ChatError",
    "ConnectionState",
    "Entry",
    "Facts",
    "FileStore",
    "HistoryPage",
    "Joined",
    "Lagging",
    "LastMessage",
    "Left",
    "Member",
    "Message",
    "Notice",
    "Page",
    "Presence",
    "Reaction",
    "ReadMark",
    "Receipt",
    "Response",
    "Room",
    "RoomEvent",
    "RoomList",
    "RoomSummary",
    "Settled",
    "Store",
    "Synced",
    "TokenSource",
    "Typing",
    "User",
]
