"""People, rooms and checks for the scenarios."""

import asyncio
import uuid

from accounts import Account
from chat_client import Chat


class People:
    """Creates accounts and connections on demand, with unique names."""

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
    """Waits until a check holds, for at least 60 seconds. That is the test's time limit, not one of the server."""
    for _ in range(6000):
        if check():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("the condition did not hold within the time limit")


def same_as_history(room, account):
    """Asserts that the client's copy equals the server's history, message by message."""
    truth = {message["id"]: state(message) for message in account.history(room.name)}
    copy = {id: state(message) for id, message in room.messages.items()}
    assert copy == truth, f"the copies differ: {len(copy)} messages in the client, {len(truth)} on the server"
    changed = any(message["version"] != id for id, message in truth.items())
    assert changed or sorted(truth) == list(range(1, len(truth) + 1)), "ids have gaps"


def state(message):
    """Returns the fields of a message that do not depend on how it was delivered."""
    ways = ("type", "room", "change", "prev", "replay")
    return {key: value for key, value in message.items() if key not in ways}
