import type { Order } from "./order.ts";

/** A link with which people add themselves to a room. */
export interface LinkRow {
  readonly id: string;
  readonly hash: string;
  readonly room: string;
  readonly createdBy: number;
  /** The room's version when it was created. */
  readonly version: number;
  /** In milliseconds since 1970. */
  readonly expiresAt: number;
  readonly maxUses: number | null;
  readonly uses: number;
  readonly revoked: boolean;
}

/** A block or its end, or a link in a new state. */
export type PactWrite =
  | { readonly userId: number; readonly blockedId: number; readonly isBlocked: boolean }
  | { readonly link: LinkRow };

interface Entry<T> {
  readonly step: number;
  readonly value: T;
}

interface Pacts {
  readonly blocks: Map<string, Entry<boolean>[]>;
  readonly links: Map<string, Entry<LinkRow>[]>;
  /** The steps at which someone came in with each link, as the notices say. */
  readonly uses: Map<string, number[]>;
}

const last = <T>(entries: readonly Entry<T>[] | undefined, step: number): T | undefined =>
  entries?.findLast((entry) => entry.step <= step)?.value;

/** Blocks and links, as the rows have them, and as they were at each step of the judge's order. */
export function createPacts(order: Pick<Order, "tick">) {
  let now: Pacts = { blocks: new Map(), links: new Map(), uses: new Map() };
  const epochs = new Map<string, Pacts>();

  const push = <T>(map: Map<string, Entry<T>[]>, key: string, value: T) =>
    map.getOrInsertComputed(key, () => []).push({ step: order.tick(), value });

  const at = (pacts: Pacts | undefined, step: number) => ({
    blocks: (userId: number, blockedId: number) =>
      last(pacts?.blocks.get(`${userId} ${blockedId}`), step) === true,
    link(hash: string): LinkRow | undefined {
      const found = last(pacts?.links.get(hash), step);
      const uses = pacts?.uses.get(hash)?.filter((used) => used <= step).length ?? 0;
      return found && { ...found, uses };
    },
  });

  return {
    /** Another epoch begins, without any. */
    begin(epoch: string) {
      now = { blocks: new Map(), links: new Map(), uses: new Map() };
      epochs.set(epoch, now);
    },
    write(row: PactWrite) {
      if ("link" in row) push(now.links, row.link.hash, row.link);
      else push(now.blocks, `${row.userId} ${row.blockedId}`, row.isBlocked);
    },
    /** A notice says that someone came in with a link. */
    used: (hash: string) => void now.uses.getOrInsertComputed(hash, () => []).push(order.tick()),
    /** Whom people block now, each as `<person> <whom they block>`. */
    blocks: (): string[] => [...now.blocks].flatMap(([pair, all]) => (all.at(-1)?.value ? [pair] : [])),
    links: (): LinkRow[] => [...now.links.values()].flatMap((all) => all.at(-1)?.value ?? []),
    link: (hash: string): LinkRow | undefined => now.links.get(hash)?.at(-1)?.value,
    /** What the judge knows about a step. */
    at: (epoch: string, step: number) => at(epochs.get(epoch), step),
    /** The steps since one at which any of them changed. */
    since(epoch: string, step: number): number[] {
      const { blocks, links, uses } = epochs.get(epoch) ?? now;
      const all = [...blocks.values(), ...links.values()].flat().map((entry) => entry.step);
      return [...all, ...[...uses.values()].flat()].filter((each) => each > step);
    },
  };
}
