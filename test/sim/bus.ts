import type { Bus, BusListener } from "../../src/bus/bus.ts";
import type { News, Notice, RoomNews } from "../../src/bus/news.ts";
import type { Plan } from "./plan.ts";
import type { Random } from "./random.ts";
import type { Schedule } from "./schedule.ts";

interface Member {
  readonly name: string;
  readonly alive: () => boolean;
  /** Rooms that it subscribes to. */
  readonly rooms: Set<string>;
  readonly listeners: BusListener[];
}

/** How long a process that ended counts as alive, in milliseconds. */
const SILENT_MS = 4_000;

/** Returns what a faulty node could say instead: versions that no commit made, far ahead or just ahead. */
function lieOf(news: News, random: Random): News | undefined {
  if (news.type !== "changed") return undefined;
  const to = news.to + random.pick([1, 3, 10_000, Number.MAX_SAFE_INTEGER - news.to]);
  const { room, epoch } = news;
  return random.pick<News>([
    { ...news, to },
    { ...news, to, states: [] },
    { ...news, from: to, to },
    { type: "moved", room, epoch, version: to },
  ]);
}

/** The bus between processes. Its frames may be lost, repeated, late, out of order and untrue. */
export function createBusLine(schedule: Schedule, random: Random, plan: Plan) {
  const members = new Set<Member>();
  let down = false;
  let names = 0;

  const tell = (news: News, from?: Member) => {
    const hears = ({ rooms }: Member) => !("room" in news) || rooms.has(news.room);
    for (const member of members) {
      if (member === from || down || (plan.faulty && random.chance(plan.busLoses))) continue;
      const copies = plan.faulty && random.chance(plan.busDoubles) ? 2 : 1;
      for (let copy = 0; copy < copies; copy++) {
        const delay = random.chance(plan.busDelays) ? random.between(0, 400) : random.between(0.1, 3);
        schedule.after(delay, () => {
          if (down || !member.alive() || !hears(member)) return;
          const said = plan.faulty && random.chance(plan.busLies) ? (lieOf(news, random) ?? news) : news;
          for (const { heard } of member.listeners) heard?.(said, from?.name ?? "another program");
        });
      }
    }
  };

  const everyone = (task: (listener: BusListener) => void) => {
    for (const { alive, listeners } of members) if (alive()) listeners.forEach(task);
  };

  return {
    publish: (news: RoomNews) => tell(news),
    /** While it is away, nothing comes through. */
    away(now: boolean) {
      if (down === now) return;
      down = now;
      if (!down) everyone(({ restored }) => restored?.());
    },
    /** Connects a process. `rooms`: its subscriptions. */
    join(alive: () => boolean): { bus: Bus; rooms: ReadonlySet<string>; leave(): void } {
      const rooms = new Set<string>();
      const wanted = new Map<string, symbol>();
      const name = `process${++names}`;
      const member: Member = { name, alive, rooms, listeners: [] };
      members.add(member);
      const bus: Bus = {
        publish: (news) => tell(news, member),
        announce: (notice: Notice) => tell(notice, member),
        reply: (_, notice) => tell(notice, member),
        others: 0,
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
        listen: (listener) => void member.listeners.push(listener),
        async stop() {},
      };
      const leave = () => {
        members.delete(member);
        schedule.after(SILENT_MS, () => everyone(({ gone }) => gone?.(name)));
      };
      return { bus, rooms, leave };
    },
  };
}

export type BusLine = ReturnType<typeof createBusLine>;
