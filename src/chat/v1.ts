import * as v from "valibot";
import { errorOf, Refusal, refusalOf } from "../errors.ts";
import { CLOSE } from "../protocol/codes.ts";
import { type Command, type CommandType, COMMANDS, REF } from "../protocol/frames.ts";
import { FRAME_IN_MAX_BYTES } from "../protocol/limits.ts";
import { commands } from "./commands/commands.ts";
import type { Protocol, Session } from "./session.ts";
import { encode } from "./encode.ts";
import { HEARTBEAT_MS } from "./limits.ts";
import { objectOf, parse } from "./parse.ts";

/** What a command answers with: exactly one of these, exactly once. */
export interface Reply {
  ok(fields?: Readonly<Record<string, unknown>>): void;
  refuse(refusal: Refusal): void;
}

/** chat.v1: commands with a `ref`, each answered once, and events. */
export function v1Protocol(session: Session): Protocol {
  const { send } = session;
  const outstanding = new Set<number>();

  const refuse = (refusal: Refusal, ref?: number) =>
    send(encode({ type: "error", ...(ref !== undefined && { ref }), ...errorOf(refusal) }));

  const expect = (ref: number | undefined): Reply => {
    let settled = false;
    if (ref !== undefined) outstanding.add(ref);
    session.owe(1);
    const settle = () => {
      if (settled) return false;
      settled = true;
      if (ref !== undefined) outstanding.delete(ref);
      session.owe(-1);
      return true;
    };
    return {
      ok(fields) {
        if (settle() && ref !== undefined) send(encode({ type: "ok", ref, ...fields }));
      },
      refuse(refusal) {
        if (settle()) refuse(refusal, ref);
      },
    };
  };

  return {
    greet() {
      const { identity, limits } = session;
      send(
        encode({
          type: "welcome",
          user: { id: identity.userId, username: identity.username },
          expiresAt: new Date(identity.expiresAt).toISOString(),
          heartbeatMs: HEARTBEAT_MS,
          limits: {
            frameBytes: FRAME_IN_MAX_BYTES,
            messageChars: limits.messageChars,
            rooms: limits.roomsPerSocket,
          },
        }),
      );
    },
    expiring: (at) => send(encode({ type: "expiring", at: new Date(at).toISOString() })),
    left: (room, reason) => send(encode({ type: "left", room, code: CLOSE[reason] })),
    closing: (reason, retryAfterMs) => send(encode({ type: "closing", reason, retryAfterMs })),
    receive(frame) {
      let ref: number | undefined;
      let reply: Reply | undefined;
      try {
        const object = objectOf(frame);
        const named = v.safeParse(REF, object);
        if (named.success) ref = named.output.ref;
        if (ref !== undefined && outstanding.has(ref)) return session.close("protocol");
        const command = commandOf(object);
        const answer = (reply = expect(command.ref));
        session.inTurn(() => {
          try {
            const task = commands[command.type](session, command as never, answer);
            return task?.catch((error: unknown) => fault(error, answer));
          } catch (error) {
            fault(error, answer); // of a command that does not wait for anything
          }
        });
      } catch (error) {
        if (reply) fault(error, reply);
        else refuse(refusalOf(error), ref);
      }
    },
  };

  function fault(error: unknown, reply: Reply) {
    if (!(error instanceof Refusal)) session.faulted(error);
    reply.refuse(refusalOf(error));
  }
}

function commandOf(object: Record<string, unknown>): Command {
  const { type } = object;
  if (typeof type !== "string" || !Object.hasOwn(COMMANDS, type)) throw new Refusal("unknown_command");
  return parse(COMMANDS[type as CommandType], object) as Command;
}
