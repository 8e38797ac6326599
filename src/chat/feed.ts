import type { Message } from "../message.ts";
import { encode, type Format, plainEvent, replayEvent, topicOf } from "./encode.ts";
import { REPLAY_MAX } from "./limits.ts";
import type { Socket } from "./ports.ts";
import type { SharedPage, Timeline } from "./timeline.ts";
import type { Turns } from "./turns.ts";

/**
 * One socket in one room. It is either live, subscribed to what the room's timeline delivers, or behind: then `step`
 * sends what is missing out of the database, a page at a time. Joining, resuming and lagging are this one path.
 */
export interface Feed {
  readonly timeline: Timeline;
  /** Sends the next page. True: nothing is missing any more and the feed is live (or ended). */
  step(): Promise<boolean>;
  /** Takes the feed off the live topic. False: it was behind already. */
  lag(): boolean;
  end(): void;
}

interface FeedOptions {
  readonly timeline: Timeline;
  readonly format: Format;
  readonly socket: Pick<Socket, "subscribe" | "unsubscribe">;
  send(frame: string): void;
  /** Called as it becomes live, and as it stops to be. */
  counted(live: boolean): void;
  readonly turns: Turns;
  /** What the reader has: everything up to this version. */
  readonly position: number;
}

export function createFeed(options: FeedOptions): Feed {
  const { timeline, format, socket, send, counted, turns } = options;
  const { room } = timeline;
  const topic = topicOf(format, room);
  const v1 = format === "v1";
  let position = options.position;
  /** Where the reader stood when it began to miss something. */
  let since = position;
  let state: "behind" | "live" | "ended" = "behind";

  const goLive = () => {
    position = timeline.released;
    state = "live";
    socket.subscribe(topic);
    counted(true);
    // Last, and still in this tick, before anything is published: a send may end the feed.
    if (v1) send(encode({ type: "synced", room, version: position }));
  };

  /** Not so any more, perhaps, after a send: one that finds the socket full closes it. */
  const isBehind = () => state === "behind";

  const stopLive = () => {
    if (state !== "live") return false;
    socket.unsubscribe(topic);
    counted(false);
    return true;
  };

  /** Of a message in a page; those who miss the same share its frames. */
  const frameOf = ({ frames }: SharedPage, message: Message) => {
    const key = v1 ? `${message.id > since} ${message.id}` : message.id;
    return frames.getOrInsertComputed(key, () =>
      v1 ? replayEvent(room, message, since) : plainEvent(room, message),
    );
  };

  const replay = (page: SharedPage, released: number) => {
    for (const message of page.messages) {
      // What lies beyond `released` comes live.
      const isDue = v1 ? message.version <= released : message.id <= released && message.deletedAt === null;
      if (isDue) send(frameOf(page, message));
    }
  };

  return {
    timeline,
    async step() {
      if (state !== "behind") return true;
      if (v1 && timeline.released - position > REPLAY_MAX) {
        send(joinedEvent(timeline, false));
        position = timeline.released;
      }
      if (position < timeline.released) {
        const page = await (v1 ? timeline.changesSince(position) : timeline.postsSince(position));
        const turn = turns.next();
        if (turn) await turn;
        if (state !== "behind") return true;
        const { released } = timeline;
        replay(page, released);
        position = Math.max(position, Math.min(page.end, released));
      }
      if (position < timeline.released) return false;
      if (isBehind()) goLive();
      return true;
    },
    lag() {
      if (!stopLive()) return false;
      state = "behind";
      position = since = timeline.released;
      if (v1) send(encode({ type: "lagging", room, version: position }));
      return true;
    },
    end() {
      stopLive();
      state = "ended";
    },
  };
}

/** What is told of a room besides its messages, to who joins it. */
interface Surroundings {
  readonly online: number;
  readonly people: string[];
  readonly lastRead?: number;
  readonly unread?: number;
}

/** The first frame of a room. Not resumed: the reader has nothing, and is live from this version. */
export const joinedEvent = (
  { room, epoch, released }: Timeline,
  resumed: boolean,
  surroundings?: Surroundings,
) => encode({ type: "joined", room, epoch, version: released, resumed, ...surroundings });
