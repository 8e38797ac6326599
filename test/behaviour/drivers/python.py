"""The driver of the Python client. See docs/CLIENTS.md."""

import asyncio
import json
import sys
import urllib.request
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[3] / "clients" / "python"))

from parley_chat import Attachment, Changed, Chat, ChatError, FileStore, Message, Settled  # noqa: E402


class Driver:
    def __init__(self):
        self.chat = None
        self.joined = {}
        self.seen = {}
        self.settled = {}
        self.watching = []

    async def open(self, url, tokens, storage=None):
        async def source():
            return await asyncio.to_thread(fetch, tokens)

        self.chat = Chat(url, tokens=source, store=FileStore(storage) if storage else None)
        self.chat.connect()

    async def join(self, room):
        if room not in self.seen:
            self.seen[room], self.settled[room] = [], []
        self.joined[room] = self.chat.room(room)
        events = self.joined[room].events()
        self.watching.append(asyncio.create_task(self.watch(room, events)))

    async def watch(self, room, events):
        try:
            async for event in events:
                if isinstance(event, Changed):
                    self.seen[room].append(event.entry.version)
                elif isinstance(event, Settled):
                    self.settled[room].append(event.change["clientId"])
        except ChatError:
            pass  # `state` reports it.

    async def send(self, room, content, clientId=None, data=None, replyTo=None, files=(), **more):
        given = [Attachment(one["text"].encode(), one["name"], one.get("alt")) for one in files]
        sent = self.room(room).send(content, client_id=clientId, data=data, reply_to=replyTo, files=given, **more)
        return ack(await sent)

    async def edit(self, room, id, content):
        return ack(await self.room(room).edit(id, content))

    async def delete(self, room, id):
        return ack(await self.room(room).delete(id))

    async def react(self, room, id, emoji, on):
        return ack(await self.room(room).react(id, emoji, on))

    async def read(self, room, id):
        await self.room(room).read(id)

    async def older(self, room, limit):
        await self.room(room).older(limit)

    async def history(self, room, **query):
        page = await self.room(room).history(**query)
        return {"ids": [message.id for message in page.messages], "more": page.more}

    async def state(self, room=None):
        connection = self.chat.connection
        named = connection.state if connection.state in ("open", "closed") else "away"
        error = connection.error.code if connection.error else None
        if not room:
            return {"connection": named, "error": error}
        here = self.room(room)
        return {
            "connection": named,
            "error": error,
            "room": here.state if here.state in ("live", "out") else "away",
            "roomError": here.error.code if here.error else None,
            "more": here.more,
            "waiting": len(here.waiting),
            "lastRead": here.last_read,
            "unread": here.unread,
        }

    async def entries(self, room):
        return [entry_of(entry) for entry in self.room(room).entries]

    async def events(self, room):
        return {"seen": self.seen[room], "settled": self.settled[room]}

    async def rooms(self):
        rooms = self.chat.rooms()
        items = [
            {"room": item.room, "unread": item.unread, "last": item.last and item.last.content} for item in rooms.items
        ]
        return {"live": rooms.live, "items": items}

    async def mentions(self):
        page = await self.chat.mentions()
        return {"items": [{"room": one.room, "id": one.message.id} for one in page.items]}

    async def pin(self, room, id, on):
        here = self.room(room)
        await (here.pin(id) if on else here.unpin(id))

    async def pins(self, room):
        return {"ids": [pinned.message.id for pinned in (await self.room(room).pins()).items]}

    def room(self, name):
        if name not in self.joined:
            self.joined[name] = self.chat.room(name)
        return self.joined[name]


def fetch(url):
    with urllib.request.urlopen(url, timeout=10) as response:
        return response.read().decode()


def ack(ack):
    return {"id": ack.id, "version": ack.version, "duplicate": ack.duplicate}


def entry_of(entry):
    if not isinstance(entry, Message):
        return {"id": entry.id, "version": entry.version, "notice": entry.type}
    files = [{"name": one.name, "size": one.size, "alt": one.alt} for one in entry.files]
    return {
        "id": entry.id,
        "version": entry.version,
        "username": entry.user.username,
        "content": entry.content,
        "deleted": entry.deleted_at is not None,
        "data": entry.data and dict(entry.data),
        "replyTo": entry.reply_to,
        "reactions": {emoji: one.count for emoji, one in entry.reactions.items()},
        **({"files": files} if files else {}),
        **({} if entry.thread is None else {"thread": entry.thread}),
        **({"mentions": [user.username for user in entry.mentions]} if entry.mentions else {}),
    }


async def lines():
    reader = asyncio.StreamReader(limit=1 << 20)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        yield json.loads(line)


async def main():
    driver, tasks = Driver(), set()

    async def run(call, do, fields):
        try:
            result = await getattr(driver, do)(**fields)
            outcome = {"ok": {} if result is None else result}
        except ChatError as error:
            outcome = {"error": error.code}
        print(json.dumps({"call": call, **outcome}), flush=True)

    async for command in lines():
        task = asyncio.create_task(run(command.pop("call"), command.pop("do"), command))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
    if driver.chat:
        await driver.chat.close()


asyncio.run(main())
