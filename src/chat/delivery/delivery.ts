import type { Message } from "../../message.ts";
import type { ServerFrame } from "../../protocol/frames.ts";
import type { Admission } from "./admission.ts";
import type { Encoder, Format } from "./encoder.ts";

/** Who is live in each room, and publishing to them. */
export interface Delivery {
  /** Counts a subscription that became live (+1) or stopped being live (-1). */
  count(room: string, format: Format, change: 1 | -1): void;
  /** Prepares a range of a room for its live readers: see {@link Timeline}. Returns undefined if it might not fit. */
  prepare(room: string, states: readonly Message[], known: number): (() => void) | undefined;
  /**
   * Publishes an event without a version to live readers. Lagging readers miss it. Returns false if it might not fit
   * right now.
   */
  tell(room: string, event: ServerFrame): boolean;
}

interface DeliveryOptions {
  readonly encoders: readonly Encoder[];
  readonly admission: Admission;
  /** Called for each live subscription that begins or ends. */
  counted(format: Format, change: 1 | -1): void;
  /** Called after frames were published to subscribers. */
  delivered(format: Format, frames: number, subscribers: number): void;
}

export function createDelivery({ encoders, admission, counted, delivered }: DeliveryOptions): Delivery {
  const live = new Map<string, Record<Format, number>>();

  return {
    count(room, format, change) {
      const readers = live.getOrInsertComputed(room, () => ({ v1: 0, plain: 0 }));
      readers[format] += change;
      counted(format, change);
      if (readers.v1 + readers.plain === 0) live.delete(room);
    },
    prepare(room, states, known) {
      const readers = live.get(room);
      if (!readers) return nothing;
      const frames = encoders.map((encoder) =>
        readers[encoder.format] > 0 ? encoder.live(room, states, known) : NONE,
      );
      // A socket subscribes to a room in one format.
      if (!admission.admit(Math.max(...frames.map(bytesOf)))) return undefined;
      return () =>
        encoders.forEach(({ format, topicOf }, index) => {
          const own = frames[index] ?? NONE;
          for (const frame of own) admission.publish(topicOf(room), frame);
          delivered(format, own.length, readers[format]);
        });
    },
    tell(room, event) {
      const readers = live.get(room);
      if (!readers) return true;
      for (const { format, topicOf, event: encode } of encoders) {
        const frame = readers[format] > 0 ? encode(event) : undefined;
        if (frame === undefined) continue;
        if (!admission.admit(Buffer.byteLength(frame))) return false;
        admission.publish(topicOf(room), frame);
      }
      return true;
    },
  };
}

const NONE: readonly string[] = [];
const nothing = () => {};

const bytesOf = (frames: readonly string[]) =>
  frames.reduce((sum, frame) => sum + Buffer.byteLength(frame), 0);
