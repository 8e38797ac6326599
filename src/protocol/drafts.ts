import * as v from "valibot";
import { data } from "./data.ts";
import { attachments } from "./files.ts";
import { MESSAGE_MAX_CHARS } from "./limits.ts";
import { everyone, mentions, unreached } from "./mentions.ts";
import { text } from "./text.ts";
import { reply } from "./threads.ts";
import { messageId } from "./values.ts";

/**
 * A message's text: not blank, no NUL, no lone surrogates. A server may be configured with a lower maximum
 * length.
 */
export const content = text({ min: 1, max: MESSAGE_MAX_CHARS });

/** A text that may be missing from a message with files. */
const caption = v.pipe(
  text({ max: MESSAGE_MAX_CHARS }),
  v.description("Not blank, unless the message has files."),
);

/** What a client sets on a new message, over a socket and over HTTP. */
export const draft = {
  content: caption,
  data: v.optional(v.nullable(data), null),
  replyTo: v.optional(v.nullable(messageId), null),
  ...reply,
  files: v.optional(v.nullable(attachments), null),
  mentions: v.optional(v.nullable(mentions), null),
  everyone: v.optional(everyone),
};
/** What an edit sets. Without `data` or `mentions`, the message keeps what it has; null takes it away. */
export const revision = {
  content: caption,
  data: v.optional(v.nullable(data)),
  mentions: v.optional(v.nullable(mentions)),
  everyone: v.optional(everyone),
};

/** What the ack of a message or an edit says besides. */
export const acked = {
  unreached,
  content: v.pipe(
    v.optional(v.string()),
    v.description("The text that was committed, if the operator's message hook changed it. Repeats lack it."),
  ),
};
