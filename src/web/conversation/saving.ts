import { createSubject, type Room } from "../../client/index.ts";
import type { Talk } from "../composer/talk.ts";
import type { Source } from "../parts/source.ts";

/** The ids of the messages of a room that the person has saved. They are loaded with the first subscriber. */
export interface SavedIn extends Source<ReadonlySet<number>> {
  /** @throws {ChatError} */
  set(id: number, on: boolean): Promise<void>;
}

const known = new WeakMap<Room, SavedIn>();

export function savedIn({ room, saved }: Pick<Talk, "room" | "saved">): SavedIn {
  const found = known.get(room) ?? create(room, saved);
  known.set(room, found);
  return found;
}

function create(room: Room, saved: Talk["saved"]): SavedIn {
  let ids: ReadonlySet<number> = new Set();
  let isLoaded = false;
  const { snapshot, subscribe, changed } = createSubject(() => ids);
  const put = (next: ReadonlySet<number>) => {
    ids = next;
    changed();
  };
  return {
    snapshot,
    subscribe(listener) {
      if (!isLoaded) {
        isLoaded = true;
        saved.in(room.name).then(
          (all) => put(new Set([...all, ...ids])),
          () => (isLoaded = false),
        );
      }
      return subscribe(listener);
    },
    async set(id, on) {
      if (on) await saved.add(room.name, id);
      else await saved.remove(room.name, id);
      put(on ? new Set([...ids, id]) : new Set([...ids].filter((one) => one !== id)));
    },
  };
}
