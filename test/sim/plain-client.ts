import type { Identity } from "../../src/identity.ts";
import type { Participant } from "./participant.ts";
import type { Link } from "./link.ts";
import { summary } from "./wire.ts";
import type { World } from "./world.ts";

/** How often someone looks whether they may enter a room, in milliseconds. */
const LOOK_MS = 1_000;

/** A client of the plain protocol. It gives its messages a clientId, or none: then it does not send them again. */
export function createPlainClient(
  name: string,
  person: () => Identity,
  room: string,
  world: World,
): Participant {
  const { schedule, random, note, plan } = world;
  const pending = new Map<string, string>();
  let link: Link | undefined;
  let connecting = false;
  let quit = false;

  const send = (message: string, clientId?: string) => {
    if (!link) return;
    const text = JSON.stringify({ message, clientId });
    note?.(`${name} → #${link.id} ${summary(text)}`);
    link.send(text);
  };

  const closed = () => {
    link = undefined;
    if (!quit) schedule.after(random.between(10, 1_000), () => self.connect());
  };

  const self: Participant = {
    name,
    get link() {
      return link;
    },
    connect(node = random.pick(world.nodes)) {
      if (quit || link || connecting) return;
      // When faults have ceased, people do not knock on doors that are closed to them.
      if (!plan.faulty && !world.sight.reads(person().userId, room))
        return void schedule.after(LOOK_MS, () => self.connect());
      connecting = true;
      schedule.after(random.between(0.5, 20), () => {
        connecting = false;
        if (quit) return;
        let at: Link | undefined;
        at = node.visit({
          identity: person(),
          format: "plain",
          room,
          client: {
            arrived(wire) {
              if (at !== link) return;
              const frame = wire.plain;
              if (!("error" in frame)) return void pending.delete(frame.clientId);
              const { clientId = "", retryable, retryAfterMs = 500 } = frame.error;
              if (!retryable) return void pending.delete(clientId);
              const on = link;
              schedule.after(retryAfterMs, () => {
                const content = pending.get(clientId);
                if (link === on && content !== undefined) send(content, clientId);
              });
            },
            closed() {
              if (at === link) closed();
            },
          },
        });
        if (!at) return closed();
        link = at;
        note?.(`${name} comes to ${node.name} as #${link.id}`);
        for (const [clientId, content] of pending) send(content, clientId);
      });
    },
    act() {
      const { userId } = person();
      const earlier = random.chance(0.1) && world.changes.earlier(userId, room);
      if (!earlier && random.chance(0.3)) return send(world.say());
      const { clientId, content } =
        earlier && earlier.kind === "post" && !earlier.files ? earlier : world.changes.text(userId, room);
      pending.set(clientId, content);
      send(content, clientId);
    },
    hop() {
      const old = link;
      link = undefined;
      old?.leave();
      self.connect();
    },
    calm() {},
    compare() {},
    quit() {
      quit = true;
      link?.leave();
      link = undefined;
    },
    unsettled() {
      if (!world.sight.reads(person().userId, room)) return [];
      if (!link) return [`${name} is not connected`];
      const left = [...pending.keys()].filter((clientId) => !world.database.isDeleted(room, clientId));
      return left.length > 0 ? [`${name} has ${left.length} messages without an answer`] : [];
    },
  };
  return self;
}
