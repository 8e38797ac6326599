import type { CloseReason } from "../../protocol/codes.ts";
import type { Timeline } from "../room/timeline.ts";
import type { Identity } from "../../identity.ts";
import type { Message } from "../../message.ts";
import type { Departures } from "../ports.ts";
import type { Protocol } from "./codec.ts";
import type { Subscription } from "./subscription.ts";

/** A connection as the hub and the guard see it. */
export interface OpenConnection {
  readonly identity: Identity;
  readonly subscriptions: readonly Subscription[];
  /** Lets the socket lag if more than the soft limit waits. `hidden`: see {@link Writer}. */
  lagIfSlow(hidden: number): void;
  /** Takes the timeline's subscription off the live topic, if it is live. Returns a function that lets it page. */
  fallBehind(timeline: Timeline): (() => void) | undefined;
  /** Applies a notice that takes rights to the timeline's subscription: it ends, goes on or is suspended. */
  noticed(timeline: Timeline, notice: Message): void;
  /** Suspends the timeline's subscription until its pass was renewed. */
  suspend(timeline: Timeline): void;
  /** Tells the client how far the person has read in a room, if this socket has joined it. */
  marked(room: string, id: number, back: boolean): void;
  readonly protocol: Pick<Protocol, "listed" | "followed">;
  /** Tells of a new message in a room. Undefined if the socket has never watched its person's rooms. */
  readonly watchIfAny: { active(room: string, id: number, mentions?: number): void } | undefined;
  /** Leaves the rooms among `subscriptions` that the person may no longer be in. */
  depart(departures: Departures, subscriptions: readonly Subscription[]): void;
  /** Warns some time before the token expires, and closes when it expires. Call it every second. */
  checkToken(): void;
  close(reason: CloseReason, retryAfterMs?: number): void;
}

export type Subscriptions = readonly (readonly [OpenConnection, readonly Subscription[]])[];

/** All connections of this process. */
export interface Hub {
  readonly connections: Iterable<OpenConnection>;
  /** Registers a connection. Returns false if its person has the most sockets allowed. */
  add(connection: OpenConnection): boolean;
  remove(connection: OpenConnection): void;
  /** The connections of one person. */
  of(userId: number): readonly OpenConnection[];
  /** What one person is subscribed to right now, by connection. The lists never change. */
  subscriptionsOf(userId: number): Subscriptions;
  /** Lets every socket lag that has more than the soft limit waiting: see {@link Writer}. */
  lagSlow(hidden: number): void;
  /** Takes all live subscriptions of a timeline off the topic. Returns a function that lets them page from the database. */
  fallBehind(timeline: Timeline): () => void;
  /** The connections of everyone who may have a subscription to a room. */
  inRoom(room: string): Iterable<OpenConnection>;
  /** Closes every socket. `retryAfterMs` is sent first, and differs for each. */
  closeAll(reason: CloseReason, retryAfterMs?: () => number): void;
}

/** `idsHere` returns everyone who has a subscription to a room, so that no list of them has to be kept twice. */
export function createHub(socketsPerUser: number, idsHere: (room: string) => Iterable<number>): Hub {
  // Lists are replaced, not changed, because callers close connections while they iterate. Most people have one socket,
  // for which a Set of their own, or an entry in one for all, would take more memory.
  const perUser = new Map<number, readonly OpenConnection[]>();
  const connections: Iterable<OpenConnection> = {
    *[Symbol.iterator]() {
      for (const theirs of perUser.values()) yield* theirs;
    },
  };

  const of = (userId: number) => perUser.get(userId) ?? [];
  /** A copy, because connections leave rooms while callers iterate. */
  const inRoom = (room: string) => [...idsHere(room)].flatMap(of);

  return {
    connections,
    of,
    inRoom,
    subscriptionsOf: (userId) =>
      of(userId).map((connection) => [connection, connection.subscriptions] as const),
    add(connection) {
      const { userId } = connection.identity;
      const theirs = perUser.get(userId) ?? [];
      if (theirs.length >= socketsPerUser) return false;
      perUser.set(userId, [...theirs, connection]);
      return true;
    },
    remove(connection) {
      const { userId } = connection.identity;
      const others = (perUser.get(userId) ?? []).filter((one) => one !== connection);
      if (others.length > 0) perUser.set(userId, others);
      else perUser.delete(userId);
    },
    lagSlow(hidden) {
      for (const connection of connections) connection.lagIfSlow(hidden);
    },
    fallBehind(timeline) {
      const readers: (() => void)[] = [];
      for (const connection of inRoom(timeline.room)) {
        const readOn = connection.fallBehind(timeline);
        if (readOn) readers.push(readOn);
      }
      return () => {
        for (const readOn of readers) readOn();
      };
    },
    closeAll(reason, retryAfterMs) {
      for (const connection of connections) connection.close(reason, retryAfterMs?.());
    },
  };
}
