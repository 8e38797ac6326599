import { Refusal } from "../../errors.ts";
import { FRAME_OUT_MAX_BYTES } from "../../protocol/limits.ts";
import type { CommandHandler } from "../codecs/command.ts";
import { shownAny } from "../codecs/encode.ts";
import { type Fit, type History, pagesOf } from "../room/history.ts";

/** Bytes that a reply needs around its messages, rounded up. */
const ENVELOPE = 1024;
const FIT: Fit = {
  bytes: FRAME_OUT_MAX_BYTES - ENVELOPE,
  sizeOf: (message) => Buffer.byteLength(JSON.stringify(shownAny(message))) + 1,
};

/**
 * Sends a page of history, as much as fits into a frame. A client continues from what it got. `more`: there is more in that
 * direction.
 */
export const history = ({
  history: { page },
}: {
  readonly history: Pick<History, "page">;
}): CommandHandler<"history"> => ({
  action: "read",
  cost: { budget: "history", units: ({ limit }) => pagesOf(limit) },
  async run({ peer, pass, command: { before, after, limit, notices, main, thread }, reply }) {
    if (before !== undefined && after !== undefined)
      throw new Refusal("invalid", { detail: "before and after exclude each other" });
    const pause = peer.writable();
    if (pause) await pause;
    // Access may have ended during the pause.
    const current = pause ? await peer.enter(pass.room, "read") : pass;
    const forward = after !== undefined;
    if (thread !== undefined && thread < current.membership.from) throw new Refusal("not_found");
    const found = await page(current, { before, after, limit, notices, main, thread }, FIT);
    const more = forward ? found.newer : found.older;
    reply.ok({
      messages: found.messages.map(shownAny),
      more,
      ...(main && more && { next: forward ? found.after : found.before }),
    });
  },
});
