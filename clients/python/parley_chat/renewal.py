"""Keeping the token of an open socket fresh."""

import asyncio
import contextlib
import itertools
from collections.abc import Callable, Coroutine
from datetime import datetime, timezone
from typing import Any

from .errors import ChatError
from .life import Life, reply_to
from .retry import pause_after

APART_S = 2
"""The shortest time between two renewals that nobody asked for."""
WAIT_MAX_S = 1_000_000
"""A token that lives longer is renewed only when the server warns."""

Token = Callable[[str | None], Coroutine[Any, Any, str]]
"""Returns an access token other than the refused one."""


class Renewal:
    """Renews the token of one socket after half of its life, so that its source may fail for a while.

    If the clock here is wrong, the token is renewed when the server warns.
    """

    def __init__(self, life: Life, expires_at: datetime, token: Token, problem: Callable[[ChatError], None]) -> None:
        self.expires_at = expires_at
        self.expiring = asyncio.Event()
        """Set when the server warns."""
        self._life = life
        self._token = token
        self._problem = problem
        self._renewing: asyncio.Task[bool] | None = None

    async def keep(self) -> None:
        """Renews until the socket ends."""
        failed = False
        while True:
            left = (self.expires_at - datetime.now(timezone.utc)).total_seconds()
            wait = max(left / 2, APART_S) if 0 < left < WAIT_MAX_S and not failed else None
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.expiring.wait(), wait)
            self.expiring.clear()
            failed = not await self.renew()

    async def renew(self) -> bool:
        """Sends a newer token. Returns whether the server has accepted it. Concurrent calls share one renewal."""
        if not self._renewing or self._renewing.done():
            self._renewing = self._life.spawn(self._renew())
        return await asyncio.shield(self._renewing)

    async def _renew(self) -> bool:
        life = self._life
        for failures in itertools.count():
            try:
                token = await self._token(life.token)
                reply = await reply_to(life.ask, {"type": "auth", "token": token})
                if reply.error:
                    raise reply.error
            except ChatError as error:
                self._problem(error)
                if not error.retryable:
                    return False
                await asyncio.sleep(pause_after(error, failures) / 1000)
                continue
            life.token = token
            with contextlib.suppress(KeyError, TypeError, ValueError):
                self.expires_at = datetime.fromisoformat(reply.json["expiresAt"])
            return True
        raise AssertionError
