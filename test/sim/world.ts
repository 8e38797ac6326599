import type { Identity } from "../../src/identity.ts";
import { type Ack, type Change, type Post, type Ruling, SYSTEM_ID } from "../../src/chat/change.ts";
import type { ErrorCode } from "../../src/protocol/codes.ts";
import { type Asked, createAckBook } from "./acks.ts";
import { createBackend } from "./backend.ts";
import { type BusLine, createBusLine } from "./bus.ts";
import { type Changes, createChanges } from "./changes.ts";
import { createClient } from "./client.ts";
import { createDatabase, POISON, type SimDatabase } from "./database.ts";
import { createDecrees, type Decreed, type Decrees } from "./decrees.ts";
import { createGovernors, type Governors } from "./governors.ts";
import { createJudge, type Judge } from "./judge.ts";
import type { SimNode } from "./machine.ts";
import { createNode } from "./node.ts";
import type { Participant } from "./participant.ts";
import { createPlainClient } from "./plain-client.ts";
import { PLAIN_ROOM, type Plan, planOf } from "./plan.ts";
import { createRandom, type Random } from "./random.ts";
import { createRealClient } from "./real-client.ts";
import { createRights, type Rights } from "./rights.ts";
import { createSchedule, EPOCH_MS, type Schedule } from "./schedule.ts";
import { createShelf, type Shelf } from "./shelf.ts";
import { createSociables, type Sociables } from "./sociables.ts";
import { createSight, type Sight, type Window } from "./sight.ts";
import type { Reach } from "./path.ts";
import { createTokens, type Tokens } from "./tokens.ts";
import { createUploaders, type Uploaders } from "./uploaders.ts";
import { createWatcher } from "./watcher.ts";
import { named, userOf } from "../support/stubs.ts";

/** A guarantee that did not hold. */
export class Broken extends Error {
  override readonly name = "Broken";
}

/** Everything in one simulation. */
export interface World {
  readonly plan: Plan;
  readonly random: Random;
  /** How an endpoint answers that checks messages before their commit. Undefined: there is none. */
  readonly screening: Random | undefined;
  readonly schedule: Schedule;
  readonly database: SimDatabase;
  readonly reach: Reach;
  readonly bus: BusLine;
  readonly judge: Judge;
  readonly nodes: readonly SimNode[];
  readonly people: readonly Participant[];
  readonly tokens: Tokens;
  /** Faults have ceased and everything has come right. Only products still fail and change their minds. */
  staying: boolean;
  /** Frames are checked against their schemas in this run. */
  readonly strict: boolean;
  readonly broken: Broken | undefined;
  note: ((line: string) => void) | undefined;
  fail(sentence: string, detail?: string): void;
  nextId(): number;
  /** Returns a text that was never used before. */
  say(): string;
  readonly changes: Changes;
  readonly decrees: Decrees;
  readonly governors: Governors;
  readonly sociables: Sociables;
  /** Where the content of files is stored. */
  readonly shelf: Shelf;
  readonly uploaders: Uploaders;
  /** What someone, or (null) the operator, asks for, as the database gets it. */
  ruling(userId: number | null, decreed: Decreed): Ruling;
  readonly rights: Rights;
  readonly sight: Sight;
  /** Every room that anyone has heard of. */
  places(): readonly string[];
  /** Checks an ack. */
  acked(change: Asked, ack: Partial<Ack>): void;
  /** Checks a refusal that is final. `isRepeat`: the change had been committed when it was sent. */
  refused(
    change: Change,
    code: ErrorCode,
    asked: { readonly window: Window; readonly isRepeat: boolean },
  ): void;
  /** Writes messages directly to the database. */
  fill(room: string, count: number): void;
  largePosts(room: string, count: number): Post[];
}

/** Nearly ten thousand characters of three bytes: about thirty of them exceed the hard limit of a socket. */
const LARGE = "\u5b57".repeat(9_900);

/** What operators do, as the audit would have it. */
export const ORDER = { via: "http", actor: "", address: "", reason: "" } as const;

/** The share of the chat.v1 clients without a room of their own that are the real client. */
const REAL = 0.4;

/** One seed of so many has an endpoint that checks messages. */
const SCREENED = 5;

export function createWorld(seed: number, trace?: (line: string) => void): World {
  const random = createRandom(seed);
  const isScreened = seed % SCREENED === 0;
  const plan = planOf(random, isScreened);
  const schedule = createSchedule(random);
  const places = [...plan.rooms];
  const database = createDatabase({
    now: () => schedule.now,
    pageRows: plan.pageRows,
    users: plan.users,
    membersOnly: plan.membersOnly,
    fail: (sentence, detail) => fail(sentence, detail),
    created: (room) => void (places.includes(room) || places.push(room)),
  });
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
    screening: isScreened ? createRandom(-seed) : undefined,
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
    tokens: createTokens(schedule),
    staying: false,
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
    sight: createSight(database, () => schedule.now),
    places: () => places,
    decrees: createDecrees({ database, random, schedule, ...plan }),
    get governors() {
      return governors;
    },
    get sociables() {
      return sociables;
    },
    shelf: createShelf(),
    get uploaders() {
      return uploaders;
    },
    ruling: (userId, decreed) => ({
      ...decreed,
      senderId: userId ?? SYSTEM_ID,
      ...named(userId === null ? "" : `user${userId}`),
      order: userId === null ? ORDER : null,
    }),
    changes: createChanges({
      database,
      random,
      say: () => world.say(),
      users: plan.users,
      mentioning: plan.budgets === 0,
      pick: (...seat) => uploaders.pick(...seat),
    }),
    acked: createAckBook(database, fail),
    refused(change, code, { window, isRepeat }) {
      // If both are in flight at once, the server need not ask the database, and gives both the result of the first.
      if (world.changes.isReused(change.clientId) && (code === "client_id_reused" || code === "invalid"))
        return;
      if (isRepeat && window.epoch === database.epoch)
        fail(
          "a resend was refused although it had been committed",
          `${change.kind} in ${change.room}: ${code}`,
        );
      if (code === "invalid" && "content" in change && change.content.includes(POISON)) return;
      if (database.refused(change, code)) return;
      if (world.sight.mayRefuse(change, code, window)) return;
      fail("a good change was refused for good", `${change.kind} in ${change.room}: ${code}`);
    },
    fill: (room, count) => void (count > 0 && database.commitNew(imported(room, count, ""))),
    largePosts: (room, count) => imported(room, count, LARGE),
  };
  const judge = createJudge(world);
  const rights = createRights(world);
  const governors = createGovernors(world);
  const sociables = createSociables(world);
  const uploaders = createUploaders(world);

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
  for (const room of plan.rooms.filter((one) => one !== PLAIN_ROOM)) {
    if (plan.membersOnly) {
      const some = world.decrees.some(plan.users);
      const decreed = { kind: "member", room, clientId: random.uuid(), set: "in", users: some } as const;
      database.commitCarefully([world.ruling(null, decreed)]);
    }
    world.fill(room, random.chance(0.7) ? plan.backlog : 0);
  }
  for (let index = 0; index < plan.nodes; index++) nodes.push(createNode(`node${index + 1}`, world));
  const someone = () => identity(1 + random.below(plan.users));
  for (let index = 0; index < plan.v1; index++) {
    const own = random.chance(0.35) ? random.pick(plan.rooms) : undefined;
    const real = own === undefined && (random.chance(REAL) || plan.claims);
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
  for (let index = 0; index < plan.watchers; index++)
    people.push(createWatcher(`watcher-${index + 1}`, someone(), world));
  return world;
}
