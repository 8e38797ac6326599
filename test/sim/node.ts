import { type Chat, createChat } from "../../src/chat/chat.ts";
import { type Identity, NOWHERE } from "../../src/identity.ts";
import type { Log } from "../../src/log.ts";
import { MESSAGE_MAX_CHARS } from "../../src/protocol/limits.ts";
import { type Submission, submit } from "../../src/chat/access/submit.ts";
import type { Answer } from "../../src/chat/room/committer.ts";
import { Refusal } from "../../src/errors.ts";
import { type ClientEnd, createLink, type Link } from "./link.ts";
import { createMeters } from "./meters.ts";
import { createProcessClock } from "./schedule.ts";
import { createStore } from "./store.ts";
import { createWire } from "./wire.ts";
import type { World } from "./world.ts";

/** How a client comes in. */
export interface Visit {
  readonly identity: Identity;
  readonly format: "v1" | "plain";
  readonly room?: string;
  readonly since?: { readonly epoch: string; readonly version: number };
  readonly client: ClientEnd;
}

/** A machine on which the server's process runs, dies, is stopped and comes back. */
export interface SimNode {
  readonly name: string;
  readonly up: boolean;
  start(): void;
  /** All its memory is gone. */
  die(): void;
  /** It goes away in order. */
  stop(): void;
  /** A new socket; nothing where nobody listens. */
  visit(visit: Visit): Link | undefined;
  /** A change that comes over HTTP; no answer at all where the process dies. */
  submit(person: Identity, change: Submission, answer: Answer): void;
  links(): readonly Link[];
  /** What is left in the process, when nobody is there any more; nothing where all is well. */
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

/** Timers that a process has while nothing happens: the sweep of the committer, the checks of rooms, sockets and tokens. */
const IDLE_TIMERS = 4;

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
      standing: {
        ask: async (people) => people.map(() => ({ reason: null, banned: NOWHERE })),
        onEnded: () => () => {},
        onBansChanged: () => () => {},
      },
      authenticate: async () => {
        throw new Refusal("token_invalid");
      },
      members: {
        joined: async () => ({ lastRead: 0, unread: 0 }),
        posted() {},
        begun() {},
        read: async (_, __, id) => ({ lastRead: id, moved: false }),
      },
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
      settings: {
        roomAccess: "open",
        messageChars: MESSAGE_MAX_CHARS,
        messageRate: plan.messageRate,
        messageBurst: 5,
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
        if (chat.committer.depth > 0) left.push(`${chat.committer.depth} posts in the queue`);
        for (const [what, count] of meters.gauges()) if (count !== 0) left.push(`${count} ${what}`);
        if (line.rooms.size > 0) left.push(`subscriptions to ${[...line.rooms].join(", ")}`);
        if (processClock.pending > IDLE_TIMERS) left.push(`${processClock.pending} timers`);
        if (links.size > 0) left.push(`${links.size} sockets`);
        return left;
      },
    };
    return self;
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
        if (leaving.chat.committer.depth > 0) world.fail("a node left with posts in its queue", name);
        schedule.after(random.between(0, 50), () => {
          if (life !== leaving) return;
          note?.(`${name} is gone`);
          leaving.die();
          life = undefined;
        });
      });
    },
    visit({ client, ...visit }) {
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
      const connection = chat.connect({ socket: link.socket, ...visit });
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
      judge.opened(link, { ...visit, node: name, chat });
      connection.open();
      return link;
    },
    submit(person, change, answer) {
      if (!life || life.draining) return answer(new Refusal("busy"));
      const at = life;
      submit(life.chat, person, change, (outcome) => {
        if (at.alive) answer(outcome);
      });
    },
    links: () => [...(life?.links ?? [])],
    leftovers: () => life?.leftovers() ?? [],
  };
}
