import { Refusal } from "../../errors.ts";
import type { Identity } from "../../identity.ts";
import type { Places } from "../../limits/places.ts";
import type { Pass } from "../pass.ts";
import { SAVED_PAGE_MAX, type SavedRange, type SavedRows, type SavedStore } from "../saved.ts";
import type { Access } from "./access.ts";

/** Messages that people save for themselves. Nobody else learns of it. */
export interface SavedMessages {
  /** @throws {Refusal} not_found, too_many_saved; forbidden and so on; busy, unavailable. */
  save(pass: Pass, id: number): Promise<void>;
  /** Also works in rooms that the person has lost. @throws {Refusal} unavailable. */
  unsave(person: Identity, room: string, id: number): Promise<void>;
  /** Lists what the person may see now, the latest saved first. @throws {Refusal} busy, unavailable. */
  list(person: Identity, query: Pick<SavedRange, "before" | "limit">): Promise<SavedRows>;
  /** The ids of the messages that the person has saved in a room. @throws {Refusal} unavailable. */
  idsIn(pass: Pass): Promise<readonly number[]>;
}

/** How often it is tried again, because rights in the room change all the time. */
const ROUNDS = 5;

interface SavedParts {
  readonly store: SavedStore;
  readonly reads: Places;
  readonly access: Pick<Access, "readable" | "membersOnly" | "reenter">;
}

export const createSaved = ({ store, reads, access }: SavedParts): SavedMessages => ({
  async save(pass, id) {
    const { person, room } = pass;
    let held = pass;
    for (let round = 0; round < ROUNDS; round++) {
      const { from, fence } = held.membership;
      const found = await store.save({ userId: person.userId, room }, { id, from });
      if (found.fence <= fence) {
        if (found.result === "saved") return;
        throw new Refusal(found.result === "full" ? "too_many_saved" : "not_found");
      }
      // Their rights may have ended before. What was saved then is not shown.
      held = await access.reenter(person, room);
    }
    throw new Refusal("busy");
  },
  unsave: ({ userId }, room, id) => store.unsave({ userId, room }, id),
  async list(person, { before, limit }) {
    const patterns = access.readable(person);
    if (patterns?.length === 0) return { saved: [], more: false };
    const { userId } = person;
    const { membersOnly } = access;
    const range = { before, limit: Math.min(limit, SAVED_PAGE_MAX), patterns, membersOnly };
    return reads.run(userId, () => store.list(userId, range));
  },
  idsIn: ({ person: { userId }, room }) => store.idsIn({ userId, room }),
});
