"""Requests over HTTP, with the standard library, in a thread."""

import asyncio
import contextlib
import http.client
import json
import re
import ssl
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from .body import Body, GivenUp
from .errors import ChatError, passing, unexpected
from .fields import error_in, parse
from .retry import pause_after, server_delay

LIMIT_S = 15
"""Timeout of a request, in seconds."""
UPLOAD_S = 60
"""An upload in which nothing moves for so long has failed, in seconds."""


@dataclass(frozen=True, slots=True)
class Response:
    """A response that is not an error. `body` is its JSON, or None if the status is 204."""

    body: Any
    headers: Mapping[str, str]

    def cursor(self, name: str) -> str | None:
        """Returns a parameter of the link to the next page."""
        found = re.search(rf"[?&]{name}=([^&>]+)[^>]*>; rel=\"next\"", self.headers.get("link", ""))
        return urllib.parse.unquote(found[1]) if found else None


class Http:
    """Makes requests to one server. `base` ends with a slash."""

    def __init__(self, base: str, tls: ssl.SSLContext | None) -> None:
        self._base = base
        self._tls = tls

    async def __call__(
        self,
        method: str,
        path: str,
        *,
        body: object = None,
        query: Mapping[str, object] | None = None,
        token: str | None = None,
        upload: Body | None = None,
    ) -> Response:
        """Makes one request, whose body is JSON or an upload.

        Raises the error in the response; `unreachable`; `bad_answer` if it is not Parley's.

        Parameters in `query` that are None are left out.
        """
        given = {name: value for name, value in (query or {}).items() if value is not None}
        url = f"{self._base}{path}?{urllib.parse.urlencode(given)}" if given else self._base + path
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        data = None
        if upload:
            return await asyncio.to_thread(self._upload, url, headers, upload)
        if body is not None:
            data = json.dumps(body).encode()
            headers["Content-Type"] = "application/json"
        request = urllib.request.Request(url, data, headers, method=method)
        return await asyncio.to_thread(self._send, request)

    def absolute(self, url: str) -> str:
        """Returns the whole address of something that the server names by a path."""
        return urllib.parse.urljoin(self._base, url.removeprefix("/"))

    def _upload(self, url: str, headers: Mapping[str, str], body: Body) -> Response:
        parts = urllib.parse.urlsplit(url)
        host = parts.hostname or ""
        link = (
            http.client.HTTPSConnection(host, parts.port, timeout=UPLOAD_S, context=self._tls)
            if parts.scheme == "https"
            else http.client.HTTPConnection(host, parts.port, timeout=UPLOAD_S)
        )
        try:
            link.putrequest("PUT", f"{parts.path}?{parts.query}")
            for name, value in {**headers, "Content-Length": str(body.size)}.items():
                link.putheader(name, value)
            link.endheaders()
            # A server that refuses an upload can close the connection before it has read all of it.
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                for part in body:
                    link.send(part)
            response = link.getresponse()
            return _read(response.status, dict(response.getheaders()), response.read())
        except (OSError, ValueError, GivenUp, http.client.HTTPException) as error:
            raise passing("unreachable", f"The server cannot be reached: {error}") from error
        finally:
            link.close()

    def _send(self, request: urllib.request.Request) -> Response:
        try:
            with urllib.request.urlopen(request, timeout=LIMIT_S, context=self._tls) as response:
                return _read(response.status, dict(response.headers.items()), response.read())
        except urllib.error.HTTPError as error:
            with error:
                return _read(error.code, dict(error.headers.items()), error.read())
        except (OSError, ValueError, urllib.error.URLError) as error:
            raise passing("unreachable", f"The server cannot be reached: {error}") from error


def _read(status: int, named: Mapping[str, str], text: bytes) -> Response:
    headers = {name.lower(): value for name, value in named.items()}
    if status == 204:
        return Response(None, headers)
    body = parse(text)
    if 200 <= status < 300 and isinstance(body, (dict, list)):
        return Response(body, headers)
    # Parley's errors have `retryable`. Those of a proxy in front of it do not.
    if isinstance(body, dict) and isinstance(body.get("code"), str) and isinstance(body.get("retryable"), bool):
        raise error_in(body, status)
    after = headers.get("retry-after", "")
    error = unexpected(f"Unexpected response ({status}).")
    error.status = status
    error.retry_after_ms = server_delay(int(after) * 1000) if after.isdecimal() else None
    raise error


def quote(text: str) -> str:
    """Percent-encodes a room or a person for a path."""
    return urllib.parse.quote(text, safe="@")


async def steadily(attempt: Callable[[], Awaitable[Response]]) -> Response:
    """Repeats an idempotent request until its outcome is known. Raises errors that are not retryable."""
    failures = 0
    while True:
        try:
            return await attempt()
        except ChatError as error:
            if not error.retryable:
                raise
            await asyncio.sleep(pause_after(error, failures) / 1000)
            failures += 1
