import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { operator, roomCalls, startRooms } from "../http/roomcalls.ts";
import { postgresDatabase, type TestDatabase } from "../support/database.ts";
import { needs } from "../support/needs.ts";
import type { Person } from "../support/people.ts";
import { startTestServer, type TestServer } from "../support/server.ts";
import { until } from "../support/until.ts";
import { type Receiver, startReceiver } from "./receiver.ts";

setDefaultTimeout(120_000);

// Two servers that share a webhook, and a receiver that refuses a third of the batches at first and loses as many responses.

needs("TEST_DATABASE_URL")("two servers on one database", () => {
  const ROOMS = 5;
  const EACH = 20;
  let database: TestDatabase;
  let here: TestServer;
  let there: TestServer;
  let ada: Person;
  let receiver: Receiver;

  beforeAll(async () => {
    database = await postgresDatabase();
    const settings = { ...database.env, OUTBOUND_ALLOW: "127.0.0.1" };
    ({
      server: here,
      people: [ada],
    } = await startRooms(settings));
    there = await startTestServer({ ...settings, MESSAGE_RATE: "0", BUDGETS: "0" });
    receiver = startReceiver();
  }, 60_000);
  afterAll(async () => {
    await Promise.all([here.stop(), there.stop()]);
    await receiver.stop();
    await database.close();
  });

  test("send each change of each room once it was accepted, in order, and repeats only with the same id", async () => {
    const accepted: typeof receiver.got = [];
    const known = new Set<string>();
    receiver.respond = (delivery) => {
      const isFirst = !known.has(delivery.id);
      known.add(delivery.id);
      // Of three batches, one is refused at first, and the response to another is lost: the receiver has it.
      const [isRefused, isLost] = [0, 1].map((rest) => isFirst && known.size % 3 === rest);
      if (!isRefused) (accepted as (typeof delivery)[]).push(delivery);
      return new Response(null, { status: isRefused || isLost ? 500 : 204 });
    };
    const run = crypto.randomUUID().slice(0, 8);
    await roomCalls(() => here).by(operator, "POST /hooks/", { url: receiver.url, rooms: [`${run}-*`] });
    const rooms = Array.from({ length: ROOMS }, (_, n) => `${run}-${n}`);
    await Promise.all(
      rooms.map(async (room, index) => {
        for (let n = 1; n <= EACH; n++) {
          const { by } = roomCalls(() => ((n + index) % 2 === 0 ? here : there));
          await by(ada, `POST /rooms/${room}/messages/`, { content: `${n}` });
        }
      }),
    );
    const seen = (room: string) => {
      const texts = accepted
        .filter(({ body }) => body.data.room === room)
        .flatMap(({ body }) => body.data.changes.map(({ content }) => Number(content)));
      return texts.filter((n, at) => texts.indexOf(n) === at);
    };
    await until(() => rooms.every((room) => seen(room).length === EACH), 60_000);
    for (const room of rooms) {
      // Each for the first time in its order.
      expect(seen(room)).toEqual(Array.from({ length: EACH }, (_, n) => n + 1));
      // What comes again is the same batch, and no other batch overlaps it.
      const got = receiver.got.filter(({ body }) => body.data.room === room);
      const spans = new Map(got.map(({ id, body }) => [id, `${body.data.after}-${body.data.upto}`]));
      for (const { id, body } of got) expect(spans.get(id)).toBe(`${body.data.after}-${body.data.upto}`);
      const ends = [...spans.values()].map((span) => span.split("-").map(Number) as [number, number]);
      for (const [index, [after]] of ends.entries()) expect(after).toBe(ends[index - 1]?.[1] ?? 0);
    }
    expect(receiver.got.length).toBeGreaterThan(accepted.length);
  });
});
