import type { JoinedFrame, Message, MessageFrame } from "./message.ts";

/**
 * A copy of a room, kept by the rules in "Following a room" of the protocol: every message from some id on, in order,
 * each in its latest state. If the copy misses something, a new join repairs it.
 */
export interface List {
  readonly epoch: string | undefined;
  /** The last version that was taken in. */
  readonly version: number;
  /** The list is complete from this id on. */
  readonly from: number;
  /** Whether the room has older messages. */
  readonly more: boolean;
  /** The same array until something changes. */
  readonly messages: readonly Message[];
  /** The position for `since` of a join. */
  readonly since: string | undefined;
  /** Takes in a `joined`. Returns false if the list had to be dropped. */
  joined(frame: JoinedFrame): boolean;
  /** Takes in a message. `old`: already known. `gap`: an earlier version is missing, so it was not taken. */
  message(frame: MessageFrame): "applied" | "old" | "gap";
  synced(version: number): void;
  /** Starts or stops waiting for a page. Meanwhile, changes of messages before `from` are kept to be merged into it. */
  awaitPage(is: boolean): void;
  /** Takes in a page that ends right before `from`. Returns false if the list was dropped since `awaitPage`. */
  page(messages: readonly Message[], more: boolean): boolean;
  /** Forgets everything. */
  drop(): void;
}

/** `keep`: how many messages the list keeps, not counting pages that were loaded later. */
export function createList(keep: number): List {
  let epoch: string | undefined;
  let version = 0;
  let from = 1;
  let more = false;
  let bound = keep;
  /** By id. */
  let kept: Message[] = [];
  let shown: readonly Message[] | undefined;
  /** Changes of messages before `from` while a page is loading. The page may be older than these changes. */
  let aside: Map<number, Message> | undefined;

  const put = (message: Message) => {
    shown = undefined;
    // Most messages belong at the end.
    const at = kept.findLastIndex(({ id }) => id <= message.id);
    const old = kept[at];
    if (old?.id !== message.id) kept.splice(at + 1, 0, message);
    else if (old.version <= message.version) kept[at] = message;
  };

  const trim = () => {
    // Not while a page is loading: it has to end right before `from`.
    if (kept.length <= bound || aside) return;
    kept.splice(0, kept.length - bound);
    from = kept[0]?.id ?? from;
    more = true;
  };

  const reset = (next: string | undefined, to: number) => {
    kept = [];
    shown = undefined;
    aside = undefined;
    epoch = next;
    version = to;
    from = to + 1;
    more = to > 0;
    bound = keep;
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
    get more() {
      return more;
    },
    get messages() {
      return (shown ??= kept.slice());
    },
    get since() {
      return epoch && `${epoch}.${version}`;
    },
    joined(frame) {
      // Do not trust `resumed` alone: epoch and version must also fit.
      const resumed = frame.resumed && frame.epoch === epoch && frame.version >= version;
      if (!resumed) reset(frame.epoch, frame.version);
      return resumed;
    },
    message(frame) {
      if (frame.version <= version) return "old";
      if (!frame.replay && frame.prev !== version) return "gap";
      ({ version } = frame);
      const { type: _, room: __, change: ___, prev: ____, replay: _____, ...message } = frame;
      if (message.id >= from) {
        put(message);
        trim();
      } else aside?.set(message.id, message);
      return "applied";
    },
    synced(to) {
      version = Math.max(version, to);
    },
    awaitPage: (is) => void (aside = is ? (aside ?? new Map()) : undefined),
    page(messages, older) {
      if (!aside) return false;
      const before = from;
      // The page is sorted, so prepend it as a whole: inserting one by one is slow in a long list.
      const those = messages.filter(({ id }, at) => id < before && id !== messages[at + 1]?.id);
      kept = those.concat(kept);
      shown = undefined;
      from = those[0]?.id ?? before;
      more = older && those.length > 0;
      if (!more) from = 1;
      for (const [id, message] of aside) if (id >= from) put(message);
      aside = undefined;
      bound = Math.max(keep, kept.length);
      return true;
    },
    drop: () => reset(undefined, 0),
  };
}
