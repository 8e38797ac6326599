import type { Entry, Room, RoomState, Waiting } from "../../client/index.ts";

/** Whether an entry is part of what a room says to someone who sees messages from an id on, and not of a thread alone. */
const isMain = (entry: Entry, from: number): boolean =>
  !!entry.notice || entry.thread === undefined || entry.alsoRoom === true || entry.thread < from;
const isWaiting = ({ thread, alsoRoom }: Waiting) => thread === undefined || alsoRoom === true;

/** The main conversation of a room: the same room, without replies that are in threads alone. */
export function mainOf(room: Room): Room {
  let last: { readonly state: RoomState; readonly shown: RoomState } | undefined;
  const shownOf = (state: RoomState): RoomState => {
    const { entries, waiting, from } = state;
    const isWhole = entries.every((entry) => isMain(entry, from)) && waiting.every(isWaiting);
    if (isWhole) return state;
    // The same lists while nothing in them changes.
    const isSame = last?.state.entries === entries && last.state.from === from && last.shown !== last.state;
    const shown = isSame ? last?.shown.entries : entries.filter((entry) => isMain(entry, from));
    const messages = isSame ? last?.shown.messages : shown?.filter((entry) => !entry.notice);
    return { ...state, entries: shown, messages, waiting: waiting.filter(isWaiting) } as RoomState;
  };
  return {
    ...room,
    snapshot() {
      const state = room.snapshot();
      if (last?.state !== state) last = { state, shown: shownOf(state) };
      return last.shown;
    },
    on: (type, listener) =>
      room.on(type, (event) => {
        if (type !== "message" || isMain(event as Entry, room.snapshot().from)) listener(event);
      }),
    // Single messages are looked up without notices: a quoted one may be in a thread.
    history: (query) => room.history(query?.notices ? { ...query, main: true } : query),
  };
}
