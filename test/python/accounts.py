"""Accounts and the HTTP API of a Parley server, as described in docs/PROTOCOL.md. Needs only Python."""

import json
import re
import urllib.error
import urllib.parse
import urllib.request

PASSWORD = "correct horse battery"


class Problem(Exception):
    """An error response of the server: a problem document."""

    def __init__(self, document):
        super().__init__(f"{document['code']}: {document['detail']}")
        self.code = document["code"]
        self.retryable = document["retryable"]


def request(server, method, path, body=None, token=None):
    """Sends a request and returns the parsed body and the headers. Raises Problem if the server responds with an error."""
    headers = {"Content-Type": "application/json"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    data = None if body is None else json.dumps(body).encode()
    call = urllib.request.Request(server + path, data, headers, method=method)
    try:
        with urllib.request.urlopen(call, timeout=30) as response:
            return json.loads(response.read() or b"null"), response.headers
    except urllib.error.HTTPError as error:
        raise Problem(json.load(error)) from None


class Account:
    """A registered person and their tokens."""

    def __init__(self, server, name):
        self.server = server
        self.email = f"{name}@example.com"
        body = {"email": self.email, "password": PASSWORD, "password2": PASSWORD}
        self._keep(request(server, "POST", "/account/reg/", body)[0])

    def log_in(self):
        self._keep(request(self.server, "POST", "/account/login/", {"email": self.email, "password": PASSWORD})[0])

    def refresh(self):
        self._keep(request(self.server, "POST", "/account/refresh/", {"refresh": self.refresh_token})[0])

    def log_out(self):
        request(self.server, "POST", "/account/logout/", {"refresh": self.refresh_token})

    def _keep(self, session):
        self.username = session.get("username", getattr(self, "username", None))
        self.token = session["access"]
        self.refresh_token = session["refresh"]

    def epoch(self, room):
        return request(self.server, "GET", history_path(room), token=self.token)[1]["Parley-Epoch"]

    def history(self, room):
        """Returns all messages of a room, oldest first. Follows the links from page to page."""
        messages, path = [], history_path(room) + "?limit=1000"
        while path:
            page, headers = request(self.server, "GET", path, token=self.token)
            messages = page + messages
            older = re.search(r'<([^>]*)>; rel="prev"', headers.get("Link") or "")
            path = older and older.group(1)
        return messages

    def post(self, room, content, client_id=None):
        body = {"content": content, **({"clientId": client_id} if client_id else {})}
        return request(self.server, "POST", f"/rooms/{quote(room)}/messages/", body, self.token)[0]


def history_path(room):
    return f"/history/{quote(room)}/"


def quote(room):
    return urllib.parse.quote(room, safe="")
