import type { Order } from "../order.ts";
import type { PersonShown } from "../person.ts";

/** Part of a list: what comes after a cursor, at most `limit`. */
export interface Range<Cursor> {
  /** Undefined: from the beginning. */
  readonly after: Cursor | undefined;
  readonly limit: number;
}

/** The first entries of a range, and whether there are more. */
export interface Listed<Entry> {
  readonly entries: readonly Entry[];
  readonly more: boolean;
}

export interface Block {
  readonly user: PersonShown;
  readonly since: string;
}

/** All methods of these stores reject with a {@link Refusal} `unavailable` if the database does not respond. */
export interface BlockStore {
  /**
   * Blocks someone, and takes the right to post in the direct room of the two from both, by its fence. Does nothing if they
   * are blocked already.
   */
  block(userId: number, blockedId: number): Promise<void>;
  unblock(userId: number, blockedId: number): Promise<void>;
  /** Whom a person blocks, by public id. */
  blocks(userId: number, range: Range<string>): Promise<Listed<Block>>;
}

/** The room and the rights for which a read or a write was permitted. */
export interface Permitted {
  readonly userId: number;
  readonly room: string;
  /** The id of the first message that the person sees. */
  readonly from: number;
  /** The room's fence when the rights were read. If it is another by now, nothing is read or written. */
  readonly fence: number;
}

/** A report of a message, with the message as it was then. */
export interface Report {
  readonly id: string;
  readonly room: string;
  readonly at: string;
  readonly reason: string;
  /** Who reported it. */
  readonly by: PersonShown;
  readonly message: {
    readonly id: number;
    readonly version: number;
    /** Who sent it. */
    readonly sender: PersonShown;
    readonly content: string;
    /** The JSON object that belongs to the product. */
    readonly data: string | null;
    /** What was known of its files: JSON. Their content goes with the message. */
    readonly files: string | null;
  };
  /** Null while nobody has dealt with it. */
  readonly resolved: { readonly at: string; readonly by: PersonShown; readonly resolution: string } | null;
}

export interface ReportRange {
  /** The id of the report before the first one; undefined: from the newest on. */
  readonly after: string | undefined;
  readonly limit: number;
  /** Those that nobody has dealt with, or all. */
  readonly scope: "open" | "all";
}

export interface Resolving {
  readonly id: string;
  /** Who resolves it; 0 is the server, for an operator. */
  readonly userId: number;
  readonly resolution: string;
  readonly order: Order;
}

/** The room's fence is another than the caller's: read the rights again. */
export const FENCED = Symbol("fenced");
export type Fenced = typeof FENCED;

export interface ReportStore {
  /**
   * Keeps a message as it is now. A second report by the same person changes nothing. Resolves to false if there is no
   * such message that the person may see: notices and deleted messages cannot be reported.
   */
  report(by: Permitted, id: number, reason: string): Promise<boolean | Fenced>;
  /** Reports of one room, newest first, of messages that the person may see. */
  reportsOf(reader: Permitted, range: ReportRange): Promise<Listed<Report> | Fenced>;
  /** Reports of all rooms, newest first. */
  reports(range: ReportRange): Promise<Listed<Report>>;
  /** Resolves a report. The audit records it. Resolves to false if there is no such report that the person may see. */
  resolveIn(reader: Permitted, resolving: Resolving): Promise<boolean | Fenced>;
  resolve(resolving: Resolving): Promise<boolean>;
}

/** A link with which people add themselves to a room, without its token. */
export interface Invitation {
  readonly id: string;
  readonly by: PersonShown;
  readonly createdAt: string;
  readonly expiresAt: string;
  /** Null: any number of people. */
  readonly maxUses: number | null;
  readonly uses: number;
}

export interface NewInvitation {
  readonly id: string;
  /** SHA-256 of the token, base64url. */
  readonly hash: string;
  readonly ttlMs: number;
  readonly maxUses: number | null;
}

/** The most links of one person to one room that work at one time. */
export const INVITATIONS_MAX = 20;

export interface InvitationStore {
  /**
   * Creates a link. One with this id, by the same person, gets the new token instead of another link. Null: they have
   * {@link INVITATIONS_MAX} to this room already.
   */
  create(by: Permitted, invitation: NewInvitation): Promise<Invitation | Fenced | null>;
  /** The links that work, newest first: all, or those that the person created. `after` is an id. */
  invitations(
    reader: Permitted,
    range: Range<string>,
    scope: "all" | "own",
  ): Promise<Listed<Invitation> | Fenced>;
  /**
   * Revokes a link: any, or one that the person created. The audit records it if someone else created it. Resolves to
   * false if there is none that works.
   */
  revoke(by: Permitted, id: string, scope: "all" | "own", order: Order): Promise<boolean | Fenced>;
  /**
   * Finds the room of a token that may work now. The commit of the member checks it again. A member, who may repeat a
   * request, finds it in any case.
   */
  roomOf(hash: string, userId: number): Promise<string | undefined>;
}

/** Messages that were found, and where to continue; null: there are no more. */
export interface Found<Cursor> {
  readonly found: readonly { readonly room: string; readonly id: number }[];
  readonly next: Cursor | null;
}

export interface PurgeStore {
  /** Messages of one person that are neither deleted nor notices, in all rooms. */
  messagesBy(
    userId: number,
    after: { readonly roomId: number; readonly clientId: string } | null,
    limit: number,
  ): Promise<Found<{ readonly roomId: number; readonly clientId: string }>>;
  /** Messages to which a person has reacted, in some of the rooms after the one with the id `after`. */
  reactedBy(userId: number, after: number | null, limit: number): Promise<Found<number>>;
  /** Records in the audit that everything a person wrote is about to be removed. */
  recordPurge(userId: number, order: Order): Promise<void>;
}

/** A room whose owners have all deleted their accounts. */
export interface Orphan {
  readonly room: string;
  readonly roomId: number;
  /** One of these owners. */
  readonly ownerId: number;
  /** The moderator who has been in it for longest, else the member. */
  readonly heirId: number;
}

export interface SuccessionStore {
  /** Rooms without an owner who could act, and with an heir; by owner and room, at most `limit`. */
  orphans(after: Pick<Orphan, "ownerId" | "roomId"> | null, limit: number): Promise<readonly Orphan[]>;
}

export interface ModerationStore {
  readonly blocks: BlockStore;
  readonly reports: ReportStore;
  readonly invitations: InvitationStore;
  readonly purge: PurgeStore;
  readonly succession: SuccessionStore;
}
