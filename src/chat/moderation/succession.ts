import { Refusal } from "../../errors.ts";
import type { Order } from "../../order.ts";
import { type Ack, ordain, type Ruling } from "../change.ts";
import type { Orphan, SuccessionStore } from "../moderationports.ts";

const LOOKED_UP = 100;
const ORDER: Order = {
  via: "server",
  actor: "parley",
  address: "",
  reason: "the last owner deleted their account",
};

interface Succession {
  readonly store: SuccessionStore;
  commit(ruling: Ruling): Promise<Ack>;
}

/**
 * Makes someone an owner of each room whose owners have all deleted their accounts. Whatever is left, because it was stopped
 * or failed, is found by the next run. Nodes may run it at the same time: whoever is an owner already stays one. Returns
 * the owners whose rooms could not all be passed on.
 */
export async function passOn({ store, commit }: Succession): Promise<ReadonlySet<number>> {
  const left = new Set<number>();
  for (let after: Orphan | null = null; ;) {
    const found: readonly Orphan[] = await store.orphans(after, LOOKED_UP);
    for (const { room, ownerId, heirId } of found) {
      const clientId = crypto.randomUUID();
      const ruling = ordain(
        { kind: "member", clientId, set: "role", role: "owner", users: [heirId] },
        room,
        ORDER,
      );
      try {
        await commit(ruling);
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        left.add(ownerId);
      }
    }
    after = found.at(-1) ?? null;
    if (found.length < LOOKED_UP) return left;
  }
}
