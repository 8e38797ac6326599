import * as v from "valibot";
import { REPLIERS_MAX, REPLIES_MAX } from "./limits.ts";
import { messageId, timestamp, whole } from "./values.ts";

// What frames and HTTP say about threads.

const flag = v.boolean("must be true or false");

/** On a new message. */
export const reply = {
  thread: v.optional(
    v.nullable(
      v.pipe(messageId, v.description("Any message of a thread. The reply belongs to its first one.")),
    ),
    null,
  ),
  alsoRoom: v.optional(
    v.pipe(flag, v.description("With `thread`: the reply is part of the room's main conversation too.")),
    false,
  ),
};

/** The replies in a thread, without deleted ones. */
export const replies = v.object({
  count: v.pipe(whole, v.description(`Up to ${REPLIES_MAX}.`)),
  more: v.pipe(v.optional(v.literal(true)), v.description("There are more than that.")),
  last: v.object({ id: messageId, timestamp }),
  people: v.pipe(
    v.array(
      v.object({
        id: v.string(),
        username: v.string(),
        name: v.optional(v.string()),
        picture: v.optional(v.string()),
      }),
    ),
    v.description(`The people who replied last, the latest first, at most ${REPLIERS_MAX}.`),
  ),
});

/** On a message as clients see it. */
export const ofThread = {
  thread: v.pipe(v.optional(messageId), v.description("The first message of the thread that it replies in.")),
  alsoRoom: v.pipe(
    v.optional(v.literal(true)),
    v.description("A reply in a thread that is part of the main conversation too."),
  ),
  replies: v.pipe(
    v.optional(replies),
    v.description("On pages of history: the replies in its thread, if there are any."),
  ),
};

const root = v.pipe(messageId, v.description("The first message of the thread."));

/** Narrows pages of history. */
export const narrowed = {
  main: v.optional(
    v.pipe(flag, v.description("Only the main conversation: no replies that are in threads alone.")),
  ),
  thread: v.optional(v.pipe(messageId, v.description("Only the replies in the thread of this message."))),
};

/** On a page that was narrowed to the main conversation. */
export const continued = {
  next: v.pipe(
    v.optional(whole),
    v.description("With `main`, if there is more: the id to continue from, even if the page is empty."),
  ),
};

/** What a client wants to keep about a thread. */
export const follow = {
  thread: root,
  on: v.optional(v.pipe(flag, v.description("Whether to follow it."))),
  id: v.optional(v.pipe(messageId, v.description("Everything in it up to this reply is read."))),
};

/** What someone keeps about a thread. */
export const followed = { following: v.boolean(), lastRead: whole };

/** What happened to a thread: its replies, or what the person keeps about it. */
export const thread = {
  id: root,
  version: v.pipe(
    v.optional(messageId),
    v.description("Beside `replies`: the room's version when they were read."),
  ),
  replies: v.optional(v.nullable(replies)),
  following: v.optional(v.boolean()),
  lastRead: v.optional(whole),
};
