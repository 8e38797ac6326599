import { Refusal } from "../errors.ts";
import { isRoomScope, type KeyHolder, type ScopeName } from "../scopes.ts";

/**
 * Checks that a key may do something, in a room if the scope is one of rooms and there is one.
 * @throws {Refusal} scope_missing, with the scope.
 */
export function requireScope(key: KeyHolder, scope: ScopeName, room: string | undefined): void {
  const place = isRoomScope(scope) ? room : undefined;
  if (key.allows(scope, place)) return;
  throw new Refusal("scope_missing", {
    scope: isRoomScope(scope) ? `${scope}:${room ?? "*"}` : scope,
    // RFC 6750, section 3.1. Names of rooms are not ASCII.
    headers: { "www-authenticate": `Bearer realm="parley", error="insufficient_scope", scope="${scope}"` },
  });
}
