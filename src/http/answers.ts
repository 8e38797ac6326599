import * as v from "valibot";
import type { ApiKey } from "../auth/apikeystore.ts";
import type { Made } from "../auth/revoking.ts";
import type { KeyInfo } from "../auth/keystore.ts";
import type { Profile, SignedIn } from "../auth/accounts.ts";
import type { RegistrationLink } from "../auth/links.ts";
import type { SessionInfo, TokenPair } from "../auth/sessions.ts";
import type { Ban, Block, Invitation } from "../chat/chat.ts";
import type { AuditEntry } from "../db/audit.ts";
import { ERRORS, type ErrorCode } from "../protocol/codes.ts";
import { HISTORIES, NOTIFY, ROLES, ROOM_KINDS } from "../protocol/membership.ts";
import { acked } from "../protocol/drafts.ts";
import { message, messageId, timestamp, user } from "../protocol/frames.ts";
import { notice } from "../protocol/people.ts";

// The contents of responses, for the document. If a response has a type of its own, its schema is checked against that.

const count = v.pipe(v.number(), v.integer(), v.minValue(0));
const email = v.pipe(v.string(), v.metadata({ format: "idn-email" }));
const id = v.pipe(v.string(), v.uuid());

const tokens = {
  access: v.pipe(v.string(), v.description("An access token: a JWT, for Authorization: Bearer.")),
  refresh: v.pipe(v.string(), v.description("The refresh token, for one use.")),
};

export const TOKENS = v.object(tokens) satisfies v.GenericSchema<TokenPair>;

const signedIn = { ...tokens, email, username: v.string() };
export const SIGNED_IN = v.object(signedIn) satisfies v.GenericSchema<SignedIn>;
export const REGISTERED = v.object({ message: v.string(), ...signedIn });

const profile = {
  username: v.string(),
  user,
  picture: v.nullable(v.string()),
  email: v.pipe(v.nullable(email), v.description("Null for outside identities.")),
  createdAt: timestamp,
};
export const PROFILE = v.object(profile) satisfies v.GenericSchema<Profile>;

export const SESSION = v.object({
  id,
  userAgent: v.string(),
  createdAt: timestamp,
  usedAt: timestamp,
  expiresAt: timestamp,
  current: v.pipe(v.boolean(), v.description("Whether it is the session of the request's token.")),
}) satisfies v.GenericSchema<SessionInfo>;

export const MESSAGE = v.object({ room: v.string(), ...message });
export const NOTICE = v.object({ room: v.string(), ...notice });

export const WRITTEN = v.object({
  room: v.string(),
  id: messageId,
  timestamp,
  content: v.string(),
  clientId: id,
  editedAt: v.optional(timestamp),
  replyTo: v.optional(messageId),
  thread: v.optional(messageId),
  data: message.data,
  files: message.files,
});

/** The result of a committed change of a room. */
const change = { id: messageId, version: messageId, room: v.string() };
const duplicate = v.pipe(
  v.optional(v.literal(true)),
  v.description("This clientId was committed before; this is its first result."),
);
export const CHANGED = v.object({ ...change, clientId: id, duplicate, ...acked });
export const POSTED = v.object({ ...change, clientId: id, duplicate, timestamp, ...acked });
export const REMOVED = v.object(change);

export const PERSON = v.object({
  id: v.pipe(v.string(), v.description("Their public id, which never changes.")),
  username: v.string(),
  name: v.pipe(v.optional(v.string()), v.description("What people call them, if it is not the username.")),
  picture: v.pipe(v.optional(v.string()), v.description("The address of a picture, if they have one.")),
});

/** What someone keeps about a room for themselves. */
export const PREFERENCES = {
  notify: v.nullable(v.picklist(NOTIFY)),
  ...{ hidden: v.boolean(), pinned: v.boolean() },
};

/** A message as lists show it. */
export const glimpse = {
  id: messageId,
  username: v.string(),
  user,
  content: v.string(),
  timestamp,
  files: v.pipe(v.optional(count), v.description("How many files it has, if any.")),
};

export const ROOM = v.object({
  room: v.string(),
  kind: v.picklist(ROOM_KINDS),
  title: v.pipe(v.string(), v.description("What people see instead of the name. Empty if it has none.")),
  topic: v.string(),
  archived: v.pipe(v.boolean(), v.description("Nobody can post in it.")),
  history: v.pipe(v.picklist(HISTORIES), v.description("What new members see of the past.")),
  membersAdd: v.pipe(v.boolean(), v.description("Whether every member may add people.")),
  receipts: v.pipe(v.boolean(), v.description("Whether members see how far the others have read.")),
  version: v.pipe(count, v.description("The version of the room's last change.")),
  people: v.pipe(
    v.optional(v.array(PERSON)),
    v.description("The people of a direct room, others first, at most 8. Other rooms have none here."),
  ),
  last: v.nullable(v.object(glimpse)),
  lastActivity: v.nullable(timestamp),
  online: v.pipe(count, v.description("How many people are in the room.")),
  role: v.pipe(v.nullable(v.picklist(ROLES)), v.description("Null for anyone who is not a member.")),
  joinedAt: v.pipe(v.nullable(timestamp), v.description("Since when the caller is a member.")),
  lastRead: v.pipe(v.nullable(count), v.description("Null for anyone who is not a member.")),
  unread: v.pipe(count, v.maxValue(100), v.description("Unread messages of others, up to 100.")),
  mentions: v.pipe(count, v.description("Those that mention the caller, up to 100.")),
  unreadMore: v.pipe(v.boolean(), v.description("There may be more than that.")),
  threads: v.pipe(
    count,
    v.maxValue(20),
    v.description("Threads with unread replies, among the 20 newest that the caller follows in it."),
  ),
  notify: v.pipe(
    v.nullable(v.picklist(NOTIFY)),
    v.description("What the caller wants to be notified about. Null: what the kind of the room suggests."),
  ),
  hidden: v.pipe(v.boolean(), v.description("Not in the list by activity until a newer message.")),
  pinned: v.boolean(),
});

/** The result of a change of a room or its members. */
export const RULED = v.object({
  ...change,
  id: v.pipe(count, v.description("The id of the notice; 0 if nothing changed.")),
  version: count,
  clientId: id,
  duplicate,
});

export const BAN = v.object({
  user: v.pipe(PERSON, v.description("Who is banned.")),
  by: v.pipe(v.nullable(PERSON), v.description("Who banned them. Null if that is not known.")),
  since: timestamp,
}) satisfies v.GenericSchema<Ban>;

export const MEMBER = v.object({
  ...PERSON.entries,
  role: v.picklist(ROLES),
  mutedUntil: v.pipe(
    v.optional(v.nullable(timestamp)),
    v.description("Until when they cannot post; null: until someone ends it. Absent if they can post."),
  ),
  joinedAt: timestamp,
  lastRead: v.pipe(
    v.optional(count),
    v.description(
      "The id up to which they have read. Only in rooms whose members see each other's read marks.",
    ),
  ),
  version: v.pipe(count, v.description("The version of the membership, for If-Match.")),
});

export const AUDIT_ENTRY = v.object({
  id: count,
  at: timestamp,
  action: v.string(),
  via: v.picklist(["cli", "http", "socket", "server"]),
  actor: v.pipe(v.string(), v.description("An operator's key, the shell's user, or a person.")),
  address: v.pipe(v.string(), v.description("A network address or, for commands, the machine's name.")),
  username: v.nullable(v.string()),
  user: v.nullable(user),
  room: v.nullable(v.string()),
  messageId: v.nullable(messageId),
  target: v.pipe(v.string(), v.description("What else it acted on, such as a key.")),
  reason: v.string(),
}) satisfies v.GenericSchema<AuditEntry>;

const ended = v.nullable(timestamp);

export const USER = v.object({
  ...profile,
  disabledAt: v.pipe(ended, v.description("Since when they are locked out.")),
  deletedAt: v.pipe(ended, v.description("Since when the account is deleted. It is erased later.")),
});

export const KEY = v.object({
  kid: v.string(),
  kind: v.picklist(["sign", "refresh"]),
  createdAt: timestamp,
  retiredAt: v.pipe(ended, v.description("Since when it signs nothing new.")),
  revokedAt: v.pipe(ended, v.description("Since when nothing that it signed is accepted.")),
}) satisfies v.GenericSchema<KeyInfo>;

export const REVOKED = v.object({
  kind: v.picklist(["sign", "refresh"]),
  successor: v.pipe(v.nullable(v.string()), v.description("The key that takes its place, if it was in use.")),
  sessions: v.pipe(count, v.description("How many sessions ended.")),
});

export const API_KEY = v.object({
  name: v.string(),
  scopes: v.array(v.string()),
  budget: v.pipe(v.number(), v.integer(), v.description("How many times the budgets of a person it has.")),
  createdAt: timestamp,
  expiresAt: v.pipe(v.nullable(timestamp), v.description("Null: it is valid until it is revoked.")),
  lastUsedAt: v.pipe(ended, v.description("Exact to a minute.")),
  revokedAt: ended,
}) satisfies v.GenericSchema<ApiKey>;

export const NEW_API_KEY = v.object({
  ...API_KEY.entries,
  token: v.pipe(v.string(), v.description("Sent as the bearer token. Shown only once.")),
});

export const MADE_WITH_KEY = v.object({
  keys: v.pipe(v.array(v.string()), v.description("The names of keys.")),
  hooks: v.pipe(v.array(v.object({ id: v.string(), name: v.string() })), v.description("Webhooks.")),
  incomingHooks: v.array(v.object({ id: v.string(), name: v.string(), room: v.string() })),
}) satisfies v.GenericSchema<Made>;

export const REGISTRATION_LINK = v.object({
  token: v.pipe(v.string(), v.description("Sent as `invite` when registering. Shown only once.")),
  url: v.pipe(v.nullable(v.string()), v.description("The page's form. Null if PUBLIC_URL is not set.")),
  expiresAt: timestamp,
}) satisfies v.GenericSchema<RegistrationLink>;

export const BLOCK = v.object({ user: PERSON, since: timestamp }) satisfies v.GenericSchema<Block>;

export const REPORT = v.object({
  id,
  room: v.string(),
  at: timestamp,
  reason: v.string(),
  by: v.pipe(PERSON, v.description("Who reported it.")),
  message: v.pipe(
    v.object({
      id: messageId,
      version: messageId,
      sender: PERSON,
      content: v.string(),
      data: v.optional(v.looseObject({})),
      files: message.files,
    }),
    v.description("The message as it was when it was reported."),
  ),
  resolved: v.pipe(
    v.nullable(v.object({ at: timestamp, by: PERSON, resolution: v.string() })),
    v.description("Null while nobody has dealt with it."),
  ),
});

const invitation = {
  id,
  by: PERSON,
  createdAt: timestamp,
  expiresAt: timestamp,
  maxUses: v.pipe(v.nullable(count), v.description("Null: any number of people.")),
  uses: count,
};
export const INVITATION = v.object(invitation) satisfies v.GenericSchema<Invitation>;
export const INVITED = v.object({
  ...invitation,
  token: v.pipe(v.string(), v.description("Shown only once.")),
});
export const REDEEMED = v.object({
  room: v.string(),
  id: v.pipe(count, v.description("The notice; 0 if the caller was a member already.")),
  version: count,
  duplicate,
});
export const PURGED = v.object({
  messages: v.pipe(count, v.description("Messages that were deleted now.")),
  reactions: v.pipe(count, v.description("Messages of others that lost the person's reactions now.")),
  more: v.pipe(v.boolean(), v.description("There is more: repeat the request.")),
});

/** RFC 9457, with our code. */
export const PROBLEM = v.object({
  type: v.literal("about:blank"),
  title: v.string(),
  status: v.pipe(v.number(), v.integer()),
  code: v.picklist(Object.keys(ERRORS) as [ErrorCode, ...ErrorCode[]]),
  retryable: v.pipe(v.boolean(), v.description("Whether the same request may succeed later.")),
  detail: v.string(),
  errors: v.pipe(
    v.optional(v.record(v.string(), v.array(v.string()))),
    v.description("What is wrong with each field of the input."),
  ),
  retryAfterMs: v.pipe(v.optional(v.number()), v.description("When to try again, if known.")),
  scope: v.pipe(v.optional(v.string()), v.description("What a key lacks, if the code is scope_missing.")),
  claim: v.pipe(
    v.optional(v.literal(true)),
    v.description("The token does not allow it. A newer one may, if its `rooms` claim is another."),
  ),
});
