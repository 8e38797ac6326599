import { Refusal } from "../../errors.ts";
import type { CommandHandler } from "../codecs/command.ts";
import type { CommandParts } from "./parts.ts";

/** Renews the token of an open socket. A bad token is refused, and the old one stays valid until it expires. */
export const auth = ({
  authenticate,
  clock,
}: Pick<CommandParts, "authenticate" | "clock">): CommandHandler<"auth"> => ({
  cost: { budget: "tokens" },
  async run({ peer, command, reply }) {
    const identity = await authenticate(command.token);
    // Verification tolerates clocks that differ by some seconds, but an expired token would end the socket at once.
    if (identity.expiresAt <= clock.now()) throw new Refusal("token_expired");
    peer.renew(identity);
    reply.ok({ expiresAt: new Date(identity.expiresAt).toISOString() });
  },
});
