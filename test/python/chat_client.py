"""A chat.v1 client in Python, written from docs/PROTOCOL.md alone, with Debian's python3-websockets (10.4)."""

import asyncio
import json
import random
import socket as sockets
import uuid

import websockets

RECONNECT_AFTER = range(4000, 4500)
"""Close codes after which a client reconnects. It also reconnects after codes below 4000, except 1000."""


class Room:
    """A client's copy of a room; see "Following a room"."""

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
        """All events of the room in order, for the tests. Messages are stored without their content."""

    @property
    def position(self):
        return None if self.epoch is None else f"{self.epoch}.{self.version}"

    def take(self, event):
        """Applies an event. Returns False if a message is missing, so that the client must join the room again."""
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
    """A person's connection, which reconnects automatically; see "A client, step by step"."""

    def __init__(self, account):
        self.account = account
        self.rooms = {}
        self.unsettled = {}
        """Changes without a final reply: clientId to (command, its fields, future of the reply)."""
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
        """Drops the TCP connection without a close frame, as a network failure does."""
        self.welcomed.clear()
        self._socket.transport.abort()

    async def join(self, name):
        room = self.rooms[name] = Room(name)
        await self._join(room)
        await self._until(room.synced)
        return room

    async def send(self, name, content):
        """Sends a message, with as many retries as it takes, and returns its acknowledgement."""
        return await self._settle("send", room=name, content=content)

    async def edit(self, name, id, content):
        return await self._settle("edit", room=name, id=id, content=content)

    async def delete(self, name, id):
        return await self._settle("delete", room=name, id=id)

    async def react(self, name, id, emoji, on=True):
        return await self._settle("react", room=name, id=id, emoji=emoji, on=on)

    async def read(self, name, id):
        """Moves the read mark. It never moves back, so a retry needs no clientId."""
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
        """Sends a command and returns its reply. Raises ConnectionError if the socket ends first, and Refused on an error."""
        self._ref += 1
        reply = self._replies[self._ref] = asyncio.get_running_loop().create_future()
        try:
            await self._socket.send(json.dumps({"type": kind, "ref": self._ref, **fields}))
        except websockets.ConnectionClosed:
            self._replies.pop(self._ref, None)
            raise ConnectionError from None
        result = await reply
        if result["type"] == "error":
            raise Refused(result)
        return result

    async def _join(self, room):
        since = {"since": room.position} if room.position else {}
        try:
            await self.ask("join", room=room.name, **since)
        except ConnectionError:
            pass  # the client joins again when it has reconnected

    async def _send(self, client_id):
        kind, fields, settled = self.unsettled[client_id]
        while not settled.done():
            try:
                reply = await self.ask(kind, clientId=client_id, **fields)
            except ConnectionError:
                return  # the outcome is unknown: the client resends the change when it has reconnected
            except Refused as refused:
                if refused.retryable:
                    await asyncio.sleep(refused.retry_after)
                    continue
                settled.set_exception(refused)
            else:
                settled.set_result(reply)
            del self.unsettled[client_id]

    async def _live(self):
        while True:
            code = await self._connection()
            self.closes.append(code)
            self.welcomed.clear()
            lost, self._replies = self._replies, {}
            for reply in lost.values():
                reply.set_exception(ConnectionError())
                reply.exception()  # marks it as retrieved, in case nobody awaits it
            if code == 1000 or (code >= 4000 and code not in RECONNECT_AFTER):
                return
            if code == 4001:
                await asyncio.to_thread(self.account.refresh)
            await asyncio.sleep(random.uniform(0, min(30, 0.5 * 2**self.attempts)))
            self.attempts += 1

    async def _connection(self):
        """Runs one socket from the handshake to its end and returns the close code."""
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

    def stop_reading(self):
        """Takes no frames until `reading` is set, and has the kernel hold few for it."""
        self.reading.clear()
        self._socket.transport.get_extra_info("socket").setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 65_536)

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
        """Rejoins every room from its last position, then resends the unsettled changes in order."""
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
