import type { Entry, HistoryPage, Message, Room, RoomState } from "../../client/index.ts";

/** A part of a room's history without gaps: what the reader can scroll through. */
export interface Stretch {
  readonly entries: readonly Entry[];
  readonly messages: readonly Message[];
  /** Whether there are earlier messages. */
  readonly more: boolean;
  /** Whether there are later messages: it does not reach the end of the room yet. */
  readonly newer: boolean;
}

/** Messages in a page, and around the target of a jump. */
const PAGE = 60;
/** Anything nearer to the loaded messages than this is loaded together with what lies between, in versions of the room. */
const NEAR = 500;

/**
 * What is loaded of a room for its reader: the room's own list, or a part of the past that was jumped to. That part grows in
 * both directions until it meets the list.
 */
export function createPast(room: Room) {
  let part: Omit<Stretch, "messages"> | undefined;
  /** Rises when pages that were asked for earlier no longer matter. */
  let visit = 0;
  /** The first entry of the list when the part met it. A list that was dropped and loaded again begins later. */
  let met: number | undefined;
  /** Changes since the part was opened: a page that was asked for earlier can be older. */
  const changes = new Map<number, Entry>();
  let built: { readonly part: typeof part; readonly state: RoomState; readonly stretch: Stretch } | undefined;

  const latest = (entry: Entry): Entry => {
    const change = changes.get(entry.id);
    return change && change.version > entry.version ? change : entry;
  };

  const stretchOf = (state: RoomState): Stretch => {
    if (!part) return stretchIn(state);
    const { entries } = state;
    const first = entries[0]?.id ?? Infinity;
    if (met !== undefined && first > met) met = undefined;
    const isMet = met !== undefined;
    const own = part.entries.filter(({ id }) => !isMet || id < first).map(latest);
    const all = isMet ? [...own, ...entries] : own;
    return { entries: all, messages: messagesIn(all), more: part.more, newer: !isMet };
  };

  const stretch = (state = room.snapshot()): Stretch => {
    if (built?.part !== part || built?.state.entries !== state.entries || built.state.more !== state.more)
      built = { part, state, stretch: stretchOf(state) };
    return built.stretch;
  };

  const put = (entries: readonly Entry[], more: boolean, { newer }: Pick<HistoryPage, "newer">) => {
    part = { entries, more, newer };
    const first = room.snapshot().entries[0]?.id ?? Infinity;
    if ((entries.at(-1)?.id ?? 0) >= first || !newer) met = first;
  };

  const close = () => {
    visit++;
    part = met = undefined;
    changes.clear();
  };

  return {
    stretch,
    close,
    /** Loads what is around a message, unless it is there. @throws {ChatError} */
    async reach(id: number): Promise<void> {
      if (part && isIn(stretch(), id)) return;
      const mine = ++visit;
      const { entries, more } = room.snapshot();
      const apart = (entries[0]?.id ?? Infinity) - id;
      if (more && apart > 0 && apart < NEAR) await room.older({ limit: apart + PAGE });
      if (mine !== visit) return;
      if (isIn(stretchIn(room.snapshot()), id)) return close();
      const page = await room.history({ around: id, limit: 2 * PAGE, notices: true });
      if (mine !== visit) return;
      close();
      put(page.entries, page.older, page);
    },
    /** Loads the page before. @throws {ChatError} */
    async older(): Promise<void> {
      if (!part) return room.older({ limit: PAGE });
      const mine = visit;
      const page = await room.history({ before: part.entries[0]?.id ?? 1, limit: PAGE, notices: true });
      if (part && mine === visit)
        part = { ...part, entries: [...page.entries, ...part.entries], more: page.older };
    },
    /** Loads the page after. @throws {ChatError} */
    async newer(): Promise<void> {
      if (!part) return;
      const mine = visit;
      const page = await room.history({ after: part.entries.at(-1)?.id ?? 0, limit: PAGE, notices: true });
      if (part && mine === visit) put([...part.entries, ...page.entries], part.more, page);
    },
    /** Follows changes of the messages in the part. Returns a function that stops it. */
    follow: () =>
      room.on("message", (message) => {
        if (!part || message.change === "created") return;
        changes.set(message.id, message);
        built = undefined;
      }),
  };
}

const stretchIn = ({ entries, messages, more }: RoomState): Stretch => ({
  entries,
  messages,
  more,
  newer: false,
});

/** Whether a message is in the stretch if it exists. */
const isIn = ({ entries, more, newer }: Stretch, id: number): boolean =>
  ((entries[0]?.id ?? Infinity) <= id || !more) && (id <= (entries.at(-1)?.id ?? 0) || !newer);

export type Past = ReturnType<typeof createPast>;

const messagesIn = (entries: readonly Entry[]) => entries.filter((entry): entry is Message => !entry.notice);
