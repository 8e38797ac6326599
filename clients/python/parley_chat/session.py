"""The tokens: who is signed in, and renewals."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from .errors import ChatError, passing, unexpected
from .fields import Fields
from .http import Http, Response
from .models import Account
from .store import Kept

TokenSource = Callable[[], Awaitable[str]]
"""Returns a new token of your own product. Called for the first one, and when one was refused or is about to expire."""


@dataclass(frozen=True, slots=True)
class Held:
    account: Account
    access: str
    refresh: str


class Session:
    """Holds the tokens and renews them. `changed` is called when someone signs in or out, perhaps with the reason."""

    def __init__(
        self,
        http: Http,
        kept: Kept,
        tokens: TokenSource | None,
        changed: Callable[[Account | None, ChatError | None], None],
    ) -> None:
        self._http = http
        self._kept = kept
        self._tokens = tokens
        self._changed = changed
        self._given: str | None = None
        self._renewing: asyncio.Task[str] | None = None
        self._held = None if tokens else _held_in(kept.get("session"))

    @property
    def signed_in(self) -> bool:
        """Whether there is an account or a source of tokens."""
        return bool(self._tokens or self._held)

    @property
    def account(self) -> Account | None:
        return self._held.account if self._held else None

    async def enter(self, path: str, body: Mapping[str, object]) -> Account:
        """Registers or logs in."""
        held = _held_in((await self._http("POST", path, body=body)).body)
        if not held:
            raise unexpected()
        self._become(held, None)
        return held.account

    async def leave(self) -> None:
        """Forgets the tokens, then ends the session on the server."""
        held, self._given = self._held, None
        self._become(None, None)
        if held:
            await self._http("POST", "account/logout/", body={"refresh": held.refresh})

    async def token(self, refused: str | None = None) -> str:
        """Returns an access token other than the refused one. Concurrent calls share one renewal.

        Raises `signed_out`, `token_failed`, or the server's refusal to renew the token.
        """
        in_hand = self._given or (self._held.access if self._held else None)
        if in_hand and in_hand != refused:
            return in_hand
        if not self._renewing:
            self._renewing = asyncio.create_task(self._renew())
            self._renewing.add_done_callback(self._renewed)
        # A caller that gives up must not end the renewal: its refresh token can be used only once.
        return await asyncio.shield(self._renewing)

    async def request(self, method: str, path: str, **call: Any) -> Response:
        """Makes a request with the token. If the token is refused, renews it and repeats the request once."""
        token = await self.token()
        try:
            return await self._http(method, path, token=token, **call)
        except ChatError as error:
            if error.status != 401 and not error.claim:
                raise
        return await self._http(method, path, token=await self.token(token), **call)

    def absolute(self, url: str) -> str:
        """Returns the whole address of something that the server names by a path."""
        return self._http.absolute(url)

    def _renewed(self, task: asyncio.Task[str]) -> None:
        self._renewing = None
        if not task.cancelled():
            task.exception()  # Marks it as seen: those who still wait get it anyway.

    async def _renew(self) -> str:
        if self._tokens:
            self._given = await self._ask(self._tokens)
            return self._given
        held = self._held
        if not held:
            raise ChatError("signed_out", "Nobody is signed in.")
        try:
            response = await self._http("POST", "account/refresh/", body={"refresh": held.refresh})
        except ChatError as error:
            # The session ended. Other errors, such as a proxy's page or a lost network, do not end it.
            if error.status == 401 and not error.retryable and self._held is held:
                self._become(None, error)
            raise
        pair = Fields(response.body)
        renewed = Held(held.account, pair.text("access"), pair.text("refresh"))
        if self._held is not held:
            raise ChatError("signed_out", "Nobody is signed in.")
        # Stored before it is used: the old refresh token is valid for only one more minute.
        self._held = renewed
        self._keep()
        return renewed.access

    async def _ask(self, tokens: TokenSource) -> str:
        try:
            token = await tokens()
        except ChatError:
            raise
        except Exception as error:
            raise passing("token_failed", f"No token: {error}") from error
        if not isinstance(token, str) or not token:
            raise passing("token_failed", "No token: not a text.")
        return token

    def _become(self, held: Held | None, error: ChatError | None) -> None:
        self._held = held
        self._keep()
        self._changed(self.account, error)

    def _keep(self) -> None:
        held = self._held
        # If the store fails, the session lasts as long as the process.
        with contextlib.suppress(OSError):
            self._kept.put(
                "session",
                held
                and {
                    "access": held.access,
                    "refresh": held.refresh,
                    "username": held.account.username,
                    "email": held.account.email,
                },
            )


def _held_in(value: object) -> Held | None:
    try:
        f = Fields(value)
        return Held(Account(f.text("username"), f.text("email")), f.text("access"), f.text("refresh"))
    except ChatError:
        return None
