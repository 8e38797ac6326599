import type { Identity, RoomAction } from "../../identity.ts";
import type { CloseReason } from "../../protocol/codes.ts";

export interface Access {
  /** The only gate to a room: each door, command and query asks here, and none decides for itself. */
  may(person: Identity, room: string, action: RoomAction): boolean;
}

/**
 * Access by bans, and by the token's `rooms` claim. A token without one may enter any room where `policy` is `open`,
 * none where it is `claims`.
 */
export const createAccess = (policy: "open" | "claims"): Access => ({
  may({ banned, rooms }, room, action) {
    if (banned.has(room)) return false;
    if (rooms === null) return policy === "open";
    return rooms.some(({ match, allow }) => allow.includes(action) && matches(match, room));
  },
});

/** What someone whom {@link Access} has refused is sent out of a room with. */
export const closeReasonOf = ({ banned }: Identity, room: string): CloseReason =>
  banned.has(room) ? "removed" : "forbidden";

/** Whether `pattern`, in which `*` stands for any run of characters, is the whole of `name`. Linear in both. */
function matches(pattern: string, name: string): boolean {
  const [first = "", ...rest] = pattern.split("*");
  const last = rest.pop();
  if (last === undefined) return name === pattern;
  if (!name.startsWith(first) || !name.endsWith(last) || name.length < first.length + last.length)
    return false;
  let at = first.length;
  for (const part of rest) {
    const found = name.indexOf(part, at);
    if (found === -1) return false;
    at = found + part.length;
  }
  return at <= name.length - last.length;
}
