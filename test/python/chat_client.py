"""A client of chat.v1 in Python, written from docs/PROTOCOL.md alone, with Debian's python3-websockets (10.4)."""

import asyncio
import json
import random
import uuid

import websockets

RETURN_FROM = range(4000, 4500)
"""Close codes after which a client comes back; below 4000 too, but for 1000."""


class Room:
    """A client's copy of a room: "Following a room"."""

    def __init__(self, name):
        self.name = name
        self.epoch = None
        self.version = 0
        self.messages = {}
        self.rejoining = False
        self.last_read = 0
        self.unread = 0
        self.synced = asyncio.Event()
        self.seen = []
        """Every event of the room, by type, for whoever wants to know how it came to be what it is."""

    @property
    def position(self):
        return None if self.epoch is None else f"{self.epoch}.{self.version}"

    def take(self, event):
        """Applies an event. False: something was missed, the room is to be joined again."""
        kind = event["type"]
        self.seen.append({**event, "content": None} if kind == "message" else event)
        if kind == "joined":
            self.rejoining = False
            self.last_read = event.get("lastRead", self.last_read)
            self.unread = event.get("unread", self.unread)
            if not event["resumed"]:
                self.epoch, self.version, self.messages = event["epoch"], event["version"], {}
        elif kind == "message" and not self.rejoining and event["version"] > self.version:
            if "prev" in event and event["prev"] != self.version:
                self.rejoining = True
                return False
            self.messages[event["id"]] = event
            self.version = event["version"]
        elif kind == "synced":
            self.version = max(self.version, event["version"])
            self.synced.set()
        elif kind == "lagging":
            self.synced.clear()
        elif kind == "read":
            self.last_read = event["id"]
        return True

    def take_history(self, message):
        known = self.messages.get(message["id"])
        if known is None or known["version"] < message["version"]:
            self.messages[message["id"]] = message


class Refused(Exception):
    """The reply to a command was an error."""

    def __init__(self, error):
        super().__init__(f"{error['code']}: {error['message']}")
        self.code = error["code"]
        self.retryable = error["retryable"]
        self.retry_after = error.get("retryAfterMs", 500) / 1000


class Chat:
    """One person's connection, which comes back by itself: "A client, step by step"."""

    def __init__(self, account):
        self.account = account
        self.rooms = {}
        self.unsettled = {}
        """What was sent and not answered for good: clientId to (command, its fields, future of the reply)."""
        self.welcomed = asyncio.Event()
        self.reading = asyncio.Event()
        self.reading.set()
        self.closes = []
        self.attempts = 0
        self._socket = None
        self._replies = {}
        self._ref = 0
        self._tasks = set()
        self._life = None

    async def start(self):
        self._life = asyncio.create_task(self._live())
        await self._until(self.welcomed)

    async def stop(self):
        self._life.cancel()
        if self._socket:
            await self._socket.close(1000)

    def cut(self):
        """Ends the TCP connection without a word, as a network does."""
        self.welcomed.clear()
        self._socket.transport.abort()

    async def join(self, name):
        room = self.rooms[name] = Room(name)
        await self._join(room)
        await self._until(room.synced)
        return room

    async def send(self, name, content):
        """Sends a message, as often as it takes; answers its acknowledgement."""
        return await self._settle("send", room=name, content=content)

    async def edit(self, name, id, content):
        return await self._settle("edit", room=name, id=id, content=content)

    async def delete(self, name, id):
        return await self._settle("delete", room=name, id=id)

    async def react(self, name, id, emoji, on=True):
        return await self._settle("react", room=name, id=id, emoji=emoji, on=on)

    async def read(self, name, id):
        """Moves the read mark: it never goes back, so it may be sent again without a clientId."""
        await self.ask("read", room=name, id=id)

    async def _settle(self, kind, **fields):
        client_id = str(uuid.uuid4())
        settled = asyncio.get_running_loop().create_future()
        self.unsettled[client_id] = (kind, fields, settled)
        if self.welcomed.is_set():
            self._spawn(self._send(client_id))
        return await settled

    async def load(self, room):
        """Pages back through all of a room's history."""
        before = {}
        while True:
            page = await self.ask("history", room=room.name, **before)
            for message in page["messages"]:
                room.take_history(message)
            if not page["more"]:
                return
            before = {"before": page["messages"][0]["id"]}

    async def ask(self, kind, **fields):
        """Sends a command and answers its reply. ConnectionError: the socket ended before it came."""
        self._ref += 1
        reply = self._replies[self._ref] = asyncio.get_running_loop().create_future()
        try:
            await self._socket.send(json.dumps({"type": kind, "ref": self._ref, **fields}))
        except websockets.ConnectionClosed:
            self._replies.pop(self._ref, None)
            raise ConnectionError from None
        answer = await reply
        if answer["type"] == "error":
            raise Refused(answer)
        return answer

    async def _join(self, room):
        since = {"since": room.position} if room.position else {}
        try:
            await self.ask("join", room=room.name, **since)
        except ConnectionError:
            pass  # it is joined again when the client is back

    async def _send(self, client_id):
        kind, fields, settled = self.unsettled[client_id]
        while not settled.done():
            try:
                answer = await self.ask(kind, clientId=client_id, **fields)
            except ConnectionError:
                return  # not known: it is sent again when the client is back
            except Refused as refused:
                if refused.retryable:
                    await asyncio.sleep(refused.retry_after)
                    continue
                settled.set_exception(refused)
            else:
                settled.set_result(answer)
            del self.unsettled[client_id]

    async def _live(self):
        while True:
            code = await self._connection()
            self.closes.append(code)
            self.welcomed.clear()
            lost, self._replies = self._replies, {}
            for reply in lost.values():
                reply.set_exception(ConnectionError())
                reply.exception()  # whoever waits for it is told; nobody may be waiting
            if code == 1000 or (code >= 4000 and code not in RETURN_FROM):
                return
            if code == 4001:
                await asyncio.to_thread(self.account.refresh)
            await asyncio.sleep(random.uniform(0, min(30, 0.5 * 2**self.attempts)))
            self.attempts += 1

    async def _connection(self):
        """One socket, from the handshake to its end; answers the close code."""
        url = self.account.server.replace("http", "ws", 1) + "/ws/"
        protocols = ["chat.v1", f"bearer.{self.account.token}"]
        try:
            async with websockets.connect(url, subprotocols=protocols, max_size=131_072) as socket:
                self._socket = socket
                while True:
                    await self.reading.wait()
                    self._take(json.loads(await socket.recv()))
        except websockets.ConnectionClosed as closed:
            return closed.rcvd.code if closed.rcvd else 1006
        except (OSError, websockets.InvalidHandshake):
            return 1006

    def _take(self, frame):
        kind = frame["type"]
        if kind in ("ok", "error"):
            reply = self._replies.pop(frame.get("ref"), None)
            if reply and not reply.done():
                reply.set_result(frame)
        elif kind == "welcome":
            self.attempts = 0
            self.welcomed.set()
            self._spawn(self._return())
        elif frame.get("room") in self.rooms and not self.rooms[frame["room"]].take(frame):
            self._spawn(self._join(self.rooms[frame["room"]]))

    async def _return(self):
        """Joins every room from where it was left, and sends again what is unsettled, in its order."""
        for room in list(self.rooms.values()):
            room.synced.clear()
            await self._join(room)
        for client_id in list(self.unsettled):
            self._spawn(self._send(client_id))

    def _spawn(self, coroutine):
        task = asyncio.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _until(self, event):
        await asyncio.wait_for(event.wait(), 60)
