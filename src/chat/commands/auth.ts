import type { Handler } from "./commands.ts";

/** Renews the token of an open socket. A bad token is answered; the one that the socket has goes on until it expires. */
export const auth: Handler<"auth"> = async (session, command, reply) => {
  const identity = await session.authenticate(command.token);
  session.renew(identity);
  reply.ok({ expiresAt: new Date(identity.expiresAt).toISOString() });
};
