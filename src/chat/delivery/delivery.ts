import type { Message } from "../../message.ts";
import type { ServerFrame } from "../../protocol/frames.ts";
import type { Admission } from "./admission.ts";
import type { Encoder, Format, LiveFrame } from "./encoder.ts";
import { createNewcomers, type Newcomer } from "./newcomers.ts";

/** A live subscription, as far as delivery knows it. */
export interface LiveReader extends Newcomer {
  readonly format: Format;
}

/** Who is live in each room, and publishing to them. */
export interface Delivery {
  /** A subscription became live. It has left the topic before {@link ended} is called. */
  began(room: string, reader: LiveReader): void;
  /** A subscription stopped being live. Its `from` must be what it was. */
  ended(room: string, reader: LiveReader): void;
  /** Prepares a range of a room for its live readers: see {@link Timeline}. Returns undefined if it might not fit. */
  prepare(room: string, states: readonly Message[], known: number): (() => void) | undefined;
  /**
   * Publishes an event without a version to live readers. Lagging readers miss it. Returns false if it might not fit
   * right now. `about`: the message that it is about, for those readers alone who see it.
   */
  tell(room: string, event: ServerFrame, about?: number): boolean;
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
  const newcomers = createNewcomers();

  const count = (room: string, format: Format, change: 1 | -1) => {
    const readers = live.getOrInsertComputed(room, () => ({ v1: 0, plain: 0 }));
    readers[format] += change;
    counted(format, change);
    if (readers.v1 + readers.plain === 0) live.delete(room);
  };

  return {
    began(room, reader) {
      count(room, reader.format, 1);
      newcomers.add(topicOf(room, reader.format), reader);
    },
    ended(room, reader) {
      count(room, reader.format, -1);
      newcomers.remove(topicOf(room, reader.format), reader);
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
        encoders.forEach(({ format }, index) => {
          const own = frames[index] ?? NONE;
          const topic = topicOf(room, format);
          newcomers.around(topic, own, ({ text }) => admission.publish(topic, text));
          delivered(format, own.length, readers[format]);
        });
    },
    tell(room, event, about = Infinity) {
      const readers = live.get(room);
      if (!readers) return true;
      for (const { format, event: encode } of encoders) {
        const frame = readers[format] > 0 ? encode(event) : undefined;
        if (frame === undefined) continue;
        if (!admission.admit(Buffer.byteLength(frame))) return false;
        const topic = topicOf(room, format);
        newcomers.about(topic, about, () => admission.publish(topic, frame));
      }
      return true;
    },
  };
}

/** The topic of a room's live readers who speak a protocol. */
export const topicOf = (room: string, format: Format) => `${format}:${room}`;

const NONE: readonly LiveFrame[] = [];
const nothing = () => {};

const bytesOf = (frames: readonly LiveFrame[]) =>
  frames.reduce((sum, { text }) => sum + Buffer.byteLength(text), 0);
