import type { Bus } from "../../src/bus/bus.ts";
import type { RoomChange } from "../../src/message.ts";
import type { Plan } from "./plan.ts";
import type { Random } from "./random.ts";
import type { Schedule } from "./schedule.ts";

interface Member {
  readonly alive: () => boolean;
  /** Rooms that it hears of. */
  readonly rooms: Set<string>;
  changed(change: RoomChange): void;
  restored(): void;
}

/** The bus between processes. What is published may be lost, doubled, late and out of order. */
export function createBusLine(schedule: Schedule, random: Random, plan: Plan) {
  const members = new Set<Member>();
  let down = false;

  const publish = (change: RoomChange, from?: Member) => {
    for (const member of members) {
      if (member === from || down || (plan.faulty && random.chance(plan.busLoses))) continue;
      const copies = plan.faulty && random.chance(plan.busDoubles) ? 2 : 1;
      for (let copy = 0; copy < copies; copy++) {
        const delay = random.chance(plan.busDelays) ? random.between(0, 400) : random.between(0.1, 3);
        schedule.after(delay, () => {
          if (!down && member.alive() && member.rooms.has(change.room)) member.changed(change);
        });
      }
    }
  };

  return {
    publish,
    /** Nothing comes through until it is back. */
    away(now: boolean) {
      if (down === now) return;
      down = now;
      if (!down) for (const member of members) if (member.alive()) member.restored();
    },
    /** One process's end of it. `rooms`: what it is subscribed to. */
    join(alive: () => boolean): { bus: Bus; rooms: ReadonlySet<string>; leave(): void } {
      const rooms = new Set<string>();
      const wanted = new Map<string, symbol>();
      const member: Member = { alive, rooms, changed() {}, restored() {} };
      members.add(member);
      const bus: Bus = {
        publish: (change) => publish(change, member),
        subscribe(room) {
          const wish = Symbol(room);
          wanted.set(room, wish);
          return new Promise((resolve) => {
            schedule.after(random.between(0.1, 5), () => {
              if (wanted.get(room) === wish) rooms.add(room);
              schedule.after(random.between(0, 2), () => alive() && resolve());
            });
          });
        },
        unsubscribe(room) {
          wanted.delete(room);
          rooms.delete(room);
        },
        listen: (listener) => void Object.assign(member, listener),
      };
      return { bus, rooms, leave: () => void members.delete(member) };
    },
  };
}

export type BusLine = ReturnType<typeof createBusLine>;
