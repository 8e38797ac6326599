import { Refusal } from "../../errors.ts";
import type { Handler } from "./commands.ts";

/** Renews the token of an open socket. A bad token is answered; the one that the socket has goes on until it expires. */
export const auth: Handler<"auth"> = async (session, command, reply) => {
  const identity = await session.shared.authenticate(command.token);
  // Clocks differ, so a token is let in some seconds late; but it would end the socket at once.
  if (identity.expiresAt <= session.shared.clock.now()) throw new Refusal("token_expired");
  session.renew(identity);
  reply.ok({ expiresAt: new Date(identity.expiresAt).toISOString() });
};
