import { createBudgets } from "../../src/budgets.ts";
import { type Chat, createChat, type Fit } from "../../src/chat/chat.ts";
import { Refusal } from "../../src/errors.ts";
import type { Log } from "../../src/log.ts";
import { MESSAGE_MAX_CHARS } from "../../src/protocol/limits.ts";
import { aliveStanding } from "../support/stubs.ts";
import { createLink, type Link } from "./link.ts";
import { createFileService, type FileService } from "./file-service.ts";
import { identityOf, type SimNode } from "./machine.ts";
import { createMeters } from "./meters.ts";
import { createProcessClock } from "./schedule.ts";
import type { Reach } from "./path.ts";
import { createSimScreen } from "./screen.ts";
import { createStore } from "./store.ts";
import { createWire } from "./wire.ts";
import { ORDER, type World } from "./world.ts";

const ANY_FIT: Fit = { bytes: 1_000_000, sizeOf: () => 1_000 };

interface Life {
  readonly chat: Chat;
  readonly files: FileService;
  readonly links: Set<Link>;
  alive: boolean;
  draining: boolean;
  die(): void;
  leftovers(): string[];
}

/**
 * Timers of an idle process: the sweep of the committer, the collector of files, and the checks of rooms, logins, departures,
 * tokens, memberships and watched rooms.
 */
const IDLE_TIMERS = 8;

export function createNode(name: string, world: World): SimNode {
  const { schedule, random, plan, judge, note } = world;
  let life: Life | undefined;
  let starting = false;
  let cutUntil = 0;
  const reach: Reach = {
    get away() {
      return schedule.now < cutUntil ? "refuses" : world.reach.away;
    },
  };

  const live = (epoch: string, stamp: number): Life => {
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
    const store = createStore({ ...world, alive, reach });
    const screening = world.screening && createSimScreen({ ...world, random: world.screening, clock });
    const chat = createChat({
      store: screening ? { ...store, messages: screening.watch(store.messages) } : store,
      screen: screening?.screen,
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
      stamp,
      roomKey: "room-key",
      settings: {
        roomAccess: plan.membersOnly ? "members" : "open",
        messageChars: MESSAGE_MAX_CHARS,
        socketsPerUser: 100,
        roomsPerSocket: 100,
      },
    });
    const { metrics } = meters;
    const self: Life = {
      chat,
      files: createFileService({ ...world, alive, reach, clock, log, metrics }),
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
  const whileAlive = <T>(work: (chat: Chat, files: FileService) => Promise<T>): Promise<T> => {
    const at = life;
    if (!at || at.draining) return Promise.reject(new Refusal("busy"));
    return new Promise((resolve, reject) =>
      work(at.chat, at.files).then(
        (value) => at.alive && resolve(value),
        (error: unknown) => at.alive && reject(error),
      ),
    );
  };

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
        const { epoch, stamps } = world.database;
        const { latest } = stamps;
        stamps.settle();
        schedule.after(random.between(0, 20), () => {
          starting = false;
          life = live(epoch, latest);
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
    thread: (person, room, root, query) =>
      whileAlive(async (chat) => chat.thread(await chat.enter(person, room, "read"), root, query, ANY_FIT)),
    pins: (person, room) =>
      whileAlive(async (chat) => chat.pins(await chat.enter(person, room, "read"), Number.MAX_SAFE_INTEGER)),
    ban: ({ userId, room }) => whileAlive((chat) => chat.ban(userId, room, ORDER)),
    unban: ({ userId, room }) => whileAlive((chat) => chat.unban(userId, room, ORDER)),
    leave: ({ userId, room }) => {
      // A number instead of a UUID, so that a seed replays to the letter.
      const clientId = `00000000-0000-4000-9000-${String(world.nextId()).padStart(12, "0")}`;
      return whileAlive((chat) => chat.leave(identityOf(userId), room, { clientId }));
    },
    block: (userId, blockedId, on) =>
      whileAlive(({ moderation: { blocks } }) => blocks[on ? "block" : "unblock"](userId, blockedId)),
    invite: (userId, room, wanted) =>
      whileAlive(async (chat) =>
        chat.moderation.invite(await chat.enter(identityOf(userId), room, "add"), wanted),
      ),
    redeem: (userId, token, clientId) =>
      whileAlive((chat) => chat.moderation.redeem(identityOf(userId), token, clientId)),
    revoke: (userId, room, id) =>
      whileAlive(async (chat) =>
        chat.moderation.revoke(await chat.enter(identityOf(userId), room, "add"), id, ORDER),
      ),
    upload: (person, arrival) =>
      whileAlive(async (chat, files) => {
        const { room } = await chat.enter(person, arrival.room, "post");
        return files.upload({ ...arrival, room });
      }),
    files: (person, room, ids) => whileAlive(async (chat) => chat.files(await chat.enter(person, room), ids)),
    remove: (room, id) => whileAlive((chat) => chat.remove(room, id, ORDER)),
    collect: (limits) => whileAlive((_, files) => files.collect(limits)),
    sweep: () => whileAlive((_, files) => files.sweep()),
    cutOff(ms) {
      note?.(`${name} does not reach the database`);
      cutUntil = schedule.now + ms;
    },
    links: () => [...(life?.links ?? [])],
    leftovers: () => life?.leftovers() ?? [],
  };
}
