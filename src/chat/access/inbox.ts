import { Refusal } from "../../errors.ts";
import type { Identity } from "../../identity.ts";
import type { Places } from "../../limits/places.ts";
import { INBOX_MAX, type InboxEntry, type InboxPlace, type ListStore } from "../lists.ts";
import type { Access } from "./access.ts";

export interface InboxQuery {
  /** The cursor of the page before. */
  readonly before?: string | undefined;
  readonly limit: number;
}

export interface InboxPage {
  /** Newest first. */
  readonly entries: readonly InboxEntry[];
  /** An opaque cursor; undefined on the last page. A page can be short or empty before that. */
  readonly next: string | undefined;
}

interface InboxParts {
  readonly store: Pick<ListStore, "inbox">;
  readonly reads: Places;
  readonly access: Pick<Access, "readable" | "membersOnly">;
}

/** Returns the reader of messages that mention someone: only those that they may read now. */
export function createInbox({ store, reads, access }: InboxParts) {
  /** @throws {Refusal} invalid, busy, unavailable. */
  return async (person: Identity, { before, limit }: InboxQuery): Promise<InboxPage> => {
    const place = before === undefined ? null : placeIn(before);
    const patterns = access.readable(person);
    if (patterns?.length === 0) return { entries: [], next: undefined };
    const { userId } = person;
    const { membersOnly } = access;
    const range = { before: place, patterns, membersOnly, limit: Math.min(limit, INBOX_MAX) };
    const { entries, next } = await reads.run(userId, () => store.inbox(userId, range));
    return { entries, next: next && cursorOf(next) };
  };
}

const cursorOf = ({ at, key }: InboxPlace): string => Buffer.from(`${at} ${key}`).toString("base64url");

/** @throws {Refusal} invalid. */
function placeIn(cursor: string): InboxPlace {
  const [, at, key] =
    /^(\d{1,16}) ([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/.exec(
      Buffer.from(cursor, "base64url").toString(),
    ) ?? [];
  if (key === undefined)
    throw new Refusal("invalid", { errors: { before: ["must be a cursor of this list"] } });
  return { at: Number(at), key };
}
