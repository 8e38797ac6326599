import type { Attachment } from "../../src/chat/change.ts";
import type { Seat } from "../../src/chat/ports.ts";
import type { UploadKey } from "../../src/files/ports.ts";
import { createFilesJudge } from "./files-judge.ts";
import { PNG } from "./file-service.ts";
import { identityOf } from "./machine.ts";
import type { Random } from "./random.ts";
import { createRequests } from "./requests.ts";
import type { Schedule } from "./schedule.ts";
import type { World } from "./world.ts";

/** People who upload files, look at them and delete the messages that have them, over HTTP. */
export interface Uploaders {
  act(): void;
  /** Files that someone may want to send: most are theirs, of this room, and were not sent yet. */
  pick(userId: number, room: string): readonly Attachment[] | null;
  /** Nobody needs anything any more that no message has: all of it is removed, and everything else is there. */
  tidy(): Promise<void>;
  unsettled(): string[];
}

/** A file that was uploaded, as its uploader knows it. */
interface Known extends Seat {
  readonly id: string;
}

/** Uploads and files that people still think of. */
const RECENT = 8;
const LONG_MS = 1e9;
/** Rounds in which everything that nobody needs has to be gone, and how long one may take, in milliseconds. */
const ROUNDS = 60;
const ROUND_MS = 120_000;

export function createUploaders(world: World): Uploaders {
  const { schedule, random, database, nodes, decrees, sight, plan } = world;
  const { request, unsettled } = createRequests(world);
  const judge = createFilesJudge(world);
  const keys: UploadKey[] = [];
  const known: Known[] = [];
  const ignore = () => {};

  const content = () => {
    const parts = Array.from({ length: random.below(4) }, () => world.say());
    return random.chance(0.4) ? [PNG, ...parts] : parts;
  };

  const upload = (key: UploadKey, parts: readonly string[]) => {
    const { userId, room } = key;
    const body = Buffer.from(parts.join(""), "latin1");
    const person = identityOf(userId);
    const window = sight.windowOf(room);
    const hadRoom = judge.hasRoom(room);
    judge.asked(key, body);
    world.note?.(`${userId} uploads ${body.length} bytes to ${room}`);
    request(
      `an upload of ${userId} to ${room}`,
      (node) =>
        node.upload(person, {
          ...key,
          name: `${body.length}.bin`,
          declared: random.chance(0.5) ? body.length : undefined,
          body: bodyOf(parts, schedule, random),
          arrived: ignore,
        }),
      ({ file }) => {
        judge.stored(key, file, body);
        known.push({ userId, room, id: file.id });
      },
      ({ code }) => judge.refused(key, code, { window, hadRoom }),
    );
  };

  /** Someone uploads something, perhaps again or twice at once, perhaps with other bytes. */
  const uploadSome = () => {
    const again = keys.length > 0 && random.chance(0.3) ? random.pick(keys.slice(-RECENT)) : undefined;
    const key = again ?? {
      room: random.pick(world.places()),
      userId: decrees.someone(),
      clientId: random.uuid(),
    };
    if (!again) keys.push(key);
    const parts = judge.partsOf(key) ?? content();
    judge.remember(key, parts);
    upload(key, random.chance(0.15) ? content() : parts);
    if (random.chance(0.3))
      schedule.after(random.between(0, 20), () => upload(key, random.chance(0.3) ? content() : parts));
  };

  /** Someone asks where files can be loaded. */
  const look = () => {
    if (known.length === 0) return;
    const some = Array.from({ length: 1 + random.below(4) }, () => random.pick(known.slice(-2 * RECENT)));
    const [{ room } = { room: "" }] = some;
    const userId = decrees.someone();
    const ids = [...new Set(some.map(({ id }) => id))];
    const asked = judge.looks({ userId, room }, ids);
    random.pick(nodes).files(identityOf(userId), room, ids).then(asked.shown, asked.refused);
  };

  /** Someone deletes their message with files, or an operator does. */
  const empty = () => {
    const sent = known.slice(-RECENT).flatMap(({ id }) => database.files.row(id) ?? []);
    const row = sent.find(({ state }) => state === "attached");
    if (!row || row.messageId === null) return;
    const { room, messageId: id, userId } = row;
    if (random.chance(0.4)) return void random.pick(nodes).remove(room, id).catch(ignore);
    const change = { kind: "delete", room, id, clientId: random.uuid() } as const;
    random.pick(nodes).submit(identityOf(userId), change).catch(ignore);
  };

  /** Only a restore, or a failure while an upload is given up, leaves content without a row. */
  const mayStray = () => {
    const { die, stop, restore, databaseAway } = plan.faults;
    return die + stop + restore + databaseAway + plan.shelfFailures + plan.readFailures > 0;
  };

  const collect = () => {
    if (random.chance(0.3)) database.files.clear();
    const node = random.pick(nodes);
    if (mayStray() && random.chance(0.2)) return void node.sweep().catch(ignore);
    const limits = {
      silentMs: random.pick([LONG_MS, random.between(5, 500)]),
      unsentMs: random.pick([LONG_MS, random.between(5, 3_000)]),
      strayMs: random.pick([LONG_MS, 100]),
    };
    node.collect(limits).catch(ignore);
  };

  return {
    act() {
      const what = random.next();
      if (what < 0.45) return uploadSome();
      if (what < 0.75) return look();
      return what < 0.85 ? empty() : collect();
    },
    pick(userId, room) {
      if (!plan.files || random.chance(0.5)) return null;
      const isGood = (one: Known) => one.userId === userId && one.room === room;
      const from = known.slice(-3 * RECENT).filter((one) => isGood(one) || random.chance(0.1));
      if (from.length === 0) return null;
      const ids = new Set(Array.from({ length: 1 + random.below(2) }, () => random.pick(from).id));
      return [...ids].map((id) => (random.chance(0.3) ? { id, alt: "A picture" } : { id }));
    },
    async tidy() {
      const [node] = nodes.filter(({ up }) => up);
      if (!plan.files || !node) return;
      for (let round = 0; round < ROUNDS && !judge.isTidy(); round++) {
        database.files.clear();
        let over = false;
        const work = async () => {
          if (mayStray()) await node.sweep();
          await node.collect({ silentMs: -1, unsentMs: -1, strayMs: -1 });
        };
        work()
          .catch((error: unknown) => world.fail("files could not be collected", String(error)))
          .finally(() => (over = true));
        await schedule.run(ROUND_MS, () => over);
      }
      judge.atRest();
    },
    unsettled,
  };
}

/** A body that arrives part by part, and may stall. */
function bodyOf(parts: readonly string[], schedule: Schedule, random: Random): ReadableStream<Uint8Array> {
  let at = 0;
  const read = () =>
    new Promise((resolve) => {
      schedule.after(random.between(0.1, random.chance(0.1) ? 800 : 10), () => {
        const part = parts[at++];
        resolve(part === undefined ? { done: true } : { done: false, value: Buffer.from(part, "latin1") });
      });
    });
  return {
    getReader: () => ({ read, cancel: () => Promise.resolve() }),
  } as unknown as ReadableStream<Uint8Array>;
}
