import type { Identity, RoomAction } from "../identity.ts";

export interface Access {
  /** The only gate to a room: each door, command and query asks here, and none decides for itself. */
  may(person: Identity, room: string, action: RoomAction): boolean;
}

/** Access by the token's `rooms` claim. A token without one may enter any room where `policy` is `open`, none where it is `claims`. */
export const createAccess = (policy: "open" | "claims"): Access => ({
  may: ({ rooms }, room, action) =>
    rooms === null
      ? policy === "open"
      : rooms.some(({ match, allow }) => allow.includes(action) && matches(match, room)),
});

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
