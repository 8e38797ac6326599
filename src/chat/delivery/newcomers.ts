import type { LiveFrame } from "./encoder.ts";

/** A live reader of a topic. If `from` is more than 1, they must not see messages with a lower id. */
export interface Newcomer {
  readonly from: number;
  /** Leaves the topic for frames that the reader must not get. */
  stepOut(): void;
  /** Returns to the topic. What was withheld ends at this version; undefined: it had none. */
  stepIn(version?: number): void;
}

/** The live readers who do not see all of their room's past. Most rooms have none. */
export interface Newcomers {
  add(topic: string, reader: Newcomer): void;
  remove(topic: string, reader: Newcomer): void;
  /** Publishes an event about a message to those readers who see it. */
  about(topic: string, id: number, publish: () => void): void;
  /** Publishes frames in order. Takes readers off the topic for those about messages from before they came. */
  around(topic: string, frames: readonly LiveFrame[], publish: (frame: LiveFrame) => void): void;
}

interface Group {
  readonly readers: Set<Newcomer>;
  /** No reader's `from` is beyond this. */
  most: number;
}

export function createNewcomers(): Newcomers {
  const groups = new Map<string, Group>();

  return {
    add(topic, reader) {
      if (reader.from <= 1) return;
      const group = groups.getOrInsertComputed(topic, () => ({ readers: new Set<Newcomer>(), most: 0 }));
      group.readers.add(reader);
      group.most = Math.max(group.most, reader.from);
    },
    remove(topic, reader) {
      const group = groups.get(topic);
      if (group?.readers.delete(reader) && group.readers.size === 0) groups.delete(topic);
    },
    about(topic, id, publish) {
      const readers = groups.get(topic)?.readers ?? [];
      const out = [...readers].filter(({ from }) => id < from);
      for (const reader of out) reader.stepOut();
      publish();
      for (const reader of out) reader.stepIn();
    },
    around(topic, frames, publish) {
      const group = groups.get(topic);
      if (!group || frames.every(({ id }) => id >= group.most)) return frames.forEach(publish);
      /** Who is off the topic, with the last version that was withheld from them. */
      const out = new Map<Newcomer, number>();
      for (const frame of frames) {
        for (const [reader, version] of out) {
          if (frame.id < reader.from) continue;
          out.delete(reader);
          reader.stepIn(version);
        }
        if (frame.id < group.most)
          for (const reader of group.readers) {
            if (frame.id >= reader.from) continue;
            if (!out.has(reader)) reader.stepOut();
            out.set(reader, frame.version);
          }
        publish(frame);
      }
      for (const [reader, version] of out) reader.stepIn(version);
    },
  };
}
