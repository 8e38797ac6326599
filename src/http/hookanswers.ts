import * as v from "valibot";
import type { IncomingHook } from "../auth/incoming.ts";
import { type Attempt, type Hook, HOOK_CHANGES, HOOK_STATES } from "../hooks/hooks.ts";

// What responses about webhooks contain.

const time = v.pipe(v.string(), v.isoTimestamp());
export const HOOK = v.object({
  id: v.pipe(v.string(), v.uuid()),
  name: v.string(),
  url: v.string(),
  rooms: v.array(v.string()),
  changes: v.array(v.picklist(HOOK_CHANGES)),
  mentions: v.nullable(v.array(v.string())),
  state: v.picklist(HOOK_STATES),
  reason: v.pipe(v.nullable(v.string()), v.description("Why the server ended its work.")),
  stateAt: time,
  createdAt: time,
  createdBy: v.pipe(v.string(), v.description("The key that created it.")),
  oldSecretUntil: v.pipe(v.nullable(time), v.description("Until when the secret before signs too.")),
});
const secret = v.pipe(v.string(), v.description("Shown only once. Receivers verify signatures with it."));
export const HOOK_WITH_SECRET = v.object({ ...HOOK.entries, secret });
const attempt = {
  at: time,
  webhook: v.pipe(v.string(), v.description("The header webhook-id of the request.")),
  room: v.optional(v.string()),
  after: v.optional(v.number()),
  upto: v.optional(v.number()),
  changes: v.number(),
  status: v.pipe(v.nullable(v.number()), v.description("The status of the response. Null: there was none.")),
  error: v.nullable(v.string()),
  ms: v.number(),
};
export const HOOK_ATTEMPT = v.object(attempt);
export const KEPT_ATTEMPT = v.object({ id: v.number(), ...attempt });

export const shownHook = ({ rooms, changes, mentions, ...hook }: Hook): v.InferOutput<typeof HOOK> => ({
  ...hook,
  rooms: [...rooms],
  changes: [...changes],
  mentions: mentions && [...mentions],
});

export const shownAttempt = ({
  hook: _,
  batch,
  ...attempt
}: Attempt): v.InferOutput<typeof HOOK_ATTEMPT> => ({
  ...attempt,
  ...batch,
});

const incoming = {
  id: v.pipe(v.string(), v.uuid()),
  room: v.string(),
  name: v.string(),
  username: v.pipe(v.string(), v.description("Of the person who signs what it posts.")),
  createdAt: time,
  createdBy: v.pipe(v.string(), v.description("The key that created it.")),
  lastUsedAt: v.pipe(v.nullable(time), v.description("Exact to a minute.")),
  revokedAt: v.nullable(time),
};
export const INCOMING_HOOK = v.object(incoming);
export const NEW_INCOMING_HOOK = v.object({
  ...incoming,
  path: v.pipe(
    v.string(),
    v.description("The path of its address. Shown only once, because it is the secret."),
  ),
});

export const shownIncoming = ({
  userId: _,
  createdAt,
  lastUsedAt,
  revokedAt,
  ...hook
}: IncomingHook): v.InferOutput<typeof INCOMING_HOOK> => ({
  ...hook,
  createdAt: createdAt.toISOString(),
  lastUsedAt: lastUsedAt?.toISOString() ?? null,
  revokedAt: revokedAt?.toISOString() ?? null,
});
