import type { Attendance } from "../../bus/news.ts";
import type { Named } from "../../person.ts";

type Report = Pick<Attendance, "at" | "online" | "people">;

/** One room's people on other nodes, as those nodes last reported. */
export interface Elsewhere {
  /** How many other nodes have someone in the room. */
  readonly size: number;
  /** How many people those nodes have. */
  readonly online: number;
  /** Whether all of them are known by name. */
  readonly named: boolean;
  /** The named people, by their number. */
  people(): Iterable<readonly [userId: number, person: Named]>;
  /** Returns false if an earlier report was newer. */
  put(node: string, report: Report): boolean;
  /** Returns false if the node had reported nothing. */
  forget(node: string): boolean;
}

export function createElsewhere(): Elsewhere {
  const nodes = new Map<string, Report>();

  return {
    get size() {
      let size = 0;
      for (const { online } of nodes.values()) if (online > 0) size++;
      return size;
    },
    get online() {
      let sum = 0;
      for (const { online } of nodes.values()) sum += online;
      return sum;
    },
    get named() {
      for (const { online, people } of nodes.values()) if (people.length < online) return false;
      return true;
    },
    *people() {
      for (const { people } of nodes.values())
        for (const [userId, username, user] of people) yield [userId, { username, user }];
    },
    put(node, report) {
      if (report.at <= (nodes.get(node)?.at ?? 0)) return false;
      // An empty report is kept too: otherwise an older one that arrives late would bring its people back.
      nodes.set(node, report);
      return true;
    },
    forget: (node) => nodes.delete(node),
  };
}
