"""The plain protocol in Python, written from docs/PROTOCOL.md alone."""

import asyncio
import json

import websockets

from accounts import quote


class PlainRoom:
    """A room through its URL: sends text and receives messages."""

    def __init__(self, account, name):
        self.account = account
        self.name = name
        self.messages = {}
        self.socket = None

    async def open(self):
        """Opens the room. If messages have been received, resumes after the last one."""
        since = ""
        if self.messages:
            epoch = await asyncio.to_thread(self.account.epoch, self.name)
            since = f"?since={epoch}.{max(self.messages)}"
        url = f"{self.account.server.replace('http', 'ws', 1)}/ws/chat/{quote(self.name)}/{since}"
        headers = {"Authorization": f"Bearer {self.account.token}"}
        self.socket = await websockets.connect(url, extra_headers=headers)

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
