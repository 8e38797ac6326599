import type { Budgets } from "../budgets.ts";
import type { Bus } from "../bus/bus.ts";
import type { Clock } from "../clock.ts";
import type { Identity, Standing } from "../identity.ts";
import type { Log } from "../log.ts";
import type { Metrics } from "../metrics.ts";
import type { Order } from "../order.ts";
import type { RoomPolicy } from "./access/access.ts";
import type { Events } from "./access/events.ts";
import type { InboxPage, InboxQuery } from "./access/inbox.ts";
import type { ListedRoom, RecentQuery, RoomPage } from "./access/lists.ts";
import type { Founding } from "./access/founding.ts";
import type { Governing } from "./access/governing.ts";
import type { People } from "./access/people.ts";
import type { FoundPage, SearchQuery } from "./access/search.ts";
import type { SavedMessages } from "./access/saved.ts";
import type { Wish } from "./access/submit.ts";
import type { ThreadList, ThreadPage, ThreadsQuery } from "./access/threads.ts";
import type { WrittenPage, WrittenQuery } from "./access/written.ts";
import type { Ack, Decree } from "./change.ts";
import type { Connection, ConnectionOptions } from "./connection/parts.ts";
import type { Online } from "./ephemeral/online.ts";
import type { Format } from "./delivery/encoder.ts";
import type { BanPage, BanRange, MemberPage, MemberRange, Preferences, RoomRange } from "./lists.ts";
import type { Moderation } from "./moderation/moderation.ts";
import type { Pass } from "./pass.ts";
import type { ChatStore, Fanout, FileForms, PinPage } from "./ports.ts";
import type { Screen } from "./screenports.ts";
import type { ThreadSeat, ThreadWish } from "./threadports.ts";
import type { Action } from "./rights.ts";
import type { Fit, HistoryQuery, HistoryResult } from "./room/history.ts";
import type { Removed, Sender } from "./room/removal.ts";

/**
 * Rooms, messages and sockets: the API of this folder. Transports and consumers import no other file of it. What concerns
 * a room takes a {@link Pass}, which only `enter` gives out.
 */
export interface Chat extends Governing {
  /**
   * Checks that a person may do something in a room.
   * @throws {Refusal} forbidden; `unavailable` if that cannot be checked right now.
   */
  enter<A extends Action = "read">(person: Identity, room: string, action?: A): Promise<Pass<A>>;
  /**
   * Commits a change, which the caller has charged for. A repeat with the same clientId resolves to the first ack, even if
   * the person may not do it any more. A change of members has taken effect on this node's sockets by then. The audit
   * records what moderators do, with the network `address`.
   * @throws {Refusal} forbidden, invalid, rate_limited, busy, not_found and so on; `unavailable` if the outcome is unknown.
   */
  submit(person: Identity, room: string, change: Wish, address?: string): Promise<Ack>;
  /** Commits a change of a room or its members for the operator. @throws {Refusal} as `submit`. */
  ordain(room: string, decree: Decree, order: Order): Promise<Ack>;
  /** Finds people whom others name. */
  readonly people: People;
  /** Blocks, reports, links, and what operators remove. */
  readonly moderation: Moderation;
  /** Creates rooms. */
  readonly founding: Founding;
  /** Lists members of a room for the operator. @throws {Refusal} unavailable. */
  roster(room: string, range: MemberRange): Promise<MemberPage>;
  /** Lists the bans of a room for the operator. @throws {Refusal} unavailable. */
  banned(room: string, range: BanRange): Promise<BanPage>;
  /** Reads a page of history, as much as fits. @throws {Refusal} busy, unavailable. */
  page(pass: Pass, query: HistoryQuery, fit: Fit): Promise<HistoryResult>;
  /** Reads a page of a thread. @throws {Refusal} not_found, busy, unavailable. */
  thread(pass: Pass, root: number, query: HistoryQuery, fit: Fit): Promise<ThreadPage>;
  /** Changes what a person keeps about a thread. @throws {Refusal} not_found, unavailable. */
  keepThread(pass: Pass, root: number, wish: ThreadWish): Promise<ThreadSeat>;
  /** Lists the threads that a person follows, in rooms that they may enter. @throws {Refusal} invalid, busy, unavailable. */
  threads(person: Identity, query: ThreadsQuery): Promise<ThreadList>;
  /** Reads pinned messages, the latest pin first, from those that were pinned before a version. @throws {Refusal} as `page`. */
  pins(pass: Pass, before: number): Promise<PinPage>;
  /** Finds those of some files that the person may see. @throws {Refusal} busy, unavailable. */
  files(pass: Pass, ids: readonly string[]): Promise<readonly FileForms[]>;
  /** Lists rooms by name, only those that the person may enter. @throws {Refusal} busy, unavailable. */
  rooms(person: Identity, range: Omit<RoomRange, "patterns">): Promise<RoomPage>;
  /** Lists a person's rooms by activity, only those that they may enter. @throws {Refusal} invalid, busy, unavailable. */
  recent(person: Identity, query: RecentQuery): Promise<RoomPage>;
  /** Lists what a person wrote, in rooms that their token allows. @throws {Refusal} invalid, busy, unavailable. */
  written(person: Identity, query: WrittenQuery): Promise<WrittenPage>;
  /**
   * Searches a person's rooms, or one room that they may read. Finds only what they may see at that moment.
   * @throws {Refusal} search_off, invalid, forbidden and so on, busy, unavailable.
   */
  search(person: Identity, query: SearchQuery): Promise<FoundPage>;
  /** What happens in rooms, in order. */
  readonly events: Events;
  /** Messages that people save for themselves. */
  readonly saved: SavedMessages;
  /** Lists messages that mention a person and that they may read, newest first. @throws {Refusal} invalid, busy, unavailable. */
  inbox(person: Identity, query: InboxQuery): Promise<InboxPage>;
  /** Reads one room as a list would show it. @throws {Refusal} unavailable. */
  room(pass: Pass): Promise<ListedRoom>;
  /** Changes what a member keeps about a room for themselves. @throws {Refusal} not_found, unavailable. */
  prefer(pass: Pass, preferences: Preferences): Promise<void>;
  /**
   * Ends a person's membership of a room, and their sockets leave it. Anyone who was banned from an open room may leave it.
   * Elsewhere it is a change, which `clientId` identifies. @throws {Refusal} forbidden, last_owner, unavailable and so on.
   */
  leave(person: Identity, room: string, how?: Leaving): Promise<void>;
  /** Bans a person from a room for the operator, and their sockets leave it. @throws {Refusal} busy, unavailable. */
  ban(userId: number, room: string, order: Order): Promise<void>;
  /** Lifts a ban for the operator. @throws {Refusal} busy, unavailable. */
  unban(userId: number, room: string, order: Order): Promise<void>;
  /** Deletes anyone's message for the operator. @throws {Refusal} not_found, busy, unavailable. */
  remove(room: string, id: number, order: Order): Promise<Ack>;
  /** Deletes messages of one person for the operator, at most 500. @throws {Refusal} busy, unavailable. */
  removeMessages(sender: Sender, order: Order): Promise<Removed>;
  /** Returns those of some people who have an open socket, as far as this node knows: see {@link Online}. */
  readonly online: Online["of"];
  /** Connects a socket. Its transport calls `open`, `receive`, `drained` and `ended`. */
  connect(format: Format, options: ConnectionOptions): Connection;
  /** Changes that are submitted and not answered yet. */
  readonly pending: number;
  /** Answers what was submitted, tells each socket when to come back, and closes them. */
  stop(): Promise<void>;
}

/** How someone leaves a room for good. */
export interface Leaving {
  readonly clientId?: string | undefined;
  /** The member who becomes an owner, if the last one leaves. */
  readonly heir?: number | undefined;
}

export interface ChatOptions {
  readonly store: ChatStore;
  readonly bus: Bus;
  readonly budgets: Budgets;
  readonly standing: Standing;
  authenticate(token: string): Promise<Identity>;
  readonly fanout: Fanout;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Returns a number from 0 to 1, excluding 1. */
  random(): number;
  /** Decides about messages before they are committed. Absent: nothing does. */
  readonly screen?: Screen | undefined;
  /** Called after changes of a room were committed on this node. */
  changed?(room: string): void;
  /** Called after a person's read mark in a room has moved to this message on this node. */
  read?(userId: number, room: string, id: number): void;
  /** The database's epoch. */
  readonly epoch: string;
  /** The latest stamp of memberships when the process started. */
  readonly stamp: number;
  /** The secret from which the names of private rooms are made. */
  readonly roomKey: string;
  readonly settings: {
    readonly roomAccess: RoomPolicy;
    readonly messageChars: number;
    readonly socketsPerUser: number;
    readonly roomsPerSocket: number;
    /** The largest file, in bytes; undefined: nobody can upload files. */
    readonly fileBytes?: number | undefined;
    /** The address of the page, where clients of the plain protocol find files. Ends with a slash. */
    readonly page?: string | undefined;
  };
}
