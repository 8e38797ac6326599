import { Refusal } from "../../src/errors.ts";
import { shownAny } from "../../src/chat/codecs/encode.ts";
// With all its parts from the start, because loading a part takes time that the simulation does not control.
import { type Chat, ChatError, createChat, type OpenWire, type Room } from "../../src/client/whole/whole.ts";
import { CLOSE, type CloseReason, type ErrorCode } from "../../src/protocol/codes.ts";
import type { Identity } from "../../src/identity.ts";
import { objectOf, type Wish } from "./changes.ts";
import type { Link } from "./link.ts";
import type { SimNode } from "./machine.ts";
import { createHabits } from "./habits.ts";
import type { Participant } from "./participant.ts";
import { createProduct } from "./product.ts";
import { EPOCH_MS } from "./schedule.ts";
import { named } from "../support/stubs.ts";
import { summary, type Wire } from "./wire.ts";
import type { World } from "./world.ts";

/** Lists are compared with whole rooms, and no change is given up. */
const ALL = 100_000;
/** In larger rooms it is not checked with each frame what the client shows. */
const ALL_SHOWN = 1_000;

/** What goes wrong with tokens is the product's fault. */
const OF_TOKENS: readonly string[] = ["token_failed", "token_expired", "token_invalid", "rate_limited"];

/** The real client (`src/client`) on the simulation's network, clock and random numbers. */
export function createRealClient(name: string, person: () => Identity, world: World): Participant {
  const { schedule, random, plan, note, changes, database } = world;
  const { userId } = person();
  const rooms = new Map<string, Room>();
  /** Changes that were not answered yet. */
  const pending = new Set<Wish>();
  let link: Link | undefined;
  let wanted: SimNode | undefined;
  let begun = false;
  const product = createProduct(name, person, world);
  const habits = createHabits(name, world);

  const open: OpenWire = (_url, protocols, listener) => {
    const token = protocols[1]?.replace("bearer.", "") ?? "";
    const node = wanted ?? random.pick(world.nodes);
    wanted = undefined;
    let at: Link | undefined;
    let ended = false;
    const end = (code: number) => {
      if (ended) return;
      ended = true;
      if (link === at) link = undefined;
      habits.closed(code);
      note?.(`${name} is closed with ${code}`);
      listener.closed(code, "");
    };
    schedule.after(random.between(0.5, 20), () => {
      if (ended) return;
      const client = {
        arrived(wire: Wire) {
          if (ended) return;
          const named = "room" in wire.v1 ? String(wire.v1.room) : "";
          const room = plan.backlog < ALL_SHOWN ? rooms.get(named) : undefined;
          // A page may have arrived since the last frame of the room.
          if (room) habits.shows(room.name, room.snapshot().entries);
          listener.message(wire.text);
          if (room) habits.shows(room.name, room.snapshot().entries);
        },
        closed: end,
      };
      const identity = identityOf(token);
      if (typeof identity === "number") return end(identity);
      at = node.visit({ identity, format: "v1", client });
      if (!at) return end(1006);
      habits.token(token);
      link = at;
      note?.(`${name} comes to ${node.name} as #${link.id}`);
    });
    return {
      send(text) {
        const command = JSON.parse(text);
        if (command.type === "auth") habits.token(command.token);
        if (command.type === "join") {
          const { entries = [] } = rooms.get(command.room)?.snapshot() ?? {};
          habits.join(command.room, command.since, entries.length > 0);
        }
        note?.(`${name} → #${at?.id} ${summary(text)}`);
        at?.send(text);
      },
      close() {
        ended = true;
        at?.leave();
        if (link === at) link = undefined;
      },
    };
  };

  /** The person of a token; or with what the server closes the socket. */
  const identityOf = (token: string): Identity | number => {
    if (!world.tokens.lifeOf(token)) world.fail("a client uses what is no token", `${name}: ${token}`);
    try {
      return world.tokens.verify(token);
    } catch (error) {
      return error instanceof Refusal && error.code === "token_expired"
        ? CLOSE.token_expired
        : CLOSE.token_invalid;
    }
  };

  const chat: Chat = createChat({
    url: "https://chat.example.com",
    tokens: product.tokens,
    outbox: ALL,
    ports: {
      open,
      fetch: () => Promise.reject(new Error("there is no HTTP here")),
      clock: {
        now: () => EPOCH_MS + schedule.now + plan.skewMs,
        monotonic: () => schedule.now,
        after: (ms, task) => schedule.after(ms, task),
      },
      random: random.next,
      uuid: random.uuid,
      locks: undefined,
      onWake: () => () => {},
    },
  });
  chat.on("problem", ({ code, message }) => {
    if (!OF_TOKENS.includes(code)) world.fail("the client found the server at fault", `${name}: ${message}`);
  });

  /** What the person may see of a room now, by id. */
  const visible = (room: string) =>
    [...database.current(room).messages.values()]
      .filter(({ id }) => id >= world.sight.fromOf(userId, room))
      .sort((a, b) => a.id - b.id);

  /** Whether the person may read a room, as far as the server and the product are concerned. */
  const reads = (room: string) => world.sight.reads(userId, room) && product.allows(room, "read");

  const enter = (room: string): Room => {
    habits.reason();
    const entered = chat.room(room, { history: 1 + random.below(30), keep: ALL }).join();
    rooms.set(room, entered);
    return entered;
  };

  const ask = (change: Wish) => {
    const { clientId } = change;
    const room = rooms.get(change.room) ?? enter(change.room);
    switch (change.kind) {
      case "post":
        return room.send(change.content, { clientId, data: objectOf(change.data) ?? undefined });
      case "edit":
        return room.edit(change.id, change.content, { clientId, data: objectOf(change.data) });
      case "delete":
        return room.delete(change.id, { clientId });
      case "react":
        return room.react(change.id, change.emoji, change.on, { clientId });
    }
  };

  const submit = (change: Wish, isNew = true) => {
    pending.add(change);
    const posted = isNew && change.kind === "post" ? habits.post(change.room) : undefined;
    const asked = schedule.now;
    habits.reason();
    const key = { ...change, senderId: userId, ...named(`user${userId}`), fence: 0 };
    const window = world.sight.windowOf(change.room);
    const isRepeat = database.answered(key) !== undefined;
    ask(change).then(
      // The judge checked the ack on the wire; this checks that it reached the caller.
      (ack) => {
        pending.delete(change);
        if (!changes.isRepeated(change.clientId)) posted?.(ack.id);
        world.acked(key, { ...ack, duplicate: true });
      },
      (error: unknown) => {
        pending.delete(change);
        if (!(error instanceof ChatError) || error.retryable)
          return world.fail("a change was given up", `${name}: ${String(error)}`);
        if (error.code === "closed" || (error.code === "stale_epoch" && change.kind !== "post")) return;
        // Anyone who leaves a room for good, or is banned, gives up what still waits to be sent there.
        const seat = { userId, room: change.room };
        const ever = { ...window, since: 0, step: 0, at: 0 };
        const why = error.code === "not_found" ? "forbidden" : error.code; // so looks a deleted room
        if (world.rights.mayBeOut(seat, ever, CLOSE[why as CloseReason])) return;
        if (error.claim && error.code === "forbidden") {
          if (product.hasAllowed(change.room, "post", asked))
            world.fail("a change was refused that the product allows", `${name}: ${change.room}`);
          return;
        }
        world.refused(key, error.code as ErrorCode, { window, isRepeat });
      },
    );
  };

  return {
    name,
    get link() {
      return link;
    },
    connect(node) {
      wanted = node;
      begun = true;
      for (const room of plan.rooms) enter(room);
    },
    act() {
      if (!begun) return;
      const room = random.pick(world.places());
      if (!rooms.has(room)) return void enter(room);
      const what = random.next();
      if (what < 0.72)
        return submit((random.chance(plan.amends) ? changes.amend : changes.text)(userId, room));
      const earlier = what < 0.84 && changes.earlier(userId);
      if (earlier && (earlier.kind !== "post" || !earlier.files)) return submit(earlier, false);
      if (what < 0.88)
        return void rooms
          .get(room)
          ?.older({ limit: 5 })
          .catch(() => {});
      if (what > 0.96) return;
      const { state } = rooms.get(room)?.snapshot() ?? {};
      if (state === "out" || state === "idle") enter(room);
      else rooms.get(room)?.leave();
    },
    hop: () => link?.cut(),
    calm() {
      const waiting = new Set([...pending].map(({ room }) => room));
      for (const room of world.places()) if (waiting.has(room) || reads(room)) enter(room);
      chat.connect();
      chat.renew().catch(() => {});
    },
    product,
    stay: () => habits.stay(product.asked, product.freeAt),
    stayed: () => habits.stayed(product.asked),
    react(room) {
      if (!begun) return;
      const what = random.next();
      if (what < 0.15) return void world.places().forEach(enter);
      if (what < 0.3) return void enter(room);
      if (what < 0.6) return submit(changes.text(userId, room));
      if (what > 0.8) return;
      habits.reason(true);
      chat.renew().catch(() => {});
    },
    use() {
      const isKnown = random.chance(0.5);
      if (isKnown) {
        habits.reason(true);
        chat.renew().catch(() => {});
      }
      for (const room of world.places()) if (reads(room) && !isKnown) enter(room);
    },
    quit: () => void chat.close(),
    unsettled() {
      const { connection } = chat.snapshot();
      if (connection.state !== "open") return [`${name} is ${connection.state}`];
      const left: string[] = [];
      for (const room of world.places()) if (!rooms.has(room) && reads(room)) enter(room);
      if (pending.size > 0) left.push(`${name} has ${pending.size} changes without an answer`);
      for (const room of rooms.values()) {
        const { state, error, waiting, more, entries } = room.snapshot();
        if (!reads(room.name)) {
          // With a claim that was true once, they stay until the next token.
          if (state === "live" && !world.sight.reads(userId, room.name))
            left.push(`${name} is still in ${room.name}`);
          continue;
        }
        const latest = entries.reduce((greatest, { version }) => Math.max(greatest, version), 0);
        const written = visible(room.name).reduce((greatest, { version }) => Math.max(greatest, version), 0);
        if ((state === "out" && !error?.claim) || state === "idle") enter(room.name);
        if (state !== "live") left.push(`${name} is ${state} in ${room.name} ${error?.code ?? ""}`);
        else if (waiting.length > 0) left.push(`${name} shows ${waiting.length} that wait in ${room.name}`);
        else if (more) {
          left.push(`${name} pages back in ${room.name}`);
          room.older({ limit: 1_000 }).catch(() => {});
        } else if (latest !== written)
          left.push(`${name} has version ${latest} of ${written} in ${room.name}`);
      }
      return left;
    },
    compare() {
      for (const room of rooms.values()) {
        if (!reads(room.name)) continue;
        const written = visible(room.name);
        const { entries } = room.snapshot();
        const odd = written.find((message, at) => {
          const have = entries[at];
          // Summaries of threads are as old as their page.
          return !Bun.deepEquals(shownAny(message), have && { ...have, replies: undefined });
        });
        if (odd || entries.length !== written.length)
          world.fail("a list is not the room", `${name}: ${room.name}.${odd?.id ?? "has more messages"}`);
      }
    },
  };
}
