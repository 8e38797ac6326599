"""What a room is, and what the person is in it. A join says it, and notices say what changes."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, cast

from .errors import unexpected
from .fields import Fields
from .models import History, Notice, Role

MOVES = {"added": "in", "joined": "in", "removed": "out", "banned": "out", "left": "out"}
"""Types of notices that say that those whom they name got into the room, or out of it."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What a room is, and what the person is in it. `kind` and `role` are None until the room was joined."""

    kind: str | None = None
    """`open`, `private` or `direct`."""
    title: str = ""
    """What people see instead of the name. Empty if it has none."""
    topic: str = ""
    archived: bool = False
    """Nobody can post."""
    history: History = "all"
    """What new members see of the past."""
    members_add: bool = False
    """Every member may add people."""
    receipts: bool = False
    """Members see how far the others have read. In direct rooms they do in any case."""
    role: Role | None = None
    muted: bool = False
    """The person cannot post before `muted_until`, or until someone ends it."""
    muted_until: datetime | None = None


def role_in(fields: Fields) -> Role:
    role = fields.text("role")
    if role not in ("owner", "moderator", "member"):
        raise unexpected("role is unknown.")
    return cast(Role, role)


def facts_in(fields: Fields) -> Facts:
    """Reads the facts in a `joined`."""
    return Facts(
        kind=fields.text("kind"),
        role=role_in(fields),
        muted="mutedUntil" in fields.json,
        muted_until=fields.maybe(fields.time, "mutedUntil"),
        **_set_by(fields),
    )


def after(facts: Facts, notice: Notice, me: str | None) -> Facts:
    """Returns the facts after a notice. `me` is the person's id."""
    change = Fields(dict(notice.change))
    facts = replace(facts, **_set_by(change))
    if "kind" in change.json:
        facts = replace(facts, kind=change.text("kind"))
    if notice.type in ("archived", "restored"):
        facts = replace(facts, archived=notice.type == "archived")
    if any(user.id == me for user in notice.users):
        if notice.type == "role" or MOVES.get(notice.type) == "in":
            facts = replace(facts, role=role_in(change) if "role" in change.json else "member")
        if notice.type in ("muted", "unmuted"):
            muted = notice.type == "muted"
            facts = replace(facts, muted=muted, muted_until=change.maybe(change.time, "until") if muted else None)
    if notice.heir and notice.heir.id == me:
        facts = replace(facts, role="owner")
    return facts


def _set_by(fields: Fields) -> dict[str, Any]:
    """Returns the settings that a frame has."""
    texts = {name: fields.text(name) for name in ("title", "topic", "history") if name in fields.json}
    names = {"membersAdd": "members_add", "receipts": "receipts", "archived": "archived"}
    return texts | {ours: fields.flag(name) for name, ours in names.items() if name in fields.json}
