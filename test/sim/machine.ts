import type { Ack, Chat, HistoryQuery, HistoryResult, ThreadPage } from "../../src/chat/chat.ts";
import type { Limits } from "../../src/files/ports.ts";
import type { Arrival, Uploaded } from "../../src/files/upload.ts";
import type { FileForms, PinPage, Seat } from "../../src/chat/ports.ts";
import type { Identity } from "../../src/identity.ts";
import type { History } from "../../src/protocol/membership.ts";
import { named } from "../support/stubs.ts";
import type { Wish } from "./changes.ts";
import type { Decreed } from "./decrees.ts";
import type { ClientEnd, Link } from "./link.ts";

/** How a client connects. */
export interface Visit {
  readonly identity: Identity;
  readonly format: "v1" | "plain";
  readonly room?: string;
  readonly since?: { readonly epoch: string; readonly version: number };
  readonly client: ClientEnd;
}

/** What someone wants a new private room to be. */
export interface NewRoom {
  readonly clientId: string;
  readonly title: string;
  readonly history: History;
  readonly people: readonly number[];
}

type NewLink = Parameters<Chat["moderation"]["invite"]>[1];
type Invited = Awaited<ReturnType<Chat["moderation"]["invite"]>>;

/** A machine on which the server's process runs, dies, stops and comes back. */
export interface SimNode {
  readonly name: string;
  readonly up: boolean;
  start(): void;
  /** Ends the process at once, with all its memory. */
  die(): void;
  /** Stops the process in an orderly way. */
  stop(): void;
  /** Opens a socket; returns undefined if nobody listens. */
  visit(visit: Visit): Link | undefined;
  /** Submits a change over HTTP. The promise never settles if the process dies. */
  submit(person: Identity, change: Wish): Promise<Ack>;
  /** Reads a page of history over HTTP. */
  page(person: Identity, room: string, query: HistoryQuery): Promise<HistoryResult>;
  /** Reads a page of a thread over HTTP. */
  thread(person: Identity, room: string, root: number, query: HistoryQuery): Promise<ThreadPage>;
  /** Reads the pinned messages of a room over HTTP. */
  pins(person: Identity, room: string): Promise<PinPage>;
  /** Changes who may do what in a room, for a person or (null) an operator. */
  decree(userId: number | null, decreed: Decreed): Promise<Ack>;
  /** Creates a private room; opens the one of some people. */
  create(userId: number, wish: NewRoom): Promise<{ room: string }>;
  direct(userId: number, people: readonly number[]): Promise<{ room: string }>;
  /** The operator bans someone, or lifts the ban; someone leaves a room for good. They never settle if the process dies. */
  ban(seat: Seat): Promise<void>;
  unban(seat: Seat): Promise<void>;
  leave(seat: Seat): Promise<void>;
  block(userId: number, blockedId: number, on: boolean): Promise<void>;
  /** Creates a link to a room, uses one, and revokes one. */
  invite(userId: number, room: string, wanted: NewLink): Promise<Invited>;
  redeem(userId: number, token: string, clientId: string): Promise<{ room: string; ack: Ack }>;
  revoke(userId: number, room: string, id: string): Promise<void>;
  /** Uploads a file, and finds those that someone may see. */
  upload(person: Identity, arrival: Arrival): Promise<Uploaded>;
  files(person: Identity, room: string, ids: readonly string[]): Promise<readonly FileForms[]>;
  /** The operator deletes a message. */
  remove(room: string, id: number): Promise<Ack>;
  /** Removes files that nobody needs, and looks for what is stored without a row. */
  collect(limits: Limits): Promise<number>;
  sweep(): Promise<number>;
  /** For so long, this node does not reach the database. */
  cutOff(ms: number): void;
  links(): readonly Link[];
  /** Returns what is left in the process after everyone has gone. */
  leftovers(): string[];
}

/** Someone over HTTP. */
export const identityOf = (userId: number): Identity => ({
  userId,
  ...named(`user${userId}`),
  picture: null,
  sessionId: null,
  expiresAt: Number.POSITIVE_INFINITY,
  grants: null,
});
