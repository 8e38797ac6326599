import * as v from "valibot";
import { PERSON_NAME_MAX, TITLE_MAX, TOPIC_MAX } from "./limits.ts";
import { HISTORIES, NOTICE_TYPES, ROLES, ROOM_KINDS } from "./membership.ts";
import { line, text } from "./text.ts";
import { messageId, timestamp } from "./values.ts";

/** How a client names a person: `<id>`, `@<username>` or `me`, and an operator also `mailto:<address>`. */
export const personName = v.pipe(
  text({ min: 1, max: PERSON_NAME_MAX }),
  v.description(
    "A person: their id, @ and their username, or `me`. For operators also mailto: and their email address.",
  ),
);
export const role = v.picklist(ROLES, `must be one of ${ROLES.join(", ")}`);
export const until = v.pipe(
  v.string("must be a string"),
  v.maxLength(40, "must be a time in ISO 8601"),
  v.isoTimestamp("must be a time in ISO 8601, such as 2030-01-31T12:00:00Z"),
);

const flag = v.boolean("must be true or false");
/** What people can change about a room. */
export const roomSettings = {
  title: v.optional(line({ max: TITLE_MAX })),
  topic: v.optional(line({ max: TOPIC_MAX })),
  history: v.optional(v.picklist(HISTORIES, `must be one of ${HISTORIES.join(", ")}`)),
  membersAdd: v.optional(v.pipe(flag, v.description("Whether every member may add people."))),
  receipts: v.optional(v.pipe(flag, v.description("Whether members see how far the others have read."))),
  archived: v.optional(v.pipe(flag, v.description("Whether nobody can post."))),
};

/** Someone in a notice, or in the list of a room's members. */
export const person = { id: v.string(), username: v.string(), name: v.optional(v.string()) };

/** A change of a room or of who may do what in it, as clients see it. */
export const notice = {
  id: messageId,
  version: messageId,
  timestamp,
  by: v.object(person),
  notice: v.object({
    type: v.picklist(NOTICE_TYPES),
    users: v.array(v.object(person)),
    heir: v.optional(v.object(person)),
    role: v.optional(v.picklist(ROLES)),
    until: v.optional(v.string()),
    kind: v.optional(v.picklist(ROOM_KINDS)),
    title: v.optional(v.string()),
    topic: v.optional(v.string()),
    history: v.optional(v.picklist(HISTORIES)),
    membersAdd: v.optional(v.boolean()),
    receipts: v.optional(v.boolean()),
    message: v.optional(v.pipe(messageId, v.description("The message that was pinned or unpinned."))),
  }),
};
