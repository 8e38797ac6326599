"""The plain protocol in Python, written from docs/PROTOCOL.md alone."""

import asyncio
import json

import websockets
from parley_chat.http import quote


class PlainRoom:
    """A room through its URL: sends text and receives messages."""

    def __init__(self, chat, server, name):
        self.chat = chat
        self.url = f"{server.replace('http', 'ws', 1)}/ws/chat/{quote(name)}/"
        self.name = name
        self.messages = {}
        self.socket = None

    async def open(self, token=None):
        """Opens the room. If messages have been received, resumes after the last one."""
        query = f"?token={token or await self.chat.token()}"
        if self.messages:
            history = await self.chat.request("GET", f"history/{quote(self.name)}/")
            query += f"&since={history.headers['parley-epoch']}.{max(self.messages)}"
        self.socket = await websockets.connect(self.url + query)

    async def say(self, text, client_id=None):
        given = {"clientId": client_id} if client_id else {}
        await self.socket.send(json.dumps({"message": text, **given}))

    async def receive(self):
        """Returns the next frame: a message or an error."""
        frame = json.loads(await asyncio.wait_for(self.socket.recv(), 30))
        if "error" not in frame:
            self.messages.setdefault(frame["id"], frame)
        return frame

    def cut(self):
        self.socket.transport.abort()

    async def close(self):
        await self.socket.close(1000)
