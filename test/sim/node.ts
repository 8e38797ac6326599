import { createBudgets } from "../../src/budgets.ts";
import {
  type Ack,
  type Chat,
  createChat,
  type Fit,
  type HistoryQuery,
  type HistoryResult,
} from "../../src/chat/chat.ts";
import type { Seat } from "../../src/chat/ports.ts";
import { Refusal } from "../../src/errors.ts";
import type { Identity } from "../../src/identity.ts";
import type { Log } from "../../src/log.ts";
import { MESSAGE_MAX_CHARS } from "../../src/protocol/limits.ts";
import type { History } from "../../src/protocol/membership.ts";
import type { Wish } from "./changes.ts";
import type { Decreed } from "./decrees.ts";
import { aliveStanding, named } from "../support/stubs.ts";
import { type ClientEnd, createLink, type Link } from "./link.ts";
import { createMeters } from "./meters.ts";
import { createProcessClock } from "./schedule.ts";
import { createStore } from "./store.ts";
import { createWire } from "./wire.ts";
import { ORDER, type World } from "./world.ts";

/** How a client connects. */
export interface Visit {
  readonly identity: Identity;
  readonly format: "v1" | "plain";
  readonly room?: string;
  readonly since?: { readonly epoch: string; readonly version: number };
  readonly client: ClientEnd;
}

/** What someone wants a new private room to be. */
export interface NewRoom {
  readonly clientId: string;
  readonly title: string;
  readonly history: History;
  readonly people: readonly number[];
}

const ANY_FIT: Fit = { bytes: 1_000_000, sizeOf: () => 1_000 };

/** A machine on which the server's process runs, dies, stops and comes back. */
export interface SimNode {
  readonly name: string;
  readonly up: boolean;
  start(): void;
  /** Ends the process at once, with all its memory. */
  die(): void;
  /** Stops the process in an orderly way. */
  stop(): void;
  /** Opens a socket; returns undefined if nobody listens. */
  visit(visit: Visit): Link | undefined;
  /** Submits a change over HTTP. The promise never settles if the process dies. */
  submit(person: Identity, change: Wish): Promise<Ack>;
  /** Reads a page of history over HTTP. */
  page(person: Identity, room: string, query: HistoryQuery): Promise<HistoryResult>;
  /** Changes who may do what in a room, for a person or (null) an operator. */
  decree(userId: number | null, decreed: Decreed): Promise<Ack>;
  /** Creates a private room; opens the one of some people. */
  create(userId: number, wish: NewRoom): Promise<{ room: string }>;
  direct(userId: number, people: readonly number[]): Promise<{ room: string }>;
  /** The operator bans someone, or lifts the ban; someone leaves a room for good. They never settle if the process dies. */
  ban(seat: Seat): Promise<void>;
  unban(seat: Seat): Promise<void>;
  leave(seat: Seat): Promise<void>;
  links(): readonly Link[];
  /** Returns what is left in the process after everyone has gone. */
  leftovers(): string[];
}

interface Life {
  readonly chat: Chat;
  readonly links: Set<Link>;
  alive: boolean;
  draining: boolean;
  die(): void;
  leftovers(): string[];
}

/**
 * Timers of an idle process: the sweep of the committer, and the checks of rooms, logins, departures, tokens, memberships and
 * watched rooms.
 */
const IDLE_TIMERS = 7;

export function createNode(name: string, world: World): SimNode {
  const { schedule, random, plan, judge, note } = world;
  let life: Life | undefined;
  let starting = false;

  const live = (epoch: string): Life => {
    const links = new Set<Link>();
    const alive = () => self.alive;
    const processClock = createProcessClock(schedule, alive);
    const { clock } = processClock;
    const meters = createMeters();
    const line = world.bus.join(alive);
    const log = {
      warn() {},
      info() {},
      error: ({ fault }: { fault: { name: string; stack: string[] }[] }) => {
        if (fault[0]?.name !== "DatabaseAway" && fault[0]?.name !== "Refusal")
          world.fail(`${name} had a fault of its own`, JSON.stringify(fault));
      },
    } as unknown as Log;
    const chat = createChat({
      store: createStore({ ...world, alive }),
      bus: line.bus,
      budgets: createBudgets({
        scale: plan.budgets,
        messages: { rate: plan.messageRate, burst: 5 },
        clock,
        bus: line.bus,
        metrics: meters.metrics,
      }),
      standing: aliveStanding,
      authenticate: (token) =>
        new Promise((resolve, reject) => {
          schedule.after(random.between(0.1, 5), () => {
            if (!alive()) return;
            try {
              resolve(world.tokens.verify(token));
            } catch (error) {
              reject(error);
            }
          });
        }),
      fanout: {
        publish(topic, frame) {
          const wire = createWire(frame, world.strict);
          let pressed = false;
          for (const link of links) {
            if (!link.topics.has(topic)) continue;
            link.put(wire, true);
            pressed ||= link.pressed;
          }
          return pressed;
        },
        hidden: () => Math.max(0, ...links.values().map(({ hidden }) => hidden)),
      },
      clock,
      log,
      metrics: meters.metrics,
      random: random.next,
      epoch,
      roomKey: "room-key",
      settings: {
        roomAccess: "open",
        messageChars: MESSAGE_MAX_CHARS,
        socketsPerUser: 100,
        roomsPerSocket: 100,
      },
    });
    const self: Life = {
      chat,
      links,
      alive: true,
      draining: false,
      die() {
        self.alive = false;
        line.leave();
        for (const link of links) link.orphan();
      },
      leftovers() {
        const left: string[] = [];
        if (chat.pending > 0) left.push(`${chat.pending} posts in the queue`);
        for (const [what, count] of meters.gauges()) if (count !== 0) left.push(`${count} ${what}`);
        if (line.rooms.size > 0) left.push(`subscriptions to ${[...line.rooms].join(", ")}`);
        if (processClock.pending > IDLE_TIMERS) left.push(`${processClock.pending} timers`);
        if (links.size > 0) left.push(`${links.size} sockets`);
        return left;
      },
    };
    return self;
  };

  /** Settles with the work, unless the process dies first. */
  const whileAlive = <T>(work: (chat: Chat) => Promise<T>): Promise<T> => {
    const at = life;
    if (!at || at.draining) return Promise.reject(new Refusal("busy"));
    return new Promise((resolve, reject) =>
      work(at.chat).then(
        (value) => at.alive && resolve(value),
        (error: unknown) => at.alive && reject(error),
      ),
    );
  };

  const identityOf = (userId: number): Identity => ({
    userId,
    ...named(`user${userId}`),
    picture: null,
    sessionId: null,
    expiresAt: Number.POSITIVE_INFINITY,
    grants: null,
  });

  return {
    name,
    get up() {
      return life !== undefined && !life.draining;
    },
    start() {
      if (life || starting) return;
      starting = true;
      const begin = () => {
        if (world.reach.away) return void schedule.after(300, begin);
        const { epoch } = world.database;
        schedule.after(random.between(0, 20), () => {
          starting = false;
          life = live(epoch);
          note?.(`${name} is up`);
        });
      };
      begin();
    },
    die() {
      if (!life) return;
      note?.(`${name} dies`);
      life.die();
      life = undefined;
    },
    stop() {
      const leaving = life;
      if (!leaving || leaving.draining) return;
      note?.(`${name} goes away`);
      leaving.draining = true;
      void leaving.chat.stop().then(() => {
        if (!leaving.alive) return;
        if (leaving.chat.pending > 0) world.fail("a node left with posts in its queue", name);
        schedule.after(random.between(0, 50), () => {
          if (life !== leaving) return;
          note?.(`${name} is gone`);
          leaving.die();
          life = undefined;
        });
      });
    },
    visit({ client, format, ...visit }) {
      if (!life || life.draining) return undefined;
      const { chat, links } = life;
      const at = life;
      const link = createLink({
        id: world.nextId(),
        schedule,
        random,
        client,
        watch: judge,
        toWire: (frame) => createWire(frame, world.strict),
        soon: (task) => void schedule.after(0, task),
      });
      const connection = chat.connect(format, { socket: link.socket, ...visit });
      links.add(link);
      link.attach({
        receive: (frame) => at.alive && connection.receive(frame),
        drained: () => at.alive && connection.drained(),
        ended() {
          links.delete(link);
          judge.ended(link);
          connection.ended();
        },
      });
      judge.opened(link, { ...visit, format, node: name, chat });
      connection.open();
      return link;
    },
    submit: (person, { room, ...change }) => whileAlive((chat) => chat.submit(person, room, change)),
    decree: (userId, { room, ...decree }) =>
      whileAlive((chat) =>
        userId === null ? chat.ordain(room, decree, ORDER) : chat.submit(identityOf(userId), room, decree),
      ),
    create: (userId, { clientId, title, history, people }) =>
      whileAlive((chat) =>
        chat.founding.create(identityOf(userId), { clientId, settings: { title, history }, people }),
      ),
    direct: (userId, people) => whileAlive((chat) => chat.founding.direct(identityOf(userId), people)),
    page: (person, room, query) =>
      whileAlive(async (chat) => chat.page(await chat.enter(person, room, "read"), query, ANY_FIT)),
    ban: ({ userId, room }) => whileAlive((chat) => chat.ban(userId, room, ORDER)),
    unban: ({ userId, room }) => whileAlive((chat) => chat.unban(userId, room, ORDER)),
    leave: ({ userId, room }) => whileAlive((chat) => chat.leave({ userId, grants: null } as Identity, room)),
    links: () => [...(life?.links ?? [])],
    leftovers: () => life?.leftovers() ?? [],
  };
}
