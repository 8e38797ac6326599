"""Scenarios for the Python clients. Usage: python3 scenarios.py <server> <scenario>. Exits with 0 if the scenario passed."""

import asyncio
import random
import sys
import uuid

import websockets

from chat_client import Refused
from plain_client import PlainRoom
from stage import People, room_name, same_as_history, until


async def talk(people):
    ada, ben = await people.chat("ada"), await people.chat("ben")
    name = room_name()
    here, there = await ada.join(name), await ben.join(name)
    acks = [await chat.send(name, f"message {number}") for number, chat in enumerate([ada, ben] * 10, 1)]
    assert [ack["id"] for ack in acks] == list(range(1, 21))
    await until(lambda: here.version == there.version == 20)
    assert [here.messages[id]["username"] for id in (1, 2)] == [ada.account.username, ben.account.username]
    for room in (here, there):
        same_as_history(room, ada.account)
    try:
        await ada.send(name, "   ")
        raise AssertionError("a blank message was accepted")
    except Refused as refused:
        assert refused.code == "invalid" and not refused.retryable


async def resume(people):
    ada, ben = await people.chat("ada"), await people.chat("ben")
    name = room_name()
    room = await ada.join(name)
    writing = asyncio.create_task(write(ben, name, 400))
    while not writing.done():
        await asyncio.sleep(random.uniform(0, 0.05))
        if ada.welcomed.is_set():
            ada.cut()
    await writing
    await until(lambda: room.version == 400)
    same_as_history(room, ada.account)
    joins = [event["resumed"] for event in room.seen if event["type"] == "joined"]
    assert len(joins) > 1 and joins[0] is False and all(joins[1:]), joins


async def write(chat, name, count):
    for number in range(count):
        await chat.send(name, f"message {number}")


async def resend(people):
    ada = await people.chat("ada")
    name = room_name()
    room = await ada.join(name)
    sending = [asyncio.create_task(ada.send(name, f"message {number}")) for number in range(100)]
    for _ in range(8):
        await until(ada.welcomed.is_set)
        await asyncio.sleep(random.uniform(0, 0.01))
        ada.cut()
        sending += [asyncio.create_task(ada.send(name, f"later {uuid.uuid4()}")) for _ in range(20)]
    acks = await asyncio.gather(*sending)
    ids = [ack["id"] for ack in acks]
    assert len(set(ids)) == len(ids) == 260, "an id was acknowledged twice, or an acknowledgement is missing"
    await until(lambda: room.version == 260)
    same_as_history(room, ada.account)
    contents = [message["content"] for message in room.messages.values()]
    assert len(set(contents)) == 260, "a message is duplicated"


async def dedupe(people):
    ada = await people.chat("ada")
    name, client_id = room_name(), str(uuid.uuid4())
    room = await ada.join(name)
    first = await ada.ask("send", room=name, clientId=client_id, content="once")
    ada.cut()
    await until(ada.welcomed.is_set)
    again = await ada.ask("send", room=name, clientId=client_id.upper(), content="once")
    over_http = await asyncio.to_thread(ada.account.post, name, "once", client_id)
    assert "duplicate" not in first and again["duplicate"] and over_http["duplicate"]
    assert first["id"] == again["id"] == over_http["id"] == 1
    await until(lambda: room.version == 1)
    same_as_history(room, ada.account)


async def lag(people):
    ada, ben = await people.chat("ada"), await people.chat("ben")
    name = room_name()
    room = await ada.join(name)
    ada.stop_reading()
    text = "あ" * 4000
    for _ in range(8):
        await asyncio.gather(*(ben.send(name, text) for _ in range(100)))
    ada.reading.set()
    await until(lambda: room.version == 800 and room.synced.is_set())
    versioned = [event for event in room.seen if event["type"] in ("joined", "message", "lagging", "synced")]
    assert any(event["type"] == "lagging" for event in versioned), "the client never lagged"
    assert versioned[-1]["type"] == "synced" or "prev" in versioned[-1], f"the last event is {versioned[-1]}"
    assert ada.closes == [], f"the server closed the socket with {ada.closes}"
    same_as_history(room, ada.account)


async def begin_anew(people):
    ada, ben = await people.chat("ada"), await people.chat("ben")
    name = room_name()
    room = await ada.join(name)
    await ben.send(name, "the last that ada saw")
    await until(lambda: room.version == 1)
    ada.account.refresh()
    await ada.stop()
    for _ in range(101):
        await asyncio.gather(*(ben.send(name, "meanwhile") for _ in range(100)))
    await ada.start()
    await until(lambda: room.version == 10_101 and room.synced.is_set())
    assert [event["resumed"] for event in room.seen if event["type"] == "joined"] == [False, False]
    assert room.messages == {}, "the copy was not dropped"
    await ada.load(room)
    same_as_history(room, ada.account)
    room.epoch = "of-another-database"
    ada.cut()
    await until(lambda: room.epoch != "of-another-database" and room.synced.is_set())
    assert room.messages == {}, "the copy of another database was kept"


async def change(people):
    ada, ben = await people.chat("ada"), await people.chat("ben")
    name = room_name()
    here, there = await ada.join(name), await ben.join(name)
    for number in range(1, 4):
        await ada.send(name, f"message {number}")
    assert (await ada.edit(name, 1, "edited"))["version"] == 4
    assert (await ben.react(name, 1, "👍"))["version"] == 5
    assert (await ben.react(name, 1, "👍"))["version"] == 5, "a repeated reaction got a new version"
    assert (await ada.delete(name, 2))["version"] == 6
    for refused, code in [(ben.edit(name, 1, "mine?"), "forbidden"), (ada.edit(name, 2, "back"), "not_found")]:
        try:
            await refused
            raise AssertionError(f"a change was accepted instead of refused with {code}")
        except Refused as refusal:
            assert refusal.code == code and not refusal.retryable
    await until(lambda: here.version == there.version == 6)
    assert here.messages[1]["content"] == "edited"
    thumbs = here.messages[1]["reactions"]["👍"]
    assert thumbs["count"] == 1 and thumbs["users"] == [ben.account.username]
    assert here.messages[2]["content"] == "" and here.messages[2]["deletedAt"]
    # Changes whose reply was lost in a cut are resent and applied once.
    changes = [ada.edit(name, 1, f"edit {number}") for number in range(50)]
    changes += [ada.react(name, 3, "🎉", number % 2 == 0) for number in range(50)]
    changing = [asyncio.create_task(change) for change in changes]
    for _ in range(5):
        await until(ada.welcomed.is_set)
        await asyncio.sleep(random.uniform(0, 0.01))
        ada.cut()
    versions = [(await task)["version"] for task in changing]
    assert len(set(versions[:50])) == 50, "two edits got the same version"
    await until(lambda: here.version == there.version == max(versions))
    for room in (here, there):
        same_as_history(room, ada.account)


async def mark(people):
    ben = await people.chat("ben")
    name = room_name()
    await ben.send(name, "before ada came")
    account = await asyncio.to_thread(people.account, "ada")
    ada, device = await people.sign_in(account), await people.sign_in(account)
    here, there = await ada.join(name), await device.join(name)
    assert (here.last_read, here.unread) == (1, 0)
    for number in range(3):
        await ben.send(name, f"message {number}")
    await ada.read(name, 3)
    await until(lambda: there.last_read == 3)
    await ada.read(name, 2)
    ada.cut()
    await until(lambda: here.unread == 1)
    assert here.last_read == 3, "the read mark moved back"


async def access_ends(people):
    ada = await people.chat("ada")
    await asyncio.to_thread(ada.account.log_out)
    await until(lambda: ada.closes == [4500])
    assert ada._life.done(), "the client still tries to reconnect"
    await asyncio.to_thread(ada.account.log_in)
    await ada.start()


async def plain(people):
    name = f"bücher-{uuid.uuid4().hex[:8]}"
    ada, ben = [PlainRoom(await asyncio.to_thread(people.account, who), name) for who in ("ada", "ben")]
    for who in (ada, ben):
        await who.open()
    client_id = str(uuid.uuid4())
    await ada.say("Guten Tag", client_id)
    mine, theirs = await ada.receive(), await ben.receive()
    assert mine == theirs and mine["username"] == ada.account.username and mine["clientId"] == client_id
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
    stranger = PlainRoom(ada.account, ada.name)
    stranger.account.token = "nonsense"
    try:
        await stranger.open()
        raise AssertionError("an invalid token was accepted")
    except websockets.InvalidStatusCode as refused:
        assert refused.status_code == 401
    for who in (ada, ben):
        await who.close()


SCENARIOS = {
    run.__name__: run
    for run in (talk, resume, resend, dedupe, lag, begin_anew, change, mark, access_ends, plain)
}


async def main(server, scenario):
    people = People(server)
    try:
        await SCENARIOS[scenario](people)
    finally:
        for chat in people.chats:
            await chat.stop()
    print(f"{scenario} passed")


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
