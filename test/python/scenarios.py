"""Scenarios for the Python client: `python3 scenarios.py <server> <scenario>` exits with 0 if the scenario passed."""

import asyncio
import contextlib
import stat
import sys
import tempfile
import urllib.request
import uuid
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import websockets

sys.path.insert(0, str(Path(__file__).parents[2] / "clients" / "python"))

from parley_chat import Attachment, Changed, ChatError, FileStore, Left, Notice, Settled  # noqa: E402
from people import PASSWORD, People, refused, unique, until  # noqa: E402
from plain_client import PlainRoom  # noqa: E402


async def accounts(people):
    with tempfile.TemporaryDirectory() as folder:
        store = FileStore(Path(folder) / "chat.json")
        ada = await people.join("ada", store=store)
        account = ada.account
        assert stat.S_IMODE(store.path.stat().st_mode) == 0o600, "others can read the tokens"
        access = await ada.token()
        await ada.close()
        again = await people.chat(store=store)
        assert again.account == account
        assert await again.token() == access
        renewed = await asyncio.gather(*(again._session.token(access) for _ in range(5)))
        assert len(set(renewed)) == 1 and renewed[0] != access, "renewals are not shared"
        assert renewed[0] in store.path.read_text(), "the renewed token was not stored"
        await again.logout()
        assert again.account is None and "access" not in store.path.read_text()
        async with refused("signed_out"):
            await again.list_rooms()
        async with refused("invalid_credentials"):
            await again.login(account.email, "wrong")
        assert await again.login(account.email, PASSWORD) == account


async def access_ends(people):
    ada, device = await people.join("ada"), await people.chat()
    room = ada.room(unique())
    await room.ready()
    events = room.events()
    await device.login(ada.account.email, PASSWORD)
    await device.request("DELETE", "account/sessions/")
    async with refused("session_ended"):
        async for _ in events:
            pass
    await until(lambda: ada.connection.state == "closed")
    assert ada.account is None and ada.me is None
    async with refused("session_ended"):
        await room.ready()
    await ada.login(device.account.email, PASSWORD)
    await room.ready()
    await room.send("back")


async def iteration(people):
    ada, ben = await people.join("ada"), await people.join("ben")
    name = unique()
    here, there = ada.room(name), ben.room(name)
    await asyncio.gather(here.ready(), there.ready())
    messages = aiter(here)
    posted = [there.send(f"message {number}") for number in range(3)]
    assert [(await anext(messages)).content for _ in posted] == [f"message {number}" for number in range(3)]
    events = here.events()
    await there.edit(1, "edited")
    await there.delete(2)
    changes = []
    async for event in events:
        if isinstance(event, Changed):
            changes.append((event.change, event.entry.id, event.entry.content))
            if len(changes) == 2:
                break
    assert changes == [("updated", 1, "edited"), ("deleted", 2, "")]
    assert here.messages == there.messages and here.messages[0].user.id == ben.me.id
    changed = here.changes()
    waiting = asyncio.create_task(anext(changed))
    await there.send("one more")
    assert (await waiting) is here
    await until(lambda: len(here.messages) == 4)
    assert (await asyncio.wait_for(anext(changed), 5)) is here, "a change during the work of its reader was missed"
    here.leave()
    assert [message.version async for message in messages] == [4, 5, 6]
    assert here.state == "out" and here.error is None


async def private_rooms(people):
    ada, ben = await people.join("ada"), await people.join("ben")
    room = await ada.create(title="Boat trip", people=[ben.me.id])
    await room.ready()
    about = room.facts
    assert (about.kind, about.title, about.role) == ("private", "Boat trip", "owner")
    there = ben.room(room.name)
    await there.ready()
    events = there.events()
    until_then = datetime.now(timezone.utc) + timedelta(hours=1)
    await room.mute(f"@{ben.me.username}", until=until_then)
    async with refused("muted"):
        await there.send("Hello")
    assert there.facts.muted and there.facts.muted_until == until_then
    await room.unmute(ben.me.id)
    await room.set_role(ben.me.id, "moderator")
    await room.update(title="Boat trip on Sunday", topic="Bring food")
    await until(lambda: there.facts.topic == "Bring food")
    about = there.facts
    assert (about.title, about.role, about.muted) == ("Boat trip on Sunday", "moderator", False)
    page = await room.members()
    assert {member.user.id: member.role for member in page.items} == {ada.me.id: "owner", ben.me.id: "moderator"}
    await room.remove(ben.me.id)
    seen = []
    async with refused("removed"):
        async for event in events:
            seen.append(event)
    notices = [event.entry for event in seen if isinstance(event, Changed)]
    types = [notice.type for notice in notices]
    assert types == ["muted", "unmuted", "role", "title", "removed"], types
    assert all(isinstance(notice, Notice) and notice.by.id == ada.me.id for notice in notices)
    assert isinstance(seen[-1], Left)
    async with refused("removed"):
        await there.ready()
    await room.add(ben.me.id)
    await until(lambda: there.state == "live")
    direct, same = await asyncio.gather(ada.direct([ben.me.id]), ben.direct([ada.me.id]))
    assert direct.name == same.name
    async with refused("last_owner"):
        await ada.leave_room(room.name)
    await ada.leave_room(room.name, heir=ben.me.id)
    await until(lambda: there.facts.role == "owner")
    assert room.error and room.error.code == "left"


async def lists(people):
    ada, ben = await people.join("ada"), await people.join("ben")
    names = sorted(unique("room") for _ in range(5))
    for name in names:
        await ada.room(name).send("Hello")
        ada.room(name).leave()
    mine = ada.rooms()
    await mine.ready()
    assert [item.room for item in mine.items] == names[::-1]
    await ben.room(names[0]).send("Good morning")
    await until(lambda: mine.items[0].room == names[0])
    assert (mine.items[0].unread, mine.items[0].last.content) == (1, "Good morning")
    await mine.pin(names[2])
    await mine.hide(names[1])
    await mine.notify(names[3], "mentions")
    assert [item.room for item in mine.items] == [names[2], names[0], names[4], names[3]]
    assert mine.items[3].notify == "mentions"
    read, after = [], None
    while True:
        page = await ada.list_rooms(after=after, limit=2)
        read += [item.room for item in page.items]
        if not page.next:
            break
        after = page.next
    assert read == names
    shown = await ada.list_rooms(order="activity", hidden=True)
    assert [item.room for item in shown.items if item.hidden] == [names[1]]
    page = await ada.search('"good morning"')
    while not page.items:
        page = await ada.search('"good morning"')
    [found] = [one for one in page.items if one.room == names[0]]
    assert [found.message.content[start:end] for start, end in found.highlights] == ["Good morning"]
    await ada.leave_room(names[4])
    await until(lambda: names[4] not in [item.room for item in mine.items])


async def kept(people):
    ada, ben = await people.join("ada"), await people.join("ben")
    room = await ada.create(title="Harbour", people=["@" + ben.me.username])
    sent = await room.send("The key is under the mat")
    other = await room.send("Two eggs")
    await room.pin(sent.id)
    await room.pin(sent.id)
    his = ben.room(room.name)
    [pinned] = (await his.pins()).items
    assert (pinned.message.content, pinned.by.username) == ("The key is under the mat", ada.me.username)
    try:
        await his.unpin(sent.id)
        raise AssertionError("a member unpinned a message")
    except ChatError as error:
        assert error.code == "forbidden"
    await room.unpin(sent.id)
    assert not (await his.pins()).items
    for id in (sent.id, other.id):
        await ben.save(room.name, id)
    first = await ben.saved(limit=1)
    rest = await ben.saved(after=first.next, limit=1)
    assert [one.message.id for one in (*first.items, *rest.items)] == [other.id, sent.id]
    await ben.unsave(room.name, other.id)
    assert [(one.room, one.message.id) for one in (await ben.saved()).items] == [(room.name, sent.id)]


async def files(people):
    ada, ben = await people.join("ada"), await people.join("ben")
    name = unique("files")
    hers, his = ada.room(name), ben.room(name)
    await asyncio.gather(hers.ready(), his.ready())
    noise = bytes(range(256)) * 1_000
    seen = []
    uploaded = await hers.upload(noise, name="noise.bin", progress=lambda left, total: seen.append((left, total)))
    assert (uploaded.name, uploaded.size, uploaded.held) == ("noise.bin", 256_000, False)
    await until(lambda: seen and seen[-1] == (256_000, 256_000))
    client_id = str(uuid.uuid4())
    one, two = [await hers.upload(b"once", client_id=client_id) for _ in range(2)]
    assert one.id == two.id, "an upload was not idempotent"
    async with refused("client_id_reused"):
        await hers.upload(b"twice", client_id=client_id)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "list.txt"
        path.write_text("One lamp")
        sent = hers.send("", files=[replace(uploaded, alt="Noise"), Attachment(path, alt="What to buy")])
        later = hers.send("Look")
        assert [one.get("content") for one in hers.waiting] == ["", "Look"]
        first, second = await sent, await later
        assert first.id < second.id, "a message overtook one that waited for its files"
    await until(lambda: len(his.messages) == 2)
    got = his.messages[0].files
    assert [(one.name, one.type, one.alt) for one in got] == [
        ("noise.bin", "application/octet-stream", "Noise"),
        ("list.txt", "text/plain", "What to buy"),
    ]
    urls = await his.files([one.id for one in got])
    for one, bytes_ in zip(got, (noise, b"One lamp"), strict=True):
        loaded = await asyncio.to_thread(lambda url=urls[one.id].original: urllib.request.urlopen(url).read())
        assert loaded == bytes_
    assert await his.files([one.id]) != {} and await his.files([str(uuid.uuid4())]) == {}
    ada._connection._latest.welcome = replace(ada._connection._latest.welcome, file_bytes=10)
    async with refused("file_too_large"):
        await hers.upload(bytes(11))
    # The server does not have it, and there are no bytes to upload again.
    async with refused("file_missing"):
        await hers.send("", files=[Attachment(id=str(uuid.uuid4()))])
    giving_up = hers.send("", files=[Attachment(b"never")])
    giving_up.cancel()
    await until(lambda: not hers.waiting)


async def checked(people):
    ada = await people.join("ada")
    room = ada.room(unique())
    await room.ready()
    try:
        await room.send("rude")
    except ChatError as error:
        assert (error.code, error.message, error.retryable) == ("message_refused", "Be kind.", False)
    else:
        raise AssertionError("it was not refused")
    assert (await room.send("damn")).content == "d**n"
    assert (await room.send("hello")).content is None


async def giving_up(people):
    with tempfile.TemporaryDirectory() as folder:
        store = FileStore(Path(folder) / "chat.json")
        ada = await people.join("ada", store=store, outbox=3)
        room = ada.room(unique())
        await room.ready()
        await room.send("sent")
        ada._connection.stop()
        events = room.events()
        kept = room.send("kept")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.05):
                await room.send("given up")
        assert [change["content"] for change in room.waiting] == ["kept"]
        more = [room.send("more"), room.send("and more")]
        async with refused("outbox_full"):
            await room.send("too much")
        for change in more:
            change.cancel()
        await asyncio.sleep(0)
        ada.connect()
        assert (await kept).id == 2
        settled = [await anext(events) for _ in range(1)]
        assert isinstance(settled[0], Settled) and settled[0].ack is None, settled
        await until(lambda: len(room.messages) == 2)
        async with refused("closed"):
            waiting = room.send("at the end")
            await ada.close()
            await waiting
        assert "at the end" in store.path.read_text()


async def plain(people):
    server, name = people.server, f"bücher-{uuid.uuid4().hex[:8]}"
    ada, ben = [PlainRoom(await people.join(who), server, name) for who in ("ada", "ben")]
    for who in (ada, ben):
        await who.open()
    client_id = str(uuid.uuid4())
    await ada.say("Guten Tag", client_id)
    mine, theirs = await ada.receive(), await ben.receive()
    assert mine == theirs and mine["username"] == ada.chat.me.username and mine["clientId"] == client_id
    await ada.say("Guten Tag", client_id)
    assert (await ada.receive()) == {**mine, "duplicate": True}
    await ada.say("   ")
    assert (await ada.receive())["error"]["code"] == "invalid"
    ada.cut()
    for number in range(30):
        await ben.say(f"message {number}")
        await ben.receive()
    await ada.open()
    while len(ada.messages) < 31:
        await ada.receive()
    assert ada.messages == ben.messages and list(ada.messages) == list(range(1, 32))
    stranger = PlainRoom(ada.chat, server, name)
    try:
        await stranger.open("nonsense")
        raise AssertionError("an invalid token was accepted")
    except websockets.InvalidHandshake as error:
        # The versions of websockets name the status differently.
        assert 401 in (
            getattr(error, "status_code", None),
            getattr(getattr(error, "response", None), "status_code", None),
        )
    for who in (ada, ben):
        await who.close()


async def example(people):
    """Runs the program in the README of the client, with this server and an account of its own."""
    readme = (Path(__file__).parents[2] / "clients" / "python" / "README.md").read_text()
    program = readme.split("```python\n")[1].split("```")[0]
    ada = await people.join("ada")
    room = ada.room(unique("lobby"))
    await room.ready()
    with tempfile.TemporaryDirectory() as folder:
        for given, mine in (
            ("https://chat.example.com", people.server),
            ("ada@example.com", ada.account.email),
            ("chat.json", f"{folder}/chat.json"),
            ("lobby", room.name),
        ):
            assert given in program
            program = program.replace(given, mine)
        child = await asyncio.create_subprocess_exec(
            sys.executable,
            "-B",
            "-c",
            program,
            stdout=asyncio.subprocess.PIPE,
            env={"PYTHONUNBUFFERED": "1", "PYTHONPATH": str(Path(__file__).parents[2] / "clients" / "python")},
        )
        try:
            await until(lambda: room.messages and room.messages[0].reactions)
            # What is printed first shows that the program has got as far as its loop.
            first = await child.stdout.readline()
            assert first.startswith(b"invalid "), first
            while child.returncode is None:
                await room.send("Good night")
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(child.wait(), 0.5)
            assert child.returncode == 0
            lines = (await child.stdout.read()).decode().splitlines()
            assert lines[-1] == f"{ada.me.username} Good night", lines
        finally:
            if child.returncode is None:
                child.kill()


async def threads(people):
    ada, ben = await people.join("ada"), await people.join("ben")
    name = unique("threads")
    hers, his = ada.room(name), ben.room(name)
    await asyncio.gather(hers.ready(), his.ready())
    root = await hers.send("root")
    first = await his.send("one", thread=root.id)
    await hers.send("two", thread=first.id, also_room=True)
    await his.send("elsewhere")
    await until(lambda: len(hers.messages) == 4)
    assert [(one.thread, one.also_room) for one in hers.messages] == [
        (None, False),
        (root.id, False),
        (root.id, True),
        (None, False),
    ]
    page = await hers.history(thread=root.id)
    assert [one.content for one in page.entries] == ["one", "two"] and not page.more


SCENARIOS = {
    run.__name__: run
    for run in (
        accounts,
        access_ends,
        iteration,
        private_rooms,
        lists,
        kept,
        files,
        threads,
        checked,
        giving_up,
        plain,
        example,
    )
}


async def main(server, scenario):
    async with People(server) as people:
        await SCENARIOS[scenario](people)
    print(f"{scenario} passed")


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
