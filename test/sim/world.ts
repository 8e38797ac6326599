import type { Identity } from "../../src/identity.ts";
import type { Ack, Key, Post } from "../../src/chat/change.ts";
import type { ErrorCode } from "../../src/protocol/codes.ts";
import { type Asked, createAckBook } from "./acks.ts";
import { createBackend } from "./backend.ts";
import { type BusLine, createBusLine } from "./bus.ts";
import { type Changes, createChanges } from "./changes.ts";
import { createClient } from "./client.ts";
import { createDatabase, POISON, type SimDatabase } from "./database.ts";
import { createJudge, type Judge } from "./judge.ts";
import { createNode, type SimNode } from "./node.ts";
import type { Participant } from "./participant.ts";
import { createPlainClient } from "./plain-client.ts";
import { type Plan, planOf } from "./plan.ts";
import { createRandom, type Random } from "./random.ts";
import { createRealClient } from "./real-client.ts";
import { createRights, type Rights } from "./rights.ts";
import { createSchedule, EPOCH_MS, type Schedule } from "./schedule.ts";
import type { Reach } from "./store.ts";
import { named, userOf } from "../support/stubs.ts";

/** A guarantee that did not hold. */
export class Broken extends Error {
  override readonly name = "Broken";
}

/** Everything in one simulation. */
export interface World {
  readonly plan: Plan;
  readonly random: Random;
  readonly schedule: Schedule;
  readonly database: SimDatabase;
  readonly reach: Reach;
  readonly bus: BusLine;
  readonly judge: Judge;
  readonly nodes: readonly SimNode[];
  readonly people: readonly Participant[];
  /** Frames are checked against their schemas in this run. */
  readonly strict: boolean;
  readonly broken: Broken | undefined;
  note: ((line: string) => void) | undefined;
  fail(sentence: string, detail?: string): void;
  nextId(): number;
  /** Returns a text that was never used before. */
  say(): string;
  readonly changes: Changes;
  readonly rights: Rights;
  /** Checks an ack. */
  acked(change: Asked, ack: Partial<Ack>): void;
  /** Checks a refusal that is final. */
  refused(change: Key & { readonly content?: string }, code: ErrorCode): void;
  /** Writes messages directly to the database. */
  fill(room: string, count: number): void;
  largePosts(room: string, count: number): Post[];
}

/** Nearly ten thousand characters of three bytes: about thirty of them exceed the hard limit of a socket. */
const LARGE = "\u5b57".repeat(9_900);

/** The share of the chat.v1 clients without a room of their own that are the real client. */
const REAL = 0.4;

export function createWorld(seed: number, trace?: (line: string) => void): World {
  const random = createRandom(seed);
  const plan = planOf(random);
  const schedule = createSchedule(random);
  const database = createDatabase(
    () => schedule.now,
    plan.pageRows,
    (sentence, detail) => fail(sentence, detail),
  );
  let broken: Broken | undefined;
  let ids = 0;
  let words = 0;

  const fail = (sentence: string, detail = "") => {
    broken ??= new Broken(detail ? `${sentence}: ${detail}` : sentence);
    world.note?.(`BROKEN ${broken.message}`);
  };

  const imported = (room: string, count: number, filler: string): Post[] =>
    Array.from({ length: count }, () => {
      const clientId = `00000000-0000-4000-8000-${(++words).toString(16).padStart(12, "0")}`;
      return {
        kind: "post",
        room,
        senderId: 0,
        ...named("importer"),
        clientId,
        content: `${words} ${filler}.`,
        data: null,
        replyTo: null,
        fence: 0,
      };
    });

  const nodes: SimNode[] = [];
  const people: Participant[] = [];
  const world: World = {
    plan,
    random,
    schedule,
    database,
    reach: { away: false },
    bus: createBusLine(schedule, random, plan),
    get judge() {
      return judge;
    },
    get rights() {
      return rights;
    },
    nodes,
    people,
    strict: seed % 16 === 0,
    get broken() {
      return broken;
    },
    note: trace && ((line) => trace(`${schedule.now.toFixed(2).padStart(10)} ${line}`)),
    fail,
    nextId: () => ++ids,
    say() {
      const poison = plan.faulty && random.chance(plan.poison) ? POISON : "";
      return `${++words}${poison} ${plan.large && random.chance(0.04) ? LARGE : ""}.`;
    },
    changes: createChanges({ database, random, say: () => world.say() }),
    acked: createAckBook(database, fail),
    refused(change, code) {
      // If both are in flight at once, the server need not ask the database, and gives both the result of the first.
      if (world.changes.isReused(change.clientId) && (code === "client_id_reused" || code === "invalid"))
        return;
      if (database.refused(change, code) || (code === "invalid" && change.content?.includes(POISON))) return;
      const { senderId: userId = 0, room } = change;
      if (code === "forbidden" && rights.mayBeRefused({ userId, room })) return;
      fail("a good change was refused for good", `${change.kind} in ${change.room}: ${code}`);
    },
    fill: (room, count) => void (count > 0 && database.commitNew(imported(room, count, ""))),
    largePosts: (room, count) => imported(room, count, LARGE),
  };
  const judge = createJudge(world);
  const rights = createRights(world);

  const identity = (userId: number) => (): Identity => ({
    userId,
    username: `user${userId}`,
    // A person's tokens may call them something else each time.
    user: { ...userOf(`user${userId}`), name: random.pick([undefined, `User ${userId}`, "Ada Lovelace"]) },
    picture: null,
    sessionId: `session${userId}`,
    expiresAt:
      EPOCH_MS + schedule.now + (plan.shortTokens && plan.faulty ? random.between(500, 8_000) : 3_600_000),
    grants: null,
  });
  for (const room of plan.rooms) world.fill(room, random.chance(0.7) ? plan.backlog : 0);
  for (let index = 0; index < plan.nodes; index++) nodes.push(createNode(`node${index + 1}`, world));
  const someone = () => identity(1 + random.below(plan.users));
  for (let index = 0; index < plan.v1; index++) {
    const own = random.chance(0.35) ? random.pick(plan.rooms) : undefined;
    const real = own === undefined && random.chance(REAL);
    people.push(
      real
        ? createRealClient(`real-${index + 1}`, someone(), world)
        : createClient(`v1-${index + 1}`, someone(), own, world),
    );
  }
  for (let index = 0; index < plan.plain; index++)
    people.push(createPlainClient(`plain-${index + 1}`, someone(), random.pick(plan.rooms), world));
  for (let index = 0; index < plan.backends; index++)
    people.push(createBackend(`backend-${index + 1}`, someone(), world));
  return world;
}
