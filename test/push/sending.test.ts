import { afterAll, beforeAll, beforeEach, expect, setDefaultTimeout, test } from "bun:test";
import { sql } from "drizzle-orm";
import { eraseDue } from "../../src/auth/erasure.ts";
import { readTo } from "../../src/chat/ports.ts";
import { systemClock } from "../../src/clock.ts";
import { runConsumer } from "../../src/consumers/consumer.ts";
import { pushConsumer } from "../../src/consumers/push.ts";
import { createLog } from "../../src/log.ts";
import { createCursorStore } from "../../src/store/cursors.ts";
import { onEachDriver, post } from "../chat/stocked.ts";
import { rulingsOf } from "../chat/rulings.ts";
import { START_MS } from "../support/house.ts";
import { ORDER } from "../support/order.ts";
import { until } from "../support/until.ts";
import { type Rig, rig } from "./rig.ts";

setDefaultTimeout(60_000);

// Whom pushes reach, with what, and how often. On each driver.

const operator = rulingsOf("operator");
const removal = (room: string, id: number) => ({
  kind: "remove" as const,
  ...{ room, id, clientId: crypto.randomUUID() as string, order: ORDER },
});

onEachDriver((open) => {
  let at: Rig;
  let room: string;
  let device: string;

  beforeAll(async () => void (at = await rig(open)), START_MS);
  afterAll(() => at.close());
  beforeEach(async () => {
    await at.stopAll();
    at.service.respond = () => undefined;
    await at.run(sql`delete from pushes`);
    await at.run(sql`delete from push_devices`);
    await at.run(sql`delete from quiet_hours`);
    room = `r-${crypto.randomUUID()}`;
    device = `d-${crypto.randomUUID()}`;
    await at.join(room, at.ben);
  });

  const arrived = (name = device) => at.service.at(name).map(({ payload }) => payload);
  const bodies = (name = device) => arrived(name).flatMap(({ notification }) => notification?.body ?? []);
  const prefer = (notify: "all" | "mentions" | "none") =>
    at.lists.prefer({ userId: at.ben, room }, { notify });

  test("every device of a member is told, encrypted and signed, and nobody of their own messages", async () => {
    await at.subscribe(at.ben, device);
    await at.subscribe(at.ben, `${device}-phone`);
    await at.subscribe(at.ada, `${device}-sender`);
    at.start();
    const [ack] = await at.say(at.ada, room, "Käse 🧀");
    await at.push(room);
    const id = ack?.id ?? 0;
    expect(arrived()).toEqual([
      {
        web_push: 8030,
        notification: {
          title: room,
          body: "ada: Käse 🧀",
          navigate: `https://chat.example.com/#/room/${room}/${id}`,
          tag: `room ${room}`,
          icon: "/icon-192.png",
        },
        type: "message",
        room,
        message: id,
        unread: 1,
      },
    ]);
    expect(arrived(`${device}-phone`)).toEqual(arrived());
    expect(arrived(`${device}-sender`)).toEqual([]);
    const [one] = at.service.at(device);
    expect(one?.claims).toMatchObject({ aud: "https://push.example.com", sub: "mailto:ops@example.com" });
    expect(one?.key).toBe(at.vapid.publicKey);
    expect(one?.headers.get("urgency")).toBe("normal");
    expect(one?.headers.get("topic")).toMatch(/^[\w-]{32}$/);
    expect(at.service.at(`${device}-phone`)[0]?.headers.get("topic")).not.toBe(one?.headers.get("topic"));
  });

  test("many messages are one push, with their number, and the next one waits", async () => {
    await at.subscribe(at.ben, device);
    await at.say(at.ada, room, "one", "two");
    await at.note(room);
    const noted = () => at.run(sql`select message_id, due_at::text from pushes`);
    const before = await noted();
    await at.say(at.ada, room, "three");
    await at.note(room);
    expect(await noted()).toEqual(before);
    at.start();
    await at.hurry();
    await at.idle();
    expect(arrived().map(({ notification, unread }) => [notification?.body, unread])).toEqual([
      ["ada: three", 3],
    ]);
    await at.say(at.ada, room, "four");
    await at.note(room);
    const [row] = await at.run<{ ms: number }>(
      sql`select (extract(epoch from due_at - pushed_at) * 1000)::float8 as ms from pushes`,
    );
    expect(Math.round(row?.ms ?? 0)).toBe(30_000);
    await at.hurry();
    await at.idle();
    expect(bodies()).toEqual(["ada: three", "ada: four"]);
    const [first, second] = at.service.at(device).map(({ headers }) => headers.get("topic"));
    expect(first).toBe(second ?? "");
  });

  test("settings of the room decide: all, mentions or nothing; a direct conversation counts as mentions", async () => {
    await at.subscribe(at.ben, device);
    at.start();
    const mention = (content: string) => {
      const named = { mentions: ["@ben"], mentioned: new Map([["@ben", at.ben]]) };
      return at.store.commit(0, [post(at.ada, room, content, named)], true);
    };
    await prefer("none");
    await at.say(at.ada, room, "quiet");
    await at.push(room);
    await prefer("mentions");
    await at.say(at.ada, room, "to all");
    await at.push(room);
    expect(bodies()).toEqual([]);
    await mention("to ben");
    await at.push(room);
    expect(arrived().at(-1)).toMatchObject({ mentioned: true, unread: 1 });
    expect(at.service.at(device).at(-1)?.headers.get("urgency")).toBe("high");

    const direct = `~${crypto.randomUUID()}`;
    await at.decree(operator.create(direct, { kind: "direct", people: [at.ada, at.ben] }));
    await at.lists.prefer({ userId: at.ben, room: direct }, { notify: "mentions" });
    await at.say(at.ada, direct, "hi");
    await at.push(direct);
    expect(arrived().at(-1)?.notification).toMatchObject({ title: "ada", body: "hi" });
    await at.lists.prefer({ userId: at.ben, room: direct }, { notify: "none" });
    await at.say(at.ada, direct, "muted");
    await at.push(direct);
    expect(bodies().at(-1)).toBe("hi");
  });

  test("nobody is told who may not see the message by then, has blocked its sender, or has read it", async () => {
    await at.subscribe(at.ben, device);
    const pushed = async (between: () => Promise<unknown>) => {
      await at.say(at.ada, room, "secret");
      await at.note(room);
      await between();
      await at.hurry();
      at.start();
      await at.idle();
      await at.stopAll();
    };
    await pushed(async () => {
      const [last] = await at.say(at.ben, room, "I read that");
      await at.members.mark([{ userId: at.ben, room, ...readTo(last?.id ?? 0) }]);
    });
    await pushed(() => at.run(sql`insert into blocks (user_id, blocked_id) values (${at.ben}, ${at.ada})`));
    await at.run(sql`delete from blocks`);
    await pushed(async () => {
      const [last] = await at.run<{ id: number }>(
        sql`select last_post::float8 as id from rooms where name = ${room}`,
      );
      await at.decree(removal(room, last?.id ?? 0));
    });
    await pushed(() => at.run(sql`update users set disabled_at = now() where id = ${at.ben}`));
    await at.run(sql`update users set disabled_at = null where id = ${at.ben}`);
    await pushed(() => at.decree(operator.appoint(room, "banned", [at.ben])));
    expect(arrived()).toEqual([]);
  });

  test("what is read elsewhere is withdrawn, except at services that require each push to show something", async () => {
    await at.subscribe(at.ben, device);
    await at.subscribe(at.ben, `${device}-iphone`, { host: "https://web.push.apple.com" });
    at.start();
    const [ack] = await at.say(at.ada, room, "read me");
    await at.push(room);
    const id = ack?.id ?? 0;
    await at.members.mark([{ userId: at.ben, room, ...readTo(id) }]);
    await at.queue.read([{ userId: at.ben, room, id }]);
    await at.hurry();
    await at.idle();
    expect(arrived().slice(1)).toEqual([{ type: "read", room, message: id }]);
    expect(arrived(`${device}-iphone`)).toHaveLength(1);
    expect(await at.run(sql`select 1 from pushes`)).toEqual([]);
  });

  test("a message that is deleted is not shown any more: the one before it is, if that waited too", async () => {
    await at.subscribe(at.ben, device);
    at.start();
    await at.say(at.ada, room, "stays");
    await at.note(room);
    const [second] = await at.say(at.ada, room, "a mistake");
    await at.push(room);
    await at.decree(removal(room, second?.id ?? 0));
    await at.push(room);
    expect(bodies()).toEqual(["ada: a mistake", "ada: stays"]);
    const [first] = await at.run<{ id: number }>(
      sql`select shown_id::float8 as id from pushes where shown_id > 0`,
    );
    await at.decree(removal(room, first?.id ?? 0));
    await at.push(room);
    expect(arrived().at(-1)).toEqual({ type: "read", room, message: first?.id ?? 0 });
  });

  test("devices that the push service does not know are forgotten", async () => {
    await at.subscribe(at.ben, device);
    await at.subscribe(at.ben, `${device}-gone`);
    at.service.respond = (name) => (name.endsWith("gone") ? new Response(null, { status: 410 }) : undefined);
    at.start();
    await at.say(at.ada, room, "hello?");
    await at.push(room);
    expect(bodies()).toEqual(["ada: hello?"]);
    expect((await at.devices.list(at.ben)).map(({ service }) => service)).toEqual(["push.example.com"]);
  });

  test("a push that is too large comes without its text", async () => {
    await at.subscribe(at.ben, device);
    const sizes: number[] = [];
    at.service.respond = (_, body) => {
      sizes.push(body.length);
      return body.length > 700 ? new Response(null, { status: 413 }) : undefined;
    };
    at.start();
    await at.say(at.ada, room, "😀".repeat(1_000));
    await at.push(room);
    expect(bodies()).toEqual(["ada"]);
    expect(sizes.every((size) => size <= 4096)).toBe(true);
  });

  test("a busy push service is asked again when it says, and a failing one with growing pauses", async () => {
    await at.subscribe(at.ben, device);
    const wait = async (): Promise<{ ms: number; failures: number }> => {
      await until(
        async () =>
          (await at.run(sql`select 1 from pushes where lease is null and due_at > now()`)).length > 0,
      );
      const [row] = await at.run<{ ms: number; failures: number }>(
        sql`select (extract(epoch from due_at - clock_timestamp()) * 1000)::float8 as ms, failures from pushes`,
      );
      return row ?? { ms: 0, failures: 0 };
    };
    at.service.respond = () => new Response(null, { status: 429, headers: { "retry-after": "120" } });
    at.start();
    await at.say(at.ada, room, "patience");
    await at.push(room);
    const asked = await wait();
    expect(asked.failures).toBe(1);
    expect(asked.ms).toBeGreaterThan(100_000);
    at.service.respond = () => new Response(null, { status: 503 });
    await at.hurry();
    await at.idle();
    const backoff = await wait();
    expect(backoff.failures).toBe(2);
    expect(backoff.ms).toBeLessThan(10_000);
    at.service.respond = () => undefined;
    await at.hurry();
    await at.idle();
    expect(bodies()).toEqual(["ada: patience"]);
  });

  test("two nodes send each message once to each device", async () => {
    const names = Array.from({ length: 30 }, (_, n) => `${device}-${n}`);
    // More than one person has at most.
    for (const name of names) {
      const id = await at.subscribe(at.ben, name);
      await at.run(sql`update push_devices set user_id = ${at.ben} where id = ${id}`);
      await at.run(sql`update push_devices set used_at = now() + interval '1 second' where id = ${id}`);
    }
    const kept = (await at.devices.list(at.ben)).length;
    expect(kept).toBe(20);
    at.start();
    at.start();
    await at.say(at.ada, room, "once");
    await at.push(room);
    const sent = () => at.service.arrived.filter(({ payload }) => payload.room === room);
    await until(() => sent().length >= kept);
    await at.stopAll();
    expect(sent()).toHaveLength(kept);
  });

  test("a push service that never responds delays nobody else", async () => {
    const stuck = await at.subscribe(at.ben, `${device}-stuck`, { host: "https://stuck.example.com" });
    await at.run(sql`insert into push_devices (id, user_id, endpoint, p256dh, auth)
      select id || '-' || n, user_id, endpoint, p256dh, auth from push_devices, generate_series(1, 60) n
      where id = ${stuck}`);
    const never = Promise.withResolvers<Response>();
    at.service.respond = (name) => (name.includes("stuck") ? never.promise : undefined);
    at.start();
    await at.say(at.ada, room, "first");
    await at.note(room);
    await at.hurry();
    await until(async () => (await at.run(sql`select 1 from pushes where lease is not null`)).length > 0);
    await at.subscribe(at.ada, device);
    await at.say(at.ben, room, "second");
    await at.note(room);
    await at.hurry();
    await until(() => bodies().length === 1);
    expect(bodies()).toEqual(["ben: second"]);
    never.resolve(new Response(null, { status: 500 }));
  });

  test("one person holds a few places at most, with however many hosts that never respond", async () => {
    const hosts = Array.from({ length: 20 }, (_, n) => `https://stuck${n}.example.com`);
    for (const host of hosts) await at.subscribe(at.ben, `${device}-stuck`, { host });
    const never = Promise.withResolvers<Response>();
    let open = 0;
    at.service.respond = (name) => {
      if (!name.includes("stuck")) return undefined;
      open++;
      return never.promise;
    };
    at.start();
    await at.say(at.ada, room, "first");
    await at.note(room);
    await at.hurry();
    await until(() => open >= 8);
    await at.subscribe(at.ada, device);
    await at.say(at.ben, room, "second");
    await at.note(room);
    await at.hurry();
    await until(() => bodies().length === 1);
    expect(open).toBe(8);
    never.resolve(new Response(null, { status: 201 }));
  });

  test("people with an open socket have a minute to read there, and nobody is told in their quiet hours", async () => {
    await at.subscribe(at.ben, device);
    const waits = async () => {
      await at.hurry();
      await at.idle();
      const [row] = await at.run<{ s: number }>(
        sql`select extract(epoch from due_at - clock_timestamp())::float8 as s from pushes`,
      );
      return row?.s ?? 0;
    };
    at.start({ online: async (ids) => new Set(ids) });
    await at.say(at.ada, room, "there?");
    await at.note(room);
    const online = await waits();
    expect(online).toBeGreaterThan(0);
    expect(online).toBeLessThanOrEqual(60);
    await at.run(sql`update pushes set wanted_at = now() - interval '61 seconds'`);
    const now = new Date();
    const minute = now.getUTCHours() * 60 + now.getUTCMinutes();
    const hours = { begins: (minute + 1430) % 1440, ends: (minute + 120) % 1440, zone: "UTC" };
    await at.devices.setQuiet(at.ben, hours);
    const quiet = await waits();
    expect(quiet).toBeGreaterThan(118 * 60);
    expect(quiet).toBeLessThanOrEqual(120 * 60);
    expect(bodies()).toEqual([]);
    await at.devices.setQuiet(at.ben, null);
    await at.hurry();
    await at.idle();
    expect(bodies()).toEqual(["ada: there?"]);
  });

  test("without content a push has neither texts nor names, and a claim of the token counts", async () => {
    await at.subscribe(at.ben, device, { page: "https://shop.example.com/chat?r={room}&m={message}" });
    await at.subscribe(at.ben, `${device}-narrow`, { grants: [{ match: "else-*", allow: ["read"] }] });
    at.start({ content: false });
    const [ack] = await at.say(at.ada, room, "the password is swordfish");
    await at.push(room);
    expect(arrived()[0]?.notification).toEqual({
      title: "New message",
      body: "",
      navigate: `https://shop.example.com/chat?r=${room}&m=${ack?.id}`,
      tag: `room ${room}`,
    });
    expect(JSON.stringify(arrived())).not.toMatch(/swordfish|ada/);
    expect(arrived(`${device}-narrow`)).toEqual([]);
  });

  test("a device belongs to whoever used it last, and an ended session gets nothing", async () => {
    await at.subscribe(at.ben, device);
    await at.say(at.ada, room, "for ben");
    await at.note(room);
    await at.subscribe(at.ada, device);
    await at.hurry();
    at.start();
    await at.idle();
    await at.subscribe(at.ben, `${device}-ended`, { sessionId: crypto.randomUUID() });
    await at.say(at.ada, room, "anyone?");
    await at.push(room);
    expect([...arrived(), ...arrived(`${device}-ended`)]).toEqual([]);
  });

  test("an erased person keeps neither devices nor quiet hours", async () => {
    const name = `p-${crypto.randomUUID()}`;
    const [person] = await at.run<{ id: number }>(
      sql`insert into users (username, username_fold, deleted_at) values (${name}, ${name}, now() - interval '1 day')
        returning id::float8 as id`,
    );
    const id = person?.id ?? 0;
    await at.subscribe(id, device);
    await at.devices.setQuiet(id, { begins: 0, ends: 60, zone: "UTC" });
    expect(await eraseDue(at.database, { afterMs: 1, key: "key" })).toEqual([id]);
    expect([await at.devices.list(id), await at.devices.quiet(id)]).toEqual([[], null]);
  });

  test("what was there before the first start, and what is old, is not pushed", async () => {
    await at.subscribe(at.ben, device);
    await at.run(sql`delete from cursors where consumer = 'push'`);
    await at.say(at.ada, room, "before");
    const cursors = createCursorStore(at.database);
    await at.noter.begin(cursors);
    const parts = { cursors, clock: systemClock, log: createLog("silent"), metrics: at.metrics };
    const running = runConsumer(pushConsumer(at.noter, systemClock), parts);
    await running.settled();
    expect(await at.run(sql`select 1 from pushes`)).toEqual([]);
    await at.say(at.ada, room, "now");
    running.changed(room);
    await running.settled();
    expect(await at.run(sql`select 1 from pushes`)).toHaveLength(1);
    await running.stop();
    // Nobody sent it in time.
    await at.run(sql`update pushes set due_at = now() - interval '11 minutes'`);
    at.start();
    await at.idle();
    expect(bodies()).toEqual([]);
  });
});
