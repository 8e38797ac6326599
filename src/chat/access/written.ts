import { Refusal } from "../../errors.ts";
import type { Identity } from "../../identity.ts";
import type { Places } from "../../limits/places.ts";
import { type ListStore, type Written, WRITTEN_MAX } from "../lists.ts";
import type { Access } from "./access.ts";

export interface WrittenQuery {
  /** The cursor of the page before. */
  readonly after?: string | undefined;
  readonly limit: number;
}

export interface WrittenPage {
  readonly messages: readonly Written[];
  /** An opaque cursor; undefined on the last page. */
  readonly next: string | undefined;
}

interface WrittenParts {
  readonly store: Pick<ListStore, "written">;
  readonly reads: Places;
  readonly access: Pick<Access, "readable">;
}

/** Returns the reader of what people wrote: only in rooms that their token allows, but also in rooms that they left. */
export function createWritten({ store, reads, access }: WrittenParts) {
  /** @throws {Refusal} invalid, busy, unavailable. */
  return async (person: Identity, { after, limit }: WrittenQuery): Promise<WrittenPage> => {
    const place = after === undefined ? null : placeIn(after);
    const patterns = access.readable(person);
    if (patterns?.length === 0) return { messages: [], next: undefined };
    const { userId } = person;
    const range = { after: place, patterns, limit: Math.min(limit, WRITTEN_MAX) };
    const { messages, more } = await reads.run(userId, () => store.written(userId, range));
    const last = messages.at(-1);
    return { messages, next: more && last ? cursorOf(last) : undefined };
  };
}

type Place = Pick<Written, "room" | "clientId">;

const cursorOf = ({ room, clientId }: Place): string =>
  Buffer.from(`${clientId} ${room}`).toString("base64url");

/** @throws {Refusal} invalid. */
function placeIn(cursor: string): Place {
  const [, clientId, room] =
    /^([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}) (\S{1,256})$/.exec(
      Buffer.from(cursor, "base64url").toString(),
    ) ?? [];
  if (clientId === undefined || room === undefined || room.includes("\0"))
    throw new Refusal("invalid", { errors: { after: ["must be a cursor of this list"] } });
  return { clientId, room };
}
