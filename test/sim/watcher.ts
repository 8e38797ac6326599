import type { Identity } from "../../src/identity.ts";
import type { ServerFrame } from "../../src/protocol/frames.ts";
import type { Link } from "./link.ts";
import type { Participant } from "./participant.ts";
import { summary } from "./wire.ts";
import type { World } from "./world.ts";

/** A list of conversations on `/ws/`: it watches its person's rooms, and at times joins one for a while. */
export function createWatcher(name: string, person: () => Identity, world: World): Participant {
  const { schedule, random, note } = world;
  let link: Link | undefined;
  let connecting = false;
  let quit = false;
  let lastRef = 0;
  /** Whether it watches, as far as the server has said so, and the refs of its requests. */
  let isOn = false;
  let asked = new Map<number, boolean>();
  let joined: string | undefined;

  const send = (fields: Record<string, unknown>) => {
    const text = JSON.stringify({ ref: ++lastRef, ...fields });
    note?.(`${name} → #${link?.id} ${summary(text)}`);
    link?.send(text);
    return lastRef;
  };
  const watch = (on: boolean) => void asked.set(send({ type: "watch", on }), on);

  const arrived = (frame: ServerFrame) => {
    if (frame.type === "welcome") return watch(true);
    if (frame.type !== "ok" && frame.type !== "error") return;
    const on = asked.get(frame.ref ?? -1);
    if (on === undefined || frame.ref === undefined) return;
    asked.delete(frame.ref);
    if (frame.type === "ok") return void (isOn = on);
    const mine = link;
    schedule.after(frame.retryAfterMs ?? 500, () => link === mine && asked.size === 0 && watch(true));
  };

  const closed = () => {
    link = undefined;
    if (!quit) schedule.after(random.between(10, 1_000), () => self.connect());
  };

  const self: Participant = {
    name,
    watches: person().userId,
    get link() {
      return link;
    },
    connect(node = random.pick(world.nodes)) {
      if (quit || link || connecting) return;
      connecting = true;
      schedule.after(random.between(0.5, 20), () => {
        connecting = false;
        if (quit) return;
        let at: Link | undefined;
        at = node.visit({
          identity: person(),
          format: "v1",
          client: {
            arrived: (wire) => void (at === link && arrived(wire.v1)),
            closed: () => void (at === link && closed()),
          },
        });
        if (!at) return closed();
        link = at;
        isOn = false;
        asked = new Map();
        joined = undefined;
        note?.(`${name} comes to ${node.name} as #${link.id}`);
      });
    },
    act() {
      if (!link || asked.size > 0) return;
      const what = random.next();
      if (what < 0.05) return watch(!isOn);
      if (what > 0.15) return;
      if (joined === undefined) send({ type: "join", room: (joined = random.pick(world.places())) });
      else {
        send({ type: "leave", room: joined });
        joined = undefined;
      }
    },
    hop() {},
    calm() {
      if (link && !isOn && asked.size === 0) watch(true);
    },
    compare() {},
    quit() {
      quit = true;
      link?.leave();
      link = undefined;
    },
    unsettled() {
      if (isOn) return [];
      self.calm();
      return [`${name} does not watch`];
    },
  };
  return self;
}
