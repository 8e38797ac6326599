import type { MessageFile } from "../attachments.ts";
import { unexpected } from "../errors.ts";
import { shape } from "../frames.ts";
import type { Data, User } from "../message.ts";
import { type PageQuery, readPage, roomPath } from "../page.ts";
import { createPages, type Pages, type PagesInside, plain } from "./pages.ts";
import type { Request, Session } from "../session.ts";

/** A link with which people add themselves to a room, without its token. */
export interface Invitation {
  readonly id: string;
  readonly by: User;
  readonly createdAt: string;
  readonly expiresAt: string;
  /** Null: any number of people. */
  readonly maxUses: number | null;
  readonly uses: number;
}

export interface NewInvitation extends Invitation {
  /** For `redeem`. The server shows it only once. */
  readonly token: string;
}

export interface InviteOptions {
  /** How long the link works, in seconds: a minute to 30 days. */
  readonly expiresIn: number;
  /** How many people may use it. Defaults to any number. */
  readonly maxUses?: number;
  readonly signal?: AbortSignal | undefined;
}

/** A report of a message to the room's moderators and the operators. */
export interface Report {
  readonly id: string;
  readonly room: string;
  readonly at: string;
  readonly reason: string;
  /** Who reported it. */
  readonly by: User;
  /** The message as it was when it was reported. */
  readonly message: {
    readonly id: number;
    readonly version: number;
    readonly sender: User;
    readonly content: string;
    readonly data?: Data;
    /** What was known of its files. They go with the message. */
    readonly files?: readonly MessageFile[];
  };
  /** Null while nobody has dealt with it. */
  readonly resolved: { readonly at: string; readonly by: User; readonly resolution: string } | null;
}

export interface ReportsQuery extends PageQuery {
  /** Whether to list resolved ones too. */
  readonly all?: boolean;
}

interface CallOptions {
  readonly signal?: AbortSignal | undefined;
}

/**
 * What one can ask for in a room over HTTP, whether it is joined or not. Requests that change something are repeated until
 * their outcome is known.
 */
export interface RoomRequests {
  /** Creates a link with which people add themselves. @throws {ChatError} */
  invite(options: InviteOptions): Promise<NewInvitation>;
  /** The links that work, newest first: all for moderators, their own for others. */
  readonly invitations: Pages<Invitation>;
  /** Ends a link. @throws {ChatError} */
  revoke(invitation: string, options?: CallOptions): Promise<void>;
  /** Reports a message. It is kept as it is now. @throws {ChatError} */
  report(id: number, reason: string, options?: CallOptions): Promise<void>;
  /** The open reports, newest first. For moderators. With `all`, `read` returns resolved ones too. */
  readonly reports: Pages<Report, ReportsQuery>;
  /** Says what was done about a report. @throws {ChatError} */
  resolve(report: string, resolution: string, options?: CallOptions): Promise<void>;
}

/** The side of the requests that the room uses. */
export interface RequestsInside extends RoomRequests {
  readonly invitations: PagesInside<Invitation>;
  readonly reports: PagesInside<Report, ReportsQuery>;
}

export function createRequests(
  room: string,
  session: Session,
  repeat: Request,
  uuid: () => string,
): RequestsInside {
  const invitations = createPages(
    plain((query?: PageQuery) =>
      readPage<Invitation>(session, roomPath(room, "invitations"), isInvitation, query),
    ),
  );
  const reports = createPages(
    plain(({ all, ...query }: ReportsQuery = {}) =>
      readPage<Report>(session, roomPath(room, "reports"), isReport, { ...query, all: all && "" }),
    ),
  );

  const send = (method: string, path: string, { signal }: CallOptions = {}, body?: object) =>
    repeat(method, roomPath(room, path), { ...(body && { body }), signal });

  return {
    async invite({ signal, ...link }) {
      const { body } = await send("POST", "invitations", { signal }, { ...link, clientId: uuid() });
      void invitations.renew();
      if (isInvitation(body) && typeof body.token === "string") return body as unknown as NewInvitation;
      throw unexpected();
    },
    invitations,
    async revoke(id, call) {
      await send("DELETE", `invitations/${encodeURIComponent(id)}`, call);
      await invitations.renew();
    },
    async report(id, reason, call) {
      await send("POST", `messages/${id}/report`, call, { reason });
    },
    reports,
    async resolve(id, resolution, call) {
      await send("PATCH", `reports/${encodeURIComponent(id)}`, call, { resolution });
      await reports.renew();
    },
  };
}

const isInvitation = shape("id by:user createdAt expiresAt uses:whole");
const isReport = shape("id room at reason by:user message:object");
