import { sql } from "drizzle-orm";
import type { Change } from "../../src/chat/change.ts";
import { loadConfig } from "../../src/config/config.ts";
import { type Database, rows } from "../../src/db/database.ts";
import { openDatabase } from "../../src/db/open.ts";
import { createStore } from "../../src/store/store.ts";
import { createRandom, type Random } from "../sim/random.ts";
import type { Asked } from "../support/stored.ts";
import { note } from "./recorder.ts";
import { named } from "../support/stubs.ts";

// The work that a power failure interrupts, through the server's own store: `bun --preload recorder.ts workload.ts
// <seed> <batches> [close]`, on the database in POWER_ROOT. Every batch is in the log before it is committed, and again
// once it is acknowledged.

/** A change in the log, by client id. */
export interface Sent extends Asked {
  readonly clientId: string;
  readonly room: string;
}

/** What an acknowledgement says. */
export interface Acked {
  readonly clientId: string;
  readonly room: string;
  readonly id: number;
  readonly version: number;
}

export type Note = { readonly asked: readonly Sent[] } | { readonly acked: readonly Acked[] };

const ROOMS = ["attic", "cellar", "garden", "hall", "kitchen"];
const PEOPLE = 20;

async function work(seed: number, batches: number, close: boolean): Promise<void> {
  const random = createRandom(seed);
  const dataDir = process.env.POWER_ROOT ?? "";
  const config = loadConfig({ DATA_DIR: dataDir });
  const database = await openDatabase(config, Bun.file(process.env.POWER_TEMPLATE ?? ""));
  const { messages, members } = createStore(database);
  const posted = new Map<string, { id: number; senderId: number }[]>();
  for (const room of ROOMS) posted.set(room, await ownMessages(database, room));
  note({ asked: [] } satisfies Note); // the database is open

  const person = () => 1 + random.below(PEOPLE);
  const newChange = (): Change => {
    const room = random.pick(ROOMS);
    const earlier = posted.get(room) ?? [];
    const at = earlier[random.below(earlier.length)];
    const signed = { room, ...named(""), fence: 0, clientId: random.uuid() };
    const kind = random.next();
    if (!at || kind < 0.6) {
      const content = text(random, random.chance(0.05) ? 9000 : random.below(400));
      return { ...signed, senderId: person(), kind: "post", content, data: null, replyTo: null };
    }
    const { id, senderId } = at;
    if (kind < 0.75) return { ...signed, senderId, kind: "edit", id, content: text(random, 80) };
    if (kind < 0.8) return { ...signed, senderId, kind: "delete", id };
    return { ...signed, senderId: person(), kind: "react", id, emoji: "👍", on: random.chance(0.7) };
  };

  for (let batch = 1; batch <= batches; batch++) {
    const changes = Array.from({ length: 1 + random.below(8) }, newChange);
    note({ asked: changes.map(sentOf) } satisfies Note);
    const { outcomes } = await messages.commit(0, changes, true);
    const acked = outcomes.flatMap((outcome, index) => {
      const change = changes[index] as Change;
      if (!outcome || !("ack" in outcome)) return [];
      const { id, version } = outcome.ack;
      if (change.kind === "post") posted.get(change.room)?.push({ id, senderId: change.senderId });
      return [{ clientId: change.clientId, room: change.room, id, version }];
    });
    note({ acked } satisfies Note);
    const seat = { userId: person(), room: random.pick(ROOMS) };
    if (batch % 5 === 0) await members.join([seat]);
    if (batch % 7 === 0) await members.mark([{ ...seat, id: 1 }]);
    if (batch % 40 === 0) await database.run((orm) => rows(orm, sql`checkpoint`));
  }
  if (close) await database.close();
}

async function ownMessages(database: Database, room: string): Promise<{ id: number; senderId: number }[]> {
  return database.run((orm) =>
    rows(
      orm,
      sql`select m.id::float8 as id, m.sender_id::float8 as "senderId" from messages m
        where m.room_id = (select id from rooms where name = ${room}::text)`,
    ),
  );
}

function sentOf(change: Change): Sent {
  const { kind, clientId, room } = change;
  return {
    type: kind,
    clientId,
    room,
    ...("content" in change && { content: change.content }),
    ...("emoji" in change && { emoji: change.emoji, on: change.on }),
  };
}

/** Text that compression does not shrink much, so that long ones need pages of their own. */
function text(random: Random, length: number): string {
  let made = "m";
  while (made.length < length) made += `${random.next().toString(36).slice(2)} `;
  return made;
}

if (import.meta.main) {
  const [seed = "1", batches = "100", close] = process.argv.slice(2);
  await work(Number(seed), Number(batches), close === "close");
  process.exit(0);
}
