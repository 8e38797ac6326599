"""A client of Parley, a chat server with exact delivery.

>>> async with Chat("https://chat.example.com") as chat:
...     await chat.login("ada@example.com", "correct horse battery")
...     room = chat.room("lobby")
...     await room.send("Good morning")
...     async for message in room:
...         print(message.user.shown, message.content)
"""

from .body import Progress, Source
from .chat import Chat
from .errors import ChatError
from .facts import Facts
from .files import Attachment
from .frames import Changed, Joined, Lagging, Left, Presence, ReadMark, Receipt, Synced, Typing
from .http import Response
from .kept import Pinned, Saved
from .mentions import Mention
from .models import (
    Account,
    Ack,
    ConnectionState,
    Entry,
    FileUrls,
    HistoryPage,
    LastMessage,
    Member,
    Message,
    Notice,
    Page,
    Reaction,
    RoomSummary,
    UploadedFile,
    User,
)
from .outbox import Settled
from .room import Room, RoomEvent
from .roomlist import RoomList
from .search import Found, FoundPage
from .session import TokenSource
from .store import FileStore, Store

__version__ = "0.1.0"

__all__ = [
    "Account",
    "Ack",
    "Attachment",
    "Changed",
    "Chat",
    "ChatError",
    "ConnectionState",
    "Entry",
    "Facts",
    "FileStore",
    "FileUrls",
    "Found",
    "FoundPage",
    "HistoryPage",
    "Joined",
    "Lagging",
    "LastMessage",
    "Left",
    "Member",
    "Mention",
    "Message",
    "Notice",
    "Page",
    "Pinned",
    "Presence",
    "Progress",
    "Reaction",
    "ReadMark",
    "Receipt",
    "Response",
    "Room",
    "RoomEvent",
    "RoomList",
    "RoomSummary",
    "Saved",
    "Settled",
    "Source",
    "Store",
    "Synced",
    "TokenSource",
    "Typing",
    "UploadedFile",
    "User",
]
