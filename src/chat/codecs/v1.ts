import * as v from "valibot";
import { errorOf, Refusal, refusalOf } from "../../errors.ts";
import { CLOSE, type CloseReason } from "../../protocol/codes.ts";
import { type Command, type CommandType, COMMANDS, REF } from "../../protocol/frames.ts";
import { FRAME_IN_MAX_BYTES } from "../../protocol/limits.ts";
import { commands } from "../commands/commands.ts";
import type { Protocol, Session } from "../connection/peer.ts";
import { encode } from "./encode.ts";
import { HEARTBEAT_MS } from "../limits.ts";
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

  constructor(readonly session: Session) {}

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
    let object: Record<string, unknown> | undefined;
    let command: Command;
    try {
      object = objectOf(frame);
      command = commandOf(object);
    } catch (error) {
      const named = v.safeParse(REF, object);
      const ref = named.success ? named.output.ref : undefined;
      if (this.isOutstanding(ref)) return session.close("protocol");
      return this.refuse(refusalOf(error), ref);
    }
    if (this.isOutstanding(command.ref)) return session.close("protocol");
    const reply = this.expect(command.ref);
    session.inTurn(() => {
      try {
        const task = commands[command.type](session, command as never, reply);
        return task?.catch((error: unknown) => this.fault(error, reply));
      } catch (error) {
        this.fault(error, reply); // of a command that does not wait for anything
      }
    });
  }

  private isOutstanding(ref: number | undefined): boolean {
    return ref !== undefined && this.outstanding?.has(ref) === true;
  }

  private expect(ref: number | undefined): Reply {
    if (ref !== undefined) (this.outstanding ??= new Set()).add(ref);
    this.session.owe(1);
    return new CommandReply(this, ref);
  }

  /** Most sockets wait for nothing most of the time: they keep no Set. */
  answered(ref: number | undefined) {
    if (ref !== undefined) this.outstanding?.delete(ref);
    if (this.outstanding?.size === 0) this.outstanding = undefined;
    this.session.owe(-1);
  }

  refuse(refusal: Refusal, ref?: number) {
    this.session.send(encode({ type: "error", ...(ref !== undefined && { ref }), ...errorOf(refusal) }));
  }

  private fault(error: unknown, reply: Reply) {
    if (!(error instanceof Refusal)) this.session.shared.faulted(error);
    reply.refuse(refusalOf(error));
  }
}

/** A class, since there is one for each command. */
class CommandReply implements Reply {
  private settled = false;

  constructor(
    private readonly protocol: V1Protocol,
    private readonly ref: number | undefined,
  ) {}

  ok(fields?: Readonly<Record<string, unknown>>) {
    const { protocol, ref } = this;
    if (this.settle() && ref !== undefined) protocol.session.send(encode({ type: "ok", ref, ...fields }));
  }

  refuse(refusal: Refusal) {
    if (this.settle()) this.protocol.refuse(refusal, this.ref);
  }

  /** False: it was answered before. */
  private settle(): boolean {
    if (this.settled) return false;
    this.settled = true;
    this.protocol.answered(this.ref);
    return true;
  }
}

function commandOf(object: Record<string, unknown>): Command {
  const { type } = object;
  if (typeof type !== "string" || !Object.hasOwn(COMMANDS, type)) throw new Refusal("unknown_command");
  return parse(COMMANDS[type as CommandType], object) as Command;
}
