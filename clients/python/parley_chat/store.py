"""Where the client keeps its session and its unsent changes for the next run."""

import contextlib
import json
import os
import tempfile
from pathlib import Path
from typing import Any, Protocol

from .fields import parse


class Store(Protocol):
    """Keeps one JSON object. Only one client at a time may use it."""

    def load(self) -> dict[str, Any]:
        """Returns what was saved last, or an empty object."""

    def save(self, state: dict[str, Any]) -> None:
        """Replaces what was saved. Raises `OSError` if that fails."""


class FileStore:
    """Keeps the state in a file that only its owner can read. It contains the session's tokens.

    Each change replaces the file at once, so it is whole after a crash of the process. It is not synced to the disk:
    after a power failure the last changes may be missing.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)

    def load(self) -> dict[str, Any]:
        try:
            state = parse(self.path.read_bytes())
        except FileNotFoundError:
            return {}
        return state if isinstance(state, dict) else {}

    def save(self, state: dict[str, Any]) -> None:
        # mkstemp creates a file that only its owner can read.
        handle, name = tempfile.mkstemp(prefix=f"{self.path.name}.", dir=self.path.parent)
        try:
            with os.fdopen(handle, "w") as file:
                json.dump(state, file)
            os.replace(name, self.path)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(name)
            raise


class Kept:
    """What a client keeps of one server, in a store or only in memory."""

    def __init__(self, store: Store | None, server: str) -> None:
        self._store = store
        self._server = server
        self._state = store.load() if store else {}

    def get(self, name: str) -> Any:
        mine = self._state.get(self._server)
        return mine.get(name) if isinstance(mine, dict) else None

    def put(self, name: str, value: object) -> None:
        """Stores a value; None removes it. Raises `OSError` if the store fails."""
        mine = self._state.get(self._server)
        mine = dict(mine) if isinstance(mine, dict) else {}
        mine[name] = value
        state = {**self._state, self._server: {key: one for key, one in mine.items() if one is not None}}
        if self._store:
            self._store.save(state)
        self._state = state
