import { Refusal } from "../../errors.ts";
import { FRAME_OUT_MAX_BYTES } from "../../protocol/limits.ts";
import type { CommandHandler } from "../codecs/command.ts";
import { shown } from "../codecs/encode.ts";
import type { History } from "../room/history.ts";
import { fitting } from "../room/pages.ts";

/** Bytes that a reply needs around its messages, rounded up. */
const ENVELOPE = 1024;

/**
 * Sends a page of history. The page is cut where the frame would grow too large, at the end that is farther from the
 * requested id, so that a client can continue from what it got. `more`: there is more in that direction.
 */
export const history = ({ history: { page } }: { readonly history: History }): CommandHandler<"history"> => ({
  action: "read",
  async run({ peer, pass, command: { before, after, limit }, reply }) {
    if (before !== undefined && after !== undefined)
      throw new Refusal("invalid", { detail: "before and after exclude each other" });
    const pause = peer.writable();
    if (pause) await pause;
    // Access may have ended during the pause.
    const current = pause ? await peer.enter(pass.room, "read") : pass;
    const forward = after !== undefined;
    const { older, newer, ...found } = await page(current, { before, after, limit });
    const messages = found.messages.map(shown);
    if (!forward) messages.reverse();
    const fit = fitting(
      messages,
      (message) => Buffer.byteLength(JSON.stringify(message)) + 1,
      FRAME_OUT_MAX_BYTES - ENVELOPE,
    );
    const more = fit.length < messages.length || (forward ? newer : older);
    reply.ok({ messages: forward ? fit : fit.toReversed(), more });
  },
});
