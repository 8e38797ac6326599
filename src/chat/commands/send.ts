import { Refusal } from "../../errors.ts";
import { submit } from "../access/submit.ts";
import type { Handler } from "./commands.ts";
import { roomOf } from "./room.ts";

/** Posts a message. Those behind it on the same socket do not wait for its commit: they may share it. */
export const send: Handler<"send"> = (session, command, reply) => {
  const { clientId, content, replyTo } = command;
  submit(
    session.shared,
    session.identity,
    { kind: "post", room: roomOf(session, command), clientId, content, replyTo },
    (outcome) => {
      if (outcome instanceof Refusal) return reply.refuse(outcome);
      const { id, version, timestamp, duplicate } = outcome;
      reply.ok(duplicate ? { id, version, timestamp, duplicate } : { id, version, timestamp });
    },
  );
  return undefined;
};
