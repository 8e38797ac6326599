"""A copy of a room, kept by the rules in "Following a room" of the protocol."""

from bisect import bisect_left

from .frames import Changed, Joined
from .models import Entry


class RoomCopy:
    """Every message and notice from some id on, in order, each in its latest state.

    If the copy misses something, a new join repairs it. `keep`: how many entries it keeps, not counting pages that were
    loaded later.
    """

    def __init__(self, keep: int) -> None:
        self._keep = keep
        self.reset(None, 0)

    def reset(self, epoch: str | None, version: int) -> None:
        """Forgets everything."""
        self.epoch = epoch
        self.version = version
        """The last version that was taken in."""
        self.start = version + 1
        """The copy is complete from this id on."""
        self.floor = 1
        """The first id that the person may see."""
        self._bound = self._keep
        self._ids: list[int] = []
        self._entries: list[Entry] = []
        self._aside: dict[int, Entry] | None = None
        """Changes of entries before `start` while a page is loading. The page may be older than these changes."""

    @property
    def entries(self) -> tuple[Entry, ...]:
        return tuple(self._entries)

    @property
    def more(self) -> bool:
        """Whether the room has older entries that the person may see."""
        return self.start > self.floor

    @property
    def since(self) -> str | None:
        """The position for `since` of a join."""
        return f"{self.epoch}.{self.version}" if self.epoch else None

    def joined(self, frame: Joined) -> bool:
        """Takes in a `joined`. Returns False if the copy had to be dropped."""
        # `resumed` alone is not trusted: epoch and version must also fit.
        resumed = frame.resumed and frame.epoch == self.epoch and frame.version >= self.version
        if not resumed:
            self.reset(frame.epoch, frame.version)
        self.begin(frame.from_id)
        return resumed

    def gap(self, frame: Changed) -> bool:
        """Whether an earlier version is missing, so that the frame must not be taken in."""
        return frame.entry.version > self.version and not frame.replay and frame.prev != self.version

    def take(self, frame: Changed) -> bool:
        """Takes in a message or a notice. Returns False if it is already known."""
        entry = frame.entry
        if entry.version <= self.version:
            return False
        self.version = entry.version
        if entry.id >= self.start:
            self._put(entry)
            self._trim()
        elif self._aside is not None:
            self._aside[entry.id] = entry
        return True

    def last(self, entry: Entry) -> None:
        """Shows a notice after which the person gets nothing more.

        Versions before it may be missing, so the copy's version stays: a later join continues from there.
        """
        if entry.version > self.version and entry.id >= self.start:
            self._put(entry)

    def synced(self, version: int) -> None:
        self.version = max(self.version, version)

    def begin(self, at: int) -> None:
        """Drops what is before this id: the person may not see it any more."""
        self.floor = at
        self.start = max(self.start, at)
        hidden = bisect_left(self._ids, at)
        del self._ids[:hidden], self._entries[:hidden]

    def await_page(self, on: bool) -> None:
        """Starts or stops waiting for a page. Meanwhile, changes of entries before `start` are kept to be merged."""
        self._aside = ({} if self._aside is None else self._aside) if on else None

    def page(self, entries: tuple[Entry, ...], more: bool) -> bool:
        """Takes in a page that ends right before `start`. Returns False if the copy was dropped since `await_page`."""
        if self._aside is None:
            return False
        page = {entry.id: entry for entry in entries if self.floor <= entry.id < self.start}
        self._ids[:0] = page
        self._entries[:0] = page.values()
        self.start = next(iter(page), self.floor) if more else self.floor
        aside, self._aside = self._aside, None
        for entry in aside.values():
            if entry.id >= self.start:
                self._put(entry)
        self._bound = max(self._keep, len(self._ids))
        return True

    def _put(self, entry: Entry) -> None:
        at = bisect_left(self._ids, entry.id)
        if at == len(self._ids) or self._ids[at] != entry.id:
            self._ids.insert(at, entry.id)
            self._entries.insert(at, entry)
        elif self._entries[at].version <= entry.version:
            self._entries[at] = entry

    def _trim(self) -> None:
        # Not while a page is loading: it has to end right before `start`.
        excess = len(self._ids) - self._bound
        if excess <= 0 or self._aside is not None:
            return
        del self._ids[:excess], self._entries[:excess]
        self.start = self._ids[0] if self._ids else self.version + 1
