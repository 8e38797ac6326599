import type { Identity } from "../../src/identity.ts";
import { OUT } from "./feeds.ts";
import type { ServerFrame } from "../../src/protocol/frames.ts";
import { commandOf, type Wish } from "./changes.ts";
import type { Decreed } from "./decrees.ts";
import { createCopy, difference, type Copy, type Kept } from "./copy.ts";
import type { Link } from "./link.ts";
import type { Participant } from "./participant.ts";
import { summary } from "./wire.ts";
import type { World } from "./world.ts";

/** How often someone looks whether they may enter a room, in milliseconds. */
const LOOK_MS = 1_000;

type Request =
  | { readonly type: "join" | "leave"; readonly copy: Copy }
  | { readonly type: "ping" }
  | { readonly type: "change"; readonly clientId: string }
  | { readonly type: "history"; readonly copy: Copy; readonly generation: number };

/** A chat.v1 client that follows the protocol, on the URL of a room (`own`) or on `/ws/`. */
export function createClient(
  name: string,
  person: () => Identity,
  own: string | undefined,
  world: World,
): Participant {
  const { schedule, random, plan, note } = world;
  const { userId } = person();
  const rooms = own === undefined ? plan.rooms : [own];
  const copies = new Map(rooms.map((room) => [room, createCopy(room)]));
  /** Changes without a result yet, by client id. */
  const pending = new Map<string, Wish | Decreed>();
  let link: Link | undefined;
  let ready = false;
  let connecting = false;
  let quit = false;
  let comeBackMs = 0;
  let lastRef = 0;
  let requests = new Map<number, Request>();

  const ask = (request: Request, fields: Record<string, unknown>) => {
    if (!link || !ready) return;
    const ref = ++lastRef;
    requests.set(ref, request);
    const text = JSON.stringify({ ref, ...fields });
    note?.(`${name} → #${link.id} ${summary(text)}`);
    link.send(text);
  };

  /** On a room's own URL a command may leave the room out. */
  const naming = (room: string) => (room === own && random.chance(0.5) ? {} : { room });

  /** Later, if it is still the same connection. */
  const later = (ms: number, task: () => void) => {
    const on = link;
    schedule.after(ms, () => link === on && task());
  };

  /** One at a time: a position that was sent before the copy was dropped does not apply to the new one. */
  const join = (copy: Copy, fresh = false) => {
    const { asked } = copy;
    copy.asked = asked === "no" ? "once" : "again";
    if (asked !== "no") return;
    if (copy.state !== "live") copy.state = "joining";
    const since = fresh ? undefined : copy.position();
    ask(
      { type: "join", copy },
      { type: "join", ...naming(copy.room), ...(since && { since: `${since.epoch}.${since.version}` }) },
    );
  };

  /** Joins again later. When faults have ceased, people do not knock on doors that are closed to them. */
  const rejoin = (copy: Copy, ms: number) =>
    later(ms, () => {
      if (!copy.wanted || copy.state === "live" || copy.state === "behind") return;
      if (plan.faulty || world.sight.reads(userId, copy.room)) join(copy);
      else rejoin(copy, LOOK_MS);
    });

  /** The copy of a room that the person may have just heard of. */
  const copyOf = (room: string): Copy => {
    const known = copies.get(room);
    if (known) return known;
    const copy = createCopy(room);
    copies.set(room, copy);
    join(copy);
    return copy;
  };

  const send = (change: Wish | Decreed) =>
    ask({ type: "change", clientId: change.clientId }, { ...commandOf(change), ...naming(change.room) });

  const pageBack = (copy: Copy) => {
    if (copy.oldest <= 1) return;
    const limit = plan.backlog > 1_000 ? 1_000 : 1 + random.below(30);
    ask(
      { type: "history", copy, generation: copy.generation },
      { type: "history", ...naming(copy.room), before: copy.oldest, limit },
    );
  };

  const answered = (request: Request, frame: Extract<ServerFrame, { type: "ok" | "error" }>) => {
    const retryMs = frame.type === "error" ? (frame.retryAfterMs ?? random.between(200, 800)) : 0;
    switch (request.type) {
      case "change": {
        if (frame.type === "ok" || !frame.retryable) return void pending.delete(request.clientId);
        return later(retryMs, () => {
          const change = pending.get(request.clientId);
          if (change) send(change);
        });
      }
      case "join":
        if (frame.type === "error") {
          request.copy.asked = "no";
          rejoin(request.copy, retryMs);
        }
        return;
      case "leave":
        // Frames of the room since the request to leave belong to the subscription that has ended now.
        request.copy.state = request.copy.wanted ? "joining" : "out";
        return;
      case "history": {
        if (request.generation !== request.copy.generation) return;
        if (frame.type === "error") return later(retryMs, () => pageBack(request.copy));
        const { messages, more } = frame as unknown as { messages: Kept[]; more: boolean };
        if (messages.at(-1) && (messages.at(-1) as Kept).id >= request.copy.oldest) return;
        request.copy.page(messages, more);
        return pageBack(request.copy);
      }
    }
  };

  const welcome = () => {
    ready = true;
    for (const copy of copies.values()) {
      copy.state = copy.room === own ? "joining" : "out";
      copy.asked = copy.room === own ? "once" : "no";
      if (copy.room !== own && copy.wanted) join(copy);
    }
    for (const change of pending.values()) send(change);
  };

  const arrived = (frame: ServerFrame) => {
    if (frame.type === "welcome") return welcome();
    if (frame.type === "closing") return void (comeBackMs = frame.retryAfterMs);
    if (frame.type === "ok" || frame.type === "error") {
      const request = requests.get(frame.ref ?? -1);
      if (request && frame.ref !== undefined) requests.delete(frame.ref);
      return request && answered(request, frame);
    }
    const copy = "room" in frame ? copies.get(frame.room) : undefined;
    if (!copy) return;
    if (frame.type === "joined") {
      const { asked } = copy;
      copy.asked = "no";
      // Ids of another epoch may mean other messages, so changes to them are given up.
      if (copy.position()?.epoch !== frame.epoch)
        for (const [clientId, { kind, room }] of pending)
          if (kind !== "post" && room === copy.room) pending.delete(clientId);
      copy.joined(frame);
      if (asked === "again" && copy.wanted) join(copy);
      pageBack(copy);
    } else if (frame.type === "synced") copy.synced(frame);
    else if (frame.type === "lagging") copy.state = "behind";
    else if (frame.type === "left") {
      copy.state = copy.asked === "no" ? "out" : "joining"; // a join in flight decides
      if (copy.state === "out") rejoin(copy, random.between(1, 1_000));
    } else if (frame.type === "message" && !copy.message(frame)) join(copy);
  };

  const closed = (code: number) => {
    note?.(`${name} is closed with ${code}`);
    link = undefined;
    ready = false;
    // People whose room is closed to them try again later: they may be let in.
    const barred = OUT.includes(code);
    if (quit || code === 1000 || (code >= 4500 && !barred)) return;
    const backoff = code >= 4000 ? comeBackMs || random.between(10, 500) : random.between(10, 2_000);
    comeBackMs = 0;
    schedule.after(backoff, () => self.connect());
  };

  const submit = (change: Wish | Decreed) => {
    pending.set(change.clientId, change);
    send(change);
  };

  const self: Participant = {
    name,
    get link() {
      return link;
    },
    connect(node = random.pick(world.nodes)) {
      if (quit || link || connecting) return;
      if (own !== undefined && !plan.faulty && !world.sight.reads(userId, own))
        return void schedule.after(LOOK_MS, () => self.connect());
      connecting = true;
      schedule.after(random.between(0.5, 20), () => {
        connecting = false;
        if (quit) return;
        const since = own === undefined ? undefined : copies.get(own)?.position();
        requests = new Map();
        lastRef = 0;
        let at: Link | undefined;
        at = node.visit({
          identity: person(),
          format: "v1",
          ...(own !== undefined && { room: own }),
          ...(since && { since }),
          client: {
            arrived(wire) {
              if (at === link) arrived(wire.v1);
            },
            closed(code) {
              if (at === link) closed(code);
            },
          },
        });
        if (!at) return closed(1006);
        link = at;
        note?.(`${name} comes to ${node.name} as #${link.id}${since ? ` since ${since.version}` : ""}`);
      });
    },
    act() {
      const copy = copyOf(own ?? random.pick(world.places()));
      const what = random.next();
      const { changes } = world;
      if (plan.ruled && random.chance(0.06)) return submit(world.decrees.ofRoom(copy.room, userId, 1));
      if (what < 0.72)
        return submit((random.chance(plan.amends) ? changes.amend : changes.post)(userId, copy.room));
      const earlier = what < 0.84 && changes.earlier(userId);
      if (earlier) return submit(earlier);
      const reused = what < 0.86 && plan.amends > 0 && changes.reuse(userId, copy.room);
      if (reused && !pending.has(reused.clientId)) return submit(reused);
      if (what < 0.88) return ask({ type: "ping" }, { type: "ping" });
      if (what < 0.93) return join(copy, random.chance(0.3));
      if (what < 0.97 && own === undefined) {
        copy.wanted = !copy.wanted;
        if (copy.wanted) return join(copy);
        copy.state = "out";
        return ask({ type: "leave", copy }, { type: "leave", room: copy.room });
      }
      if (what > 0.98) self.hop();
    },
    post(sender, room) {
      if (sender === userId && copies.get(room)?.state === "live") submit(world.changes.post(userId, room));
    },
    hop() {
      const old = link;
      link = undefined;
      ready = false;
      old?.leave();
      self.connect();
    },
    calm() {
      if (own === undefined) world.places().forEach(copyOf);
      for (const copy of copies.values()) {
        if (copy.wanted) continue;
        copy.wanted = true;
        join(copy);
      }
    },
    quit() {
      quit = true;
      link?.leave();
      link = undefined;
    },
    unsettled() {
      const left: string[] = [];
      if (own !== undefined && !world.sight.reads(userId, own)) return left;
      if (!ready) return [`${name} is not connected`];
      if (pending.size > 0) left.push(`${name} has ${pending.size} sends without an answer`);
      for (const copy of copies.values()) {
        if (!copy.wanted) continue;
        if (!world.sight.reads(userId, copy.room)) {
          if (copy.state === "live" || copy.state === "behind")
            left.push(`${name} is still ${copy.state} in ${copy.room}`);
          continue;
        }
        const counter = world.database.current(copy.room).log.length;
        if (copy.state !== "live") left.push(`${name} is ${copy.state} in ${copy.room}`);
        else if (copy.version !== counter)
          left.push(`${name} has version ${copy.version} of ${counter} in ${copy.room}`);
        else if (copy.oldest > Math.max(1, world.sight.fromOf(userId, copy.room)))
          left.push(`${name} pages back from ${copy.oldest} in ${copy.room}`);
      }
      return left;
    },
    compare() {
      for (const copy of copies.values()) {
        if (!world.sight.reads(userId, copy.room)) continue;
        const from = world.sight.fromOf(userId, copy.room);
        const wrong = difference(copy, world.database.current(copy.room).messages, from);
        if (wrong) world.fail("a copy is not the room", `${name}: ${copy.room}${wrong}`);
      }
    },
  };

  return self;
}
