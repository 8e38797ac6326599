import type {
  Entry,
  JoinedFrame,
  Message,
  MessageFrame,
  NoticeFrame,
  Replies,
  ThreadFrame,
} from "./message.ts";

/**
 * A copy of a room, kept by the rules in "Following a room" of the protocol: every message and notice from some id on, in
 * order, each in its latest state. If the copy misses something, a new join repairs it.
 */
export interface List {
  readonly epoch: string | undefined;
  /** The last version that was taken in. */
  readonly version: number;
  /** The list is complete from this id on. */
  readonly from: number;
  /** Whether the room has older entries that the person may see. */
  readonly more: boolean;
  /** The first id that the person may see. */
  readonly floor: number;
  /** The same array until something changes. */
  readonly entries: readonly Entry[];
  /** The entries that are no notices: also the same array until something changes. */
  readonly messages: readonly Message[];
  /** The position for `since` of a join. */
  readonly since: string | undefined;
  /** Takes in a `joined`. Returns false if the list had to be dropped. */
  joined(frame: JoinedFrame): boolean;
  /** Takes in a message or a notice. `old`: already known. `gap`: an earlier version is missing, so it was not taken. */
  take(frame: MessageFrame | NoticeFrame): "applied" | "old" | "gap";
  /**
   * Shows a notice after which the person gets nothing more. Versions before it may be missing, so the list's version
   * stays: a later join continues from there.
   */
  last(frame: NoticeFrame): void;
  /** Takes in what replies a thread has. */
  thread(frame: ThreadFrame): void;
  synced(version: number): void;
  /** Drops what is before this id: the person may not see it any more. */
  begin(at: number): void;
  /** Starts or stops waiting for a page. Meanwhile, changes of messages before `from` are kept to be merged into it. */
  awaitPage(is: boolean): void;
  /** Takes in a page that ends right before `from`. Returns false if the list was dropped since `awaitPage`. */
  page(entries: readonly Entry[], more: boolean): boolean;
  /** Forgets everything. */
  drop(): void;
}

/** `keep`: how many entries the list keeps, not counting pages that were loaded later. */
export function createList(keep: number): List {
  let epoch: string | undefined;
  let version = 0;
  let floor = 1;
  let from = 1;
  let bound = keep;
  /** By id. */
  let kept: Entry[] = [];
  let shown: readonly Entry[] | undefined;
  let messages: readonly Message[] | undefined;
  /** Changes of messages before `from` while a page is loading. The page may be older than these changes. */
  let aside: Map<number, Entry> | undefined;

  const changed = () => (shown = messages = undefined);

  const put = (entry: Entry) => {
    changed();
    // Most entries belong at the end.
    let at = kept.length - 1;
    while (at >= 0 && (kept[at] as Entry).id > entry.id) at--;
    const old = kept[at];
    if (old?.id !== entry.id) kept.splice(at + 1, 0, entry);
    // Only pages and events of threads have the replies.
    else if (old.version <= entry.version)
      kept[at] =
        old.notice || entry.notice ? entry : { ...(old.replies && { replies: old.replies }), ...entry };
  };

  /** Takes in the replies of a thread. `next` gets those before. */
  const replied = (id: number, next: (replies: Replies | undefined) => Replies | undefined) => {
    const at = kept.findIndex((entry) => entry.id === id);
    const root = kept[at];
    if (!root || root.notice) return;
    changed();
    kept[at] = { ...root, replies: next(root.replies) };
  };

  /** Counts a reply that is new or gone, until the event of its thread says more. */
  const count = ({ change, id, thread, timestamp, user, username }: MessageFrame) => {
    if (thread === undefined || change === "updated") return;
    replied(thread, (replies) => {
      const { count = 0, last, people = [] } = replies ?? {};
      const isKnown = last !== undefined && id <= last.id;
      if (change === "deleted")
        return replies && isKnown ? (count > 1 ? { ...replies, count: count - 1 } : undefined) : replies;
      if (isKnown) return replies;
      const others = people.filter((person) => person.id !== user.id);
      return {
        ...replies,
        count: Math.min(100, count + 1),
        last: { id, timestamp },
        people: [{ ...people.find((person) => person.id === user.id), ...user, username }, ...others].slice(
          0,
          5,
        ),
      };
    });
  };

  const trim = () => {
    // Not while a page is loading: it has to end right before `from`.
    if (kept.length <= bound || aside) return;
    kept.splice(0, kept.length - bound);
    from = kept[0]?.id ?? version + 1;
  };

  const reset = (next: string | undefined, to: number) => {
    kept = [];
    changed();
    aside = undefined;
    epoch = next;
    version = to;
    from = to + 1;
    floor = 1;
    bound = keep;
  };

  /** Drops what the person may not see any more. If they may see more than before, there is more to load. */
  const begin = (at: number) => {
    floor = at;
    from = Math.max(from, floor);
    const hidden = kept.findIndex(({ id }) => id >= floor);
    if (hidden === 0 || kept.length === 0) return;
    kept = hidden === -1 ? [] : kept.slice(hidden);
    changed();
  };

  return {
    get epoch() {
      return epoch;
    },
    get version() {
      return version;
    },
    get from() {
      return from;
    },
    get floor() {
      return floor;
    },
    get more() {
      return from > floor;
    },
    get entries() {
      return (shown ??= kept.slice());
    },
    get messages() {
      return (messages ??= messagesOf(kept));
    },
    get since() {
      return epoch && `${epoch}.${version}`;
    },
    joined(frame) {
      // Do not trust `resumed` alone: epoch and version must also fit.
      const resumed = frame.resumed && frame.epoch === epoch && frame.version >= version;
      if (!resumed) reset(frame.epoch, frame.version);
      begin(frame.from ?? 1);
      return resumed;
    },
    take(frame) {
      if (frame.version <= version) return "old";
      if (!frame.replay && frame.prev !== version) return "gap";
      ({ version } = frame);
      if (frame.type === "message") count(frame);
      const entry = entryOf(frame);
      if (entry.id >= from) {
        put(entry);
        trim();
      } else aside?.set(entry.id, entry);
      return "applied";
    },
    last(frame) {
      if (frame.version > version && frame.id >= from) put(entryOf(frame));
    },
    thread({ id, replies }) {
      if (replies !== undefined) replied(id, () => replies ?? undefined);
    },
    synced(to) {
      version = Math.max(version, to);
    },
    begin,
    awaitPage: (is) => void (aside = is ? (aside ?? new Map()) : undefined),
    page(entries, older) {
      if (!aside) return false;
      const before = from;
      // The page is sorted, so prepend it as a whole: inserting one by one is slow in a long list.
      const those = entries.filter(({ id }, at) => id >= floor && id < before && id !== entries[at + 1]?.id);
      kept = those.concat(kept);
      changed();
      from = (older && those[0]?.id) || floor;
      for (const [id, entry] of aside) if (id >= from) put(entry);
      aside = undefined;
      bound = Math.max(keep, kept.length);
      return true;
    },
    drop: () => reset(undefined, 0),
  };
}

/** Whether a message is part of the main conversation of someone who sees messages from `floor` on. */
export const isMain = ({ thread, alsoRoom }: Pick<Message, "thread" | "alsoRoom">, floor: number) =>
  thread === undefined || alsoRoom === true || thread < floor;

export const messagesOf = (entries: readonly Entry[]) =>
  entries.filter((entry): entry is Message => !entry.notice);

function entryOf(frame: MessageFrame | NoticeFrame): Entry {
  if (frame.type === "notice") {
    const { type: _, room: __, prev: ___, replay: ____, ...notice } = frame;
    return notice;
  }
  const { type: _, room: __, change: ___, prev: ____, replay: _____, ...message } = frame;
  return message;
}
