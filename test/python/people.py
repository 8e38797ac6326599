"""Accounts and rooms with unique names, and checks."""

import asyncio
import contextlib
import uuid

from parley_chat import Chat, ChatError

PASSWORD = "correct horse battery"


class People:
    """Opens chats of people with new accounts, and closes them at the end."""

    def __init__(self, server):
        self.server = server
        self._chats = contextlib.AsyncExitStack()

    async def __aenter__(self):
        return self

    async def __aexit__(self, *error):
        await self._chats.aclose()

    async def chat(self, **options):
        """Opens a chat of nobody yet."""
        return await self._chats.enter_async_context(Chat(self.server, **options))

    async def join(self, name, **options):
        """Opens a chat of somebody with a new account, which begins with this name."""
        chat = await self.chat(**options)
        await chat.register(f"{unique(name)}@example.com", PASSWORD)
        chat.connect()
        await until(lambda: chat.me)
        return chat


def unique(name="room"):
    return f"{name}-{uuid.uuid4().hex[:12]}"


async def until(check):
    """Waits until a check holds, for at least 60 seconds. That is the test's time limit, not one of the server."""
    for _ in range(6000):
        if check():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("the condition did not hold within the time limit")


@contextlib.asynccontextmanager
async def refused(code):
    """Expects a `ChatError` with this code."""
    try:
        yield
    except ChatError as error:
        assert error.code == code, f"the code is {error.code} instead of {code}"
    else:
        raise AssertionError(f"accepted instead of refused with {code}")
