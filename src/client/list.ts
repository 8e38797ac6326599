import type { JoinedFrame, Message, MessageFrame } from "./message.ts";

/**
 * A copy of a room by the rules of the protocol ("Following a room"): every message from some id on, in their order,
 * each in its latest state. It has no way to be wrong for longer than the server takes to answer a join.
 */
export interface List {
  readonly epoch: string | undefined;
  /** How far the room has been followed. */
  readonly version: number;
  /** Everything from this id on is here. */
  readonly from: number;
  /** There is more before it. */
  readonly more: boolean;
  /** A stable array: the same one until something has changed. */
  readonly messages: readonly Message[];
  /** Where to resume. */
  readonly since: string | undefined;
  /** Takes the beginning of a room. False: what was there is dropped. */
  joined(frame: JoinedFrame): boolean;
  /** `old`: known already. `gap`: something before it is missing, and it was not taken. */
  message(frame: MessageFrame): "applied" | "old" | "gap";
  synced(version: number): void;
  /** A page is being asked for, or is not any more: what changes before `from` meanwhile is kept for it. */
  awaitPage(is: boolean): void;
  /** Takes a page of history that ends right before `from`. Returns false if the list was dropped since `awaitPage`. */
  page(messages: readonly Message[], more: boolean): boolean;
  /** Forgets everything. */
  drop(): void;
}

/** `keep`: how many messages are kept as new ones come; what was paged back to besides is kept too. */
export function createList(keep: number): List {
  let epoch: string | undefined;
  let version = 0;
  let from = 1;
  let more = false;
  let bound = keep;
  /** By id. */
  let kept: Message[] = [];
  let shown: readonly Message[] | undefined;
  /** Changes of messages before `from` while a page is under way: it may have been read before them. */
  let aside: Map<number, Message> | undefined;

  const put = (message: Message) => {
    shown = undefined;
    // Most are at the end.
    const at = kept.findLastIndex(({ id }) => id <= message.id);
    const old = kept[at];
    if (old?.id !== message.id) kept.splice(at + 1, 0, message);
    else if (old.version <= message.version) kept[at] = message;
  };

  const trim = () => {
    // Not while a page is under way: it is to end right before `from`.
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
      // What cannot be a continuation of ours is none, whatever it says.
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
      // They are in their order; a long list would make it slow to find the place of each.
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
