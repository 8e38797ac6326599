import * as v from "valibot";
import type { Question, SentFile, Verdict } from "../chat/chat.ts";
import { SYSTEM_ID } from "../identity.ts";
import { parseObject } from "../json.ts";
import type { OutboundResponse } from "../outbound/outbound.ts";
import { everyone, mentions } from "../protocol/mentions.ts";
import { text } from "../protocol/text.ts";

// What the operator's endpoint is sent about a message before its commit, and how its response is read.

/** The longest reason that a sender is shown, in code points. */
export const REASON_MAX = 300;

/** The endpoint gave no answer. The message says why, and quotes nothing of the response. */
export class NoAnswer extends Error {
  override readonly name = "NoAnswer";
}

/** Returns the body of a question. `files`: those that the message names. */
export function questionBody(
  { person, room, saying }: Question,
  files: readonly SentFile[],
  timestamp: string,
): string {
  const { clientId, content, data, mentions: named, everyone: all } = saying;
  const isPost = saying.kind === "post";
  const { key, userId, username, user } = person;
  const fields = {
    room,
    change: isPost ? "post" : "edit",
    ...(!isPost && { id: saying.id }),
    clientId,
    ...(userId !== SYSTEM_ID && { username, user }),
    ...(key && { key: key.name }),
    content,
    ...(isPost && saying.replyTo !== null && { replyTo: saying.replyTo }),
    ...(isPost && saying.thread && { thread: saying.thread.root }),
    ...(named && named.length > 0 && { mentions: named }),
    ...(all !== undefined && { everyone: all }),
    ...(files.length > 0 && { files: files.map(({ id: _, ...file }) => file) }),
  };
  // `data` is the JSON that the sender wrote.
  const end = data ? `,"data":${data}}` : "}";
  return `{"type":"check","timestamp":${JSON.stringify(timestamp)},"data":${JSON.stringify(fields).slice(0, -1)}${end}}`;
}

const answerOf = (messageChars: number, min: number) =>
  v.variant("action", [
    v.object({ action: v.literal("allow") }),
    v.object({ action: v.literal("refuse"), reason: v.optional(v.pipe(v.string(), v.transform(reasonOf))) }),
    v.object({
      action: v.literal("change"),
      content: text({ min, max: messageChars }),
      mentions: v.optional(mentions),
      everyone: v.optional(everyone),
    }),
  ]);

const UNRULY = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]+/gu;

/** Returns a reason as one line of bounded length; undefined if nothing is left. */
function reasonOf(given: string): string | undefined {
  const line = given
    .slice(0, 4 * REASON_MAX)
    .toWellFormed()
    .replace(UNRULY, " ")
    .trim();
  return [...line].slice(0, REASON_MAX).join("") || undefined;
}

/** Returns a function that reads responses to questions. `messageChars`: the longest text. */
export function createAnswers(messageChars: number) {
  const [ofText, ofFiles] = [answerOf(messageChars, 1), answerOf(messageChars, 0)];
  /** @throws {NoAnswer} */
  return ({ status, body, isCut }: OutboundResponse, { saying }: Question): Verdict => {
    if (status !== 200 && status !== 204) throw new NoAnswer(`The status was ${status}.`);
    if (isCut) throw new NoAnswer("The response was too large.");
    const written = body.toString("utf8");
    if (written.trim() === "") return { action: "allow" };
    const isText = saying.kind === "post" && !saying.files;
    const parsed = v.safeParse(isText ? ofText : ofFiles, objectIn(written));
    if (!parsed.success) throw new NoAnswer("The response was not one of the answers.");
    return parsed.output;
  };
}

function objectIn(written: string): unknown {
  try {
    return parseObject(written, "The response");
  } catch {
    return undefined;
  }
}
