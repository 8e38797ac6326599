import * as v from "valibot";
import { errorOf, Refusal, refusalOf } from "../errors.ts";
import { CLOSE, type CloseReason } from "../protocol/codes.ts";
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
export const v1Protocol = (session: Session): Protocol => new V1Protocol(session);

/** A class, since there is one for each socket: see connection.ts. */
class V1Protocol implements Protocol {
  private outstanding: Set<number> | undefined;

  constructor(private readonly session: Session) {}

  greet() {
    const { identity, shared } = this.session;
    this.session.send(
      encode({
        type: "welcome",
        user: { id: identity.userId, username: identity.username },
        expiresAt: new Date(identity.expiresAt).toISOString(),
        heartbeatMs: HEARTBEAT_MS,
        limits: {
          frameBytes: FRAME_IN_MAX_BYTES,
          messageChars: shared.limits.messageChars,
          rooms: shared.limits.roomsPerSocket,
        },
      }),
    );
  }

  expiring(at: number) {
    this.session.send(encode({ type: "expiring", at: new Date(at).toISOString() }));
  }

  left(room: string, reason: CloseReason) {
    this.session.send(encode({ type: "left", room, code: CLOSE[reason] }));
  }

  closing(reason: CloseReason, retryAfterMs: number) {
    this.session.send(encode({ type: "closing", reason, retryAfterMs }));
  }

  receive(frame: string | Uint8Array) {
    const { session } = this;
    let ref: number | undefined;
    let reply: Reply | undefined;
    try {
      const object = objectOf(frame);
      const named = v.safeParse(REF, object);
      if (named.success) ref = named.output.ref;
      if (ref !== undefined && this.outstanding?.has(ref)) return session.close("protocol");
      const command = commandOf(object);
      const answer = (reply = this.expect(command.ref));
      session.inTurn(() => {
        try {
          const task = commands[command.type](session, command as never, answer);
          return task?.catch((error: unknown) => this.fault(error, answer));
        } catch (error) {
          this.fault(error, answer); // of a command that does not wait for anything
        }
      });
    } catch (error) {
      if (reply) this.fault(error, reply);
      else this.refuse(refusalOf(error), ref);
    }
  }

  private expect(ref: number | undefined): Reply {
    const { session } = this;
    let settled = false;
    if (ref !== undefined) (this.outstanding ??= new Set()).add(ref);
    session.owe(1);
    const settle = () => {
      if (settled) return false;
      settled = true;
      if (ref !== undefined) this.answered(ref);
      session.owe(-1);
      return true;
    };
    return {
      ok(fields) {
        if (settle() && ref !== undefined) session.send(encode({ type: "ok", ref, ...fields }));
      },
      refuse: (refusal) => {
        if (settle()) this.refuse(refusal, ref);
      },
    };
  }

  /** Most sockets wait for nothing most of the time: they keep no Set. */
  private answered(ref: number) {
    this.outstanding?.delete(ref);
    if (this.outstanding?.size === 0) this.outstanding = undefined;
  }

  private refuse(refusal: Refusal, ref?: number) {
    this.session.send(encode({ type: "error", ...(ref !== undefined && { ref }), ...errorOf(refusal) }));
  }

  private fault(error: unknown, reply: Reply) {
    if (!(error instanceof Refusal)) this.session.shared.faulted(error);
    reply.refuse(refusalOf(error));
  }
}

function commandOf(object: Record<string, unknown>): Command {
  const { type } = object;
  if (typeof type !== "string" || !Object.hasOwn(COMMANDS, type)) throw new Refusal("unknown_command");
  return parse(COMMANDS[type as CommandType], object) as Command;
}
