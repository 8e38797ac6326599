import { type Chat, createSubject, type Entry, type Room, type RoomState } from "../../client/index.ts";
import type { Source } from "../parts/source.ts";
import type { Kept } from "./shelf.ts";

/** What was kept, from when the server could not be reached for the first time. Undefined before. */
export type Recall = Source<Kept | undefined>;

export function createRecall(chat: Chat): Recall {
  let kept: Kept | undefined;
  let asked: string | undefined;
  const { snapshot, subscribe, changed } = createSubject(() => kept);
  const look = () => {
    const { account, connection } = chat.snapshot();
    if (account?.email !== asked && kept) {
      kept = undefined;
      changed();
    }
    if (connection.state !== "waiting" || !account || account.email === asked) return;
    const email = (asked = account.email);
    void import("./shelf.ts")
      .then(({ readShelf }) => readShelf(email))
      .then((found) => {
        if (chat.snapshot().account?.email !== email) return;
        kept = found;
        changed();
      })
      .catch(() => {});
  };
  chat.subscribe(look);
  return { snapshot, subscribe };
}

/** The room, with the messages that were kept for as long as it has none of the server's. */
export function withRecall(room: Room, recall: Recall): Room {
  /** Whether it has shown them: they stay until others take their place. */
  let isShowing = false;
  let last: { readonly state: RoomState; readonly entries: readonly Entry[]; readonly filled: RoomState };
  return {
    ...room,
    snapshot() {
      const state = room.snapshot();
      const entries = recall.snapshot()?.entries.get(room.name);
      const isLive = state.state === "live" || state.state === "catching_up";
      isShowing =
        entries !== undefined &&
        state.entries.length === 0 &&
        state.state !== "out" &&
        (!isLive || (isShowing && state.more));
      if (!isShowing || !entries) return state;
      if (last?.state === state && last.entries === entries) return last.filled;
      const messages = entries.filter((entry) => !entry.notice);
      // While there is no connection, there is nothing more to load.
      const filled = { ...state, entries, messages, more: isLive && state.more } as RoomState;
      last = { state, entries, filled };
      return filled;
    },
    subscribe(listener) {
      const offs = [room.subscribe(listener), recall.subscribe(listener)];
      return () => offs.forEach((off) => off());
    },
  };
}
