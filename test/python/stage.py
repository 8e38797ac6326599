"""Who plays in the scenarios, and what they are held to."""

import asyncio
import uuid

from accounts import Account
from chat_client import Chat


class People:
    """Makes accounts and connections on demand, with names that no other run has."""

    def __init__(self, server):
        self.server = server
        self.chats = []

    def account(self, name):
        return Account(self.server, f"{name}-{uuid.uuid4().hex[:12]}")

    async def chat(self, name):
        return await self.sign_in(await asyncio.to_thread(self.account, name))

    async def sign_in(self, account):
        chat = Chat(account)
        self.chats.append(chat)
        await chat.start()
        return chat


def room_name():
    return f"room-{uuid.uuid4().hex[:12]}"


async def until(check):
    """Waits until a check holds; the time limit is that of a test, not of the server."""
    for _ in range(6000):
        if check():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it did not come to that")


def same_as_history(room, account):
    """The client's copy is what the server has, message by message."""
    truth = {message["id"]: state(message) for message in account.history(room.name)}
    copy = {id: state(message) for id, message in room.messages.items()}
    assert copy == truth, f"{len(copy)} messages here, {len(truth)} there"
    changed = any(message["version"] != id for id, message in truth.items())
    assert changed or sorted(truth) == list(range(1, len(truth) + 1)), "ids have holes"


def state(message):
    """What a message is, however it was heard of."""
    ways = ("type", "room", "change", "prev", "replay")
    return {key: value for key, value in message.items() if key not in ways}
