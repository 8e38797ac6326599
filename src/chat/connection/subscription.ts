import type { Message } from "../../message.ts";
import { encode, type Format, plainEvent, replayEvent, topicOf } from "../codecs/encode.ts";
import { REPLAY_MAX, SOFT_LIMIT } from "../limits.ts";
import type { SharedPage } from "../room/pages.ts";
import type { Socket } from "../ports.ts";
import type { Shared } from "./peer.ts";
import type { Timeline } from "../room/timeline.ts";

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

/** Whose feed it is: the connection. */
interface Reader {
  readonly format: Format;
  readonly socket: Pick<Socket, "subscribe" | "unsubscribe" | "buffered">;
  readonly shared: Pick<Shared, "turns" | "presence">;
  send(frame: string): void;
  /** Called as a feed becomes live (+1), and as it stops to be (-1). */
  counted(room: string, change: 1 | -1): void;
}

/** `position`: what the reader has, everything up to this version. */
export const createFeed = (reader: Reader, timeline: Timeline, position: number): Feed =>
  new RoomFeed(reader, timeline, position);

/** A class, since there is one for each socket in each room: see connection.ts. */
class RoomFeed implements Feed {
  /** Where the reader stood when it began to miss something. */
  private since: number;
  private state: "behind" | "live" | "ended" = "behind";
  /** Owed to a client that was taken off the live topic: that it was, and who came and went meanwhile. */
  private lagUntold = false;
  private presenceUntold = false;

  constructor(
    private readonly reader: Reader,
    readonly timeline: Timeline,
    private position: number,
  ) {
    this.since = position;
  }

  async step(): Promise<boolean> {
    const { timeline, reader } = this;
    const v1 = reader.format === "v1";
    if (this.state !== "behind") return true;
    if (this.lagUntold) this.tellLag();
    if (v1 && timeline.released - this.position > REPLAY_MAX) {
      reader.send(joinedEvent(timeline, false));
      this.position = this.since = timeline.released;
    }
    if (this.position < timeline.released) {
      const page = await (v1 ? timeline.changesSince(this.position) : timeline.postsSince(this.position));
      const turn = reader.shared.turns.next();
      if (turn) await turn;
      if (!this.isBehind()) return true;
      if (page.end <= this.position) throw new Error("the database has less of the room than was released");
      const { released } = timeline;
      this.replay(page, released);
      this.position = Math.max(this.position, Math.min(page.end, released));
    }
    // Live is who has room for what comes then: the page may have filled the socket.
    if (this.position < timeline.released || reader.socket.buffered() > SOFT_LIMIT) return false;
    if (this.isBehind()) this.goLive();
    return true;
  }

  lag(): boolean {
    if (!this.stopLive()) return false;
    this.state = "behind";
    this.position = this.since = this.timeline.released;
    this.lagUntold = this.presenceUntold = this.reader.format === "v1";
    return true;
  }

  end() {
    this.stopLive();
    this.state = "ended";
  }

  /** Once there is room for it: a full socket may have many feeds. */
  private tellLag() {
    this.lagUntold = false;
    this.reader.send(encode({ type: "lagging", room: this.timeline.room, version: this.since }));
  }

  private tellPresence() {
    this.presenceUntold = false;
    const { room } = this.timeline;
    const { presence } = this.reader.shared;
    const online = presence.online(room);
    const joined = presence.people(room);
    this.reader.send(encode({ type: "presence", room, online, ...(joined.length === online && { joined }) }));
  }

  /** Not so any more, perhaps, after a send: one that finds the socket full closes it. */
  private isBehind(): boolean {
    return this.state === "behind";
  }

  private get topic(): string {
    return topicOf(this.reader.format, this.timeline.room);
  }

  private goLive() {
    const { reader } = this;
    const { room, released } = this.timeline;
    this.position = released;
    this.state = "live";
    reader.socket.subscribe(this.topic);
    reader.counted(room, 1);
    if (this.presenceUntold) this.tellPresence();
    // Last, and still in this tick, before anything is published: a send may end the feed.
    if (reader.format === "v1") reader.send(encode({ type: "synced", room, version: released }));
  }

  private stopLive(): boolean {
    if (this.state !== "live") return false;
    this.reader.socket.unsubscribe(this.topic);
    this.reader.counted(this.timeline.room, -1);
    return true;
  }

  private replay(page: SharedPage, released: number) {
    const v1 = this.reader.format === "v1";
    for (const message of page.messages) {
      // What lies beyond `released` comes live.
      const isDue = v1 ? message.version <= released : message.id <= released && message.deletedAt === null;
      if (isDue) this.reader.send(this.frameOf(page, message));
    }
  }

  /** Of a message in a page; those who miss the same share its frames. */
  private frameOf({ frames }: SharedPage, message: Message): string {
    const { since } = this;
    const { room } = this.timeline;
    const v1 = this.reader.format === "v1";
    const key = v1 ? `${message.id > since} ${message.id}` : message.id;
    return frames.getOrInsertComputed(key, () =>
      v1 ? replayEvent(room, message, since) : plainEvent(room, message),
    );
  }
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
