import type { Context } from "hono";
import type { Auth } from "../auth/auth.ts";
import { SYSTEM } from "../chat/chat.ts";
import { invalid, Refusal } from "../errors.ts";
import type { RoomGrant } from "../grants.ts";
import type { Identity } from "../identity.ts";
import { personOf } from "../person.ts";
import type { KeyHolder, RoomScope } from "../scopes.ts";
import type { Env } from "./request.ts";
import { requireScope } from "./scope.ts";

/** The server, in whose name a key acts unless it names a person. The key pays for it. */
export const asServer = (key: KeyHolder): Identity => ({
  ...SYSTEM,
  picture: null,
  sessionId: null,
  expiresAt: key.expiresAt?.getTime() ?? Infinity,
  grants: grantsOf(key),
  budget: key.budget,
  key: { id: key.id, name: key.name },
});

/**
 * A person in whose name a key acts, with that person's rights in rooms.
 * @throws {Refusal} scope_missing, not_found, forbidden.
 */
export async function asPerson(people: Auth["people"], key: KeyHolder, reference: string): Promise<Identity> {
  requireScope(key, "as", undefined);
  const user = await people.get(reference);
  if (user.disabledAt || user.deletedAt)
    throw new Refusal("forbidden", { detail: "This person is disabled or deleted: nobody can act as them." });
  const { id: userId, username, picture } = user;
  return { ...asServer(key), userId, username, user: personOf(user), picture };
}

/**
 * Lets a key act as the person whom `as` names, in the body of its request or in the query. Returns the body without it.
 * @throws {Refusal} invalid, and those of {@link asPerson}.
 */
export async function actAs(c: Context<Env>, body: object): Promise<object> {
  const become = c.get("become");
  if (!become) return body;
  const { as: said, ...rest } = body as { readonly as?: unknown };
  const named = [...(c.req.queries("as") ?? []), ...(said === undefined ? [] : [said])];
  if (named.length > 1) throw invalid({ as: ["must be given only once"] });
  const [as] = named;
  if (as === undefined) return rest;
  if (typeof as !== "string") throw invalid({ as: ["must be a string"] });
  c.set("identity", await become(as));
  return rest;
}

/** What a route may do with a key is up to its scope. This keeps all of it to the rooms of the key. */
function grantsOf(key: KeyHolder): RoomGrant[] {
  const grants = (scope: RoomScope, action: "read" | "post") =>
    key.roomsOf(scope).map((match) => ({ match, allow: [action] }));
  return [
    ...grants("rooms:read", "read"),
    ...grants("rooms:post", "post"),
    ...grants("rooms:moderate", "post"),
    ...grants("rooms:manage", "post"),
  ];
}
