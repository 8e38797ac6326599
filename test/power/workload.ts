import { join } from "node:path";
import { sql } from "drizzle-orm";
import { readTo } from "../../src/chat/ports.ts";
import type { Change } from "../../src/chat/change.ts";
import { loadConfig } from "../../src/config/config.ts";
import { type Database, rows } from "../../src/db/database.ts";
import { openDatabase } from "../../src/db/open.ts";
import { systemClock } from "../../src/clock.ts";
import { collect } from "../../src/files/collector.ts";
import { openDisk } from "../../src/files/disk.ts";
import { createPictures } from "../../src/files/pictures.ts";
import type { StoredFile } from "../../src/files/ports.ts";
import { createUpload } from "../../src/files/upload.ts";
import { createMetrics } from "../../src/metrics.ts";
import { createFileStore } from "../../src/store/files.ts";
import { createStore } from "../../src/store/store.ts";
import { createRandom, type Random } from "../sim/random.ts";
import type { Asked } from "../support/stored.ts";
import { note } from "./recorder.ts";
import { png } from "../support/pictures.ts";
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

/** A file that was uploaded. */
export interface Stored {
  readonly id: string;
  readonly hash: string;
}

/** `stored`: an upload was acknowledged. `dropped`: the message with this file may be deleted from now on. */
export type Note =
  | { readonly asked: readonly Sent[] }
  | { readonly acked: readonly Acked[] }
  | { readonly stored: Stored }
  | { readonly dropped: string };

const ROOMS = ["attic", "cellar", "garden", "hall", "kitchen"];
const PEOPLE = 20;

async function work(seed: number, batches: number, close: boolean): Promise<void> {
  const random = createRandom(seed);
  const dataDir = process.env.POWER_ROOT ?? "";
  const config = loadConfig({ DATA_DIR: dataDir });
  const database = await openDatabase(config, Bun.file(process.env.POWER_TEMPLATE ?? ""));
  const { messages, members } = createStore(database);
  const { upload, removeUnneeded } = await openUploads(database, join(dataDir, "files"), random);
  /** Messages with a file. */
  const illustrated: { room: string; id: number; senderId: number; file: string }[] = [];
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

  /** Uploads a file to a room that is there. Most are sent with a message; some messages with files are deleted. */
  const illustrate = async (): Promise<Change[]> => {
    if (illustrated.length > 3) {
      const [{ room, id, senderId, file } = { room: "", id: 0, senderId: 0, file: "" }] = illustrated.splice(
        0,
        1,
      );
      note({ dropped: file } satisfies Note);
      return [{ kind: "delete", room, id, senderId, clientId: random.uuid(), ...named(""), fence: 0 }];
    }
    const room = ROOMS.find((one) => (posted.get(one)?.length ?? 0) > 0);
    if (room === undefined) return [];
    const senderId = person();
    const { id, hash } = await upload(room, senderId);
    note({ stored: { id, hash } } satisfies Note);
    if (random.chance(0.3)) return [];
    const signed = { room, ...named(""), fence: 0, clientId: random.uuid(), senderId };
    return [{ ...signed, kind: "post", content: "", data: null, replyTo: null, files: [{ id }] }];
  };

  for (let batch = 1; batch <= batches; batch++) {
    const more = batch % 3 === 0 ? await illustrate() : [];
    const changes = [...Array.from({ length: 1 + random.below(8) }, newChange), ...more];
    note({ asked: changes.map(sentOf) } satisfies Note);
    const { outcomes } = await messages.commit(0, changes, true);
    const acked = outcomes.flatMap((outcome, index) => {
      const change = changes[index] as Change;
      if (!outcome || !("ack" in outcome)) return [];
      const { id, version } = outcome.ack;
      if (change.kind === "post" && change.files) {
        const [file] = change.files;
        illustrated.push({ room: change.room, id, senderId: change.senderId, file: file?.id ?? "" });
      } else if (change.kind === "post") posted.get(change.room)?.push({ id, senderId: change.senderId });
      return [{ clientId: change.clientId, room: change.room, id, version }];
    });
    note({ acked } satisfies Note);
    const seat = { userId: person(), room: random.pick(ROOMS) };
    if (batch % 10 === 0) await removeUnneeded();
    if (batch % 5 === 0) await members.join([seat]);
    if (batch % 7 === 0) await members.mark([{ ...seat, ...readTo(1) }]);
    if (batch % 40 === 0) await database.run((orm) => rows(orm, sql`checkpoint`));
  }
  if (close) await database.close();
}

/** Uploads as the server has them: on a disk, with previews. */
async function openUploads(database: Database, folder: string, random: Random) {
  const parts = { store: createFileStore(database), blobs: await openDisk(folder), metrics: createMetrics() };
  const receive = createUpload({
    ...parts,
    pictures: createPictures(),
    clock: systemClock,
    max: 1e9,
    quotas: { person: 1e12, room: 1e12 },
    newId: random.uuid,
  });
  return {
    async upload(room: string, userId: number): Promise<StoredFile> {
      const isPicture = random.chance(0.3);
      const size = random.pick([0, 10, 5_000, 70_000]);
      const bytes = isPicture ? png(8 + random.below(900), 20) : Buffer.from(text(random, size));
      const body = new Blob([bytes]).stream();
      const clientId = random.uuid();
      const arrival = { room, userId, clientId, name: "a", declared: bytes.length, body, arrived() {} };
      return (await receive(arrival)).file;
    },
    removeUnneeded: () => collect(parts),
  };
}

async function ownMessages(database: Database, room: string): Promise<{ id: number; senderId: number }[]> {
  return database.run((orm) =>
    rows(
      orm,
      sql`select m.id::float8 as id, m.sender_id::float8 as "senderId" from messages m
        where m.room_id = (select id from rooms where name = ${room}::text) and m.files is null`,
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
