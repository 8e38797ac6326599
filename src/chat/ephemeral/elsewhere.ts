import type { Attendance } from "../../bus/news.ts";

type Said = Pick<Attendance, "at" | "online" | "people">;

/** One room's people on other nodes, as those nodes last said. */
export interface Elsewhere {
  /** Other nodes that have someone in the room. */
  readonly size: number;
  /** Their people, added up. */
  readonly online: number;
  /** All of them are known by name. */
  readonly named: boolean;
  /** Those that are named, by user id. */
  people(): Iterable<readonly [userId: number, username: string]>;
  /** False: what it said before was later. */
  put(node: string, said: Said): boolean;
  /** False: it had said nothing. */
  forget(node: string): boolean;
}

export function createElsewhere(): Elsewhere {
  const nodes = new Map<string, Said>();

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
      for (const { people } of nodes.values()) yield* people;
    },
    put(node, said) {
      if (said.at <= (nodes.get(node)?.at ?? 0)) return false;
      // Nobody: kept too, or an older word that comes later would bring them back.
      nodes.set(node, said);
      return true;
    },
    forget: (node) => nodes.delete(node),
  };
}
