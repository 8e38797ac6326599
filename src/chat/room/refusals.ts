import type { Message } from "../../message.ts";
import { MENTIONS_BYTES } from "../../protocol/mentions.ts";
import type { Outcome, Refused } from "../change.ts";

/** A post replies to what is not there, perhaps because its room is not. A reply creates no room. */
export const UNANSWERABLE: Outcome = {
  refused: "invalid",
  errors: { replyTo: ["must be the id of a message in this room"] },
};

/** A post replies in the thread of what is not there. */
export const UNTHREADABLE: Outcome = {
  refused: "invalid",
  errors: { thread: ["must be the id of a message in this room"] },
};

/** Only a message with files needs no text. */
export const BLANK: Outcome = { refused: "invalid", errors: { content: ["must not be blank"] } };

/** The most bytes of a message's text and files as JSON: as many as the longest text without files. */
const BYTES_MAX = 60_002;

/** The text is too long beside all these files or mentions: the message would not fit in a frame. */
export const OVERSIZE: Outcome = {
  refused: "invalid",
  errors: { content: ["is too long beside its files and mentions"] },
};

/** A file is still being scanned, which usually takes moments. */
export const HELD: Refused = { refused: "file_held", retryAfterMs: 5_000 };

/**
 * Whether a message fits in a frame. Without files and mentions, the limits of its other fields ensure it. Mentions count as
 * the most that they can take, because people's names change.
 */
export function fitsFrame({ content, files, mentions }: Shown): boolean {
  if (files === null && mentions === null) return true;
  const others =
    (files === null ? 0 : Buffer.byteLength(files) + FIELD.length) + (mentions === null ? 0 : MENTIONS_BYTES);
  return Buffer.byteLength(JSON.stringify(content)) + others <= BYTES_MAX;
}

type Shown = Pick<Message, "content" | "files"> & { readonly mentions: object | null };

const FIELD = ',"files":';
