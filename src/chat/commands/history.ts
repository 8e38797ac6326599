import { Refusal } from "../../errors.ts";
import { FRAME_OUT_MAX_BYTES } from "../../protocol/limits.ts";
import { shown } from "../codecs/encode.ts";
import type { Handler } from "./commands.ts";
import { roomOf } from "./room.ts";

/** Bytes that a reply needs around its messages, and more. */
const ENVELOPE = 1024;

/**
 * A page of history. It ends early where the frame would grow too large: at the end that is farther from the id that
 * was asked for, so that a client pages on from what it got. `more`: there is more in that direction.
 */
export const history: Handler<"history"> = async (session, command, reply) => {
  const room = roomOf(session, command);
  const { before, after, limit } = command;
  if (before !== undefined && after !== undefined)
    throw new Refusal("invalid", { detail: "before and after exclude each other" });
  if (!session.shared.access.may(session.identity, room, "read")) throw new Refusal("forbidden");
  await session.writable();
  const forward = after !== undefined;
  const page = await session.shared.history.page(room, { before, after, limit });
  const messages = page.messages.map(shown);
  if (!forward) messages.reverse();
  let bytes = ENVELOPE;
  // The first always comes along: else nobody could page past a message that many have reacted to.
  const tooMany = messages.findIndex((message, index) => {
    bytes += Buffer.byteLength(JSON.stringify(message)) + 1;
    return index > 0 && bytes > FRAME_OUT_MAX_BYTES;
  });
  const fitting = tooMany === -1 ? messages : messages.slice(0, tooMany);
  if (!forward) fitting.reverse();
  reply.ok({ messages: fitting, more: tooMany !== -1 || (forward ? page.newer : page.older) });
};
