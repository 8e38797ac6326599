import { Refusal } from "../../errors.ts";
import type { Session } from "../connection/peer.ts";
import { type Submission, submit } from "../access/submit.ts";
import type { Reply } from "../codecs/v1.ts";
import type { Handler } from "./commands.ts";
import { roomOf } from "./room.ts";

/** Changes the text of one's own message. */
export const edit: Handler<"edit"> = (session, command, reply) => {
  const { clientId, id, content } = command;
  return amend(session, { kind: "edit", room: roomOf(session, command), clientId, id, content }, reply);
};

/** Leaves a tombstone where one's own message was. */
export const remove: Handler<"delete"> = (session, command, reply) => {
  const { clientId, id } = command;
  return amend(session, { kind: "delete", room: roomOf(session, command), clientId, id }, reply);
};

/** Gives a reaction, or takes it back. */
export const react: Handler<"react"> = (session, command, reply) => {
  const { clientId, id, emoji, on } = command;
  return amend(session, { kind: "react", room: roomOf(session, command), clientId, id, emoji, on }, reply);
};

function amend(session: Session, change: Submission, reply: Reply): undefined {
  submit(session.shared, session.identity, change, (outcome) => {
    if (outcome instanceof Refusal) return reply.refuse(outcome);
    const { id, version, duplicate } = outcome;
    reply.ok({ id, version, ...(duplicate && { duplicate }) });
  });
}
