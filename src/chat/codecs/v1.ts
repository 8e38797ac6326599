import * as v from "valibot";
import { type Budgets, limitsOf } from "../../budgets.ts";
import { errorOf, Refusal, refusalOf } from "../../errors.ts";
import type { Message } from "../../message.ts";
import type { Named } from "../../person.ts";
import { CLOSE, type CloseReason } from "../../protocol/codes.ts";
import { type Command, type CommandType, COMMANDS, REF } from "../../protocol/frames.ts";
import { FRAME_IN_MAX_BYTES } from "../../protocol/limits.ts";
import type { Codec, ListChange, Protocol, Standpoint, Surroundings } from "../connection/codec.ts";
import type { Peer } from "../connection/peer.ts";
import { HEARTBEAT_MS } from "../limits.ts";
import type { Pass } from "../pass.ts";
import type { ThreadSeat } from "../threadports.ts";
import type { Timeline } from "../room/timeline.ts";
import { type CommandTable, pay, type Reply, runCommand } from "./command.ts";
import { encode, encodeMessage, shownNotice } from "./encode.ts";
import { objectOf, parse } from "./parse.ts";
import { presenceFrame, profilesOf, usernameOf } from "./people.ts";

interface V1Options {
  readonly commands: CommandTable;
  readonly messageChars: number;
  readonly roomsPerSocket: number;
  readonly fileBytes?: number | undefined;
  /** What `welcome` says about rates. */
  readonly budgets: Budgets["limits"];
  /** Reports an unexpected error. */
  faulted(error: unknown): void;
}

/** chat.v1: commands with a `ref`, each with one reply, and events. Messages are delivered in every state, by version. */
export const createV1 = (options: V1Options): Codec => ({
  format: "v1",
  canRestart: true,
  byId: false,
  live: (room, states, known) =>
    states.flatMap((message, index) => {
      const { id, version } = message;
      const prev = states[index - 1]?.version ?? known;
      const noted = shownNotice(message);
      if (!noted) {
        const envelope = { type: "message", room, change: changeOf(message, known), prev } as const;
        return { id, version, text: encodeMessage(envelope, message) };
      }
      // A client that does not know notices keeps its place by the second frame.
      return [
        { id, version, text: encode({ type: "notice", room, prev, ...noted }) },
        { id, version, text: encode({ type: "synced", room, version }) },
      ];
    }),
  event: encode,
  missed: (timeline, position) => timeline.changesSince(position),
  replay({ frames }, message, { room, since, released }) {
    if (message.version > released) return undefined;
    return frames.getOrInsertComputed(`${message.id > since} ${message.id}`, () => {
      const noted = shownNotice(message);
      if (noted) return encode({ type: "notice", room, replay: true, ...noted });
      return encodeMessage(
        { type: "message", room, change: changeOf(message, since), replay: true },
        message,
      );
    });
  },
  start: (peer) => new V1Protocol(peer, options),
});

/** `created` if the reader, who has everything up to `known`, has never seen the message. */
const changeOf = (message: Message, known: Standpoint["since"]) => {
  if (message.deletedAt !== null) return "deleted";
  return message.id > known ? "created" : "updated";
};

/** A class, because there is one for each socket: see connection.ts. */
class V1Protocol implements Protocol {
  private outstanding: Set<number> | undefined;

  constructor(
    readonly peer: Peer,
    private readonly options: V1Options,
  ) {}

  greet() {
    const { identity } = this.peer;
    this.peer.send(
      encode({
        type: "welcome",
        user: {
          id: identity.user.id,
          username: identity.username,
          name: identity.user.name,
          picture: identity.picture ?? undefined,
        },
        expiresAt: new Date(identity.expiresAt).toISOString(),
        heartbeatMs: HEARTBEAT_MS,
        limits: {
          frameBytes: FRAME_IN_MAX_BYTES,
          messageChars: this.options.messageChars,
          rooms: this.options.roomsPerSocket,
          fileBytes: this.options.fileBytes,
          budgets: limitsOf(identity, this.options.budgets),
        },
      }),
    );
  }

  joined(
    { room, epoch, released }: Timeline,
    { membership }: Pass,
    resumed: boolean,
    surroundings?: Surroundings,
  ) {
    const { people, ...rest } = surroundings ?? {};
    const { kind, role, title, topic, archived, history, membersAdd, receipts, mutedUntil, from } =
      membership;
    this.peer.send(
      encode({
        type: "joined",
        room,
        epoch,
        version: released,
        resumed,
        kind,
        role,
        ...(title !== "" && { title }),
        ...(topic !== "" && { topic }),
        ...(archived && { archived }),
        ...(history !== "all" && { history }),
        ...(membersAdd && { membersAdd }),
        ...(receipts && { receipts }),
        ...(mutedUntil !== null && { mutedUntil: timeOf(mutedUntil) }),
        ...(from > 1 && { from }),
        ...rest,
        ...(people && { people: people.map(usernameOf), profiles: profilesOf(people) }),
      }),
    );
  }

  refused(refusal: Refusal) {
    this.refuse(refusal);
  }

  lagging(room: string, version: number) {
    this.peer.send(encode({ type: "lagging", room, version }));
  }

  notice(room: string, message: Message) {
    const noted = shownNotice(message);
    if (noted) this.peer.send(encode({ type: "notice", room, replay: true, ...noted }));
  }

  synced(room: string, version: number) {
    this.peer.send(encode({ type: "synced", room, version }));
  }

  presence(room: string, online: number, people: readonly Named[]) {
    const joined = people.length === online ? people : undefined;
    this.peer.send(encode(presenceFrame(room, { online, joined })));
  }

  marked(room: string, id: number, back: boolean) {
    this.peer.send(encode({ type: "read", room, id, ...(back && { back }) }));
  }

  followed(room: string, id: number, { following, lastRead }: ThreadSeat) {
    this.peer.send(encode({ type: "thread", room, id, following, lastRead }));
  }

  active(room: string, id: number, mentions?: number) {
    this.peer.send(encode({ type: "activity", room, id, ...(mentions !== undefined && { mentions }) }));
  }

  listed(room: string, change: ListChange) {
    this.peer.send(encode({ type: "rooms", room, change }));
  }

  expiring(at: number) {
    this.peer.send(encode({ type: "expiring", at: new Date(at).toISOString() }));
  }

  left(room: string, reason: CloseReason) {
    this.peer.send(encode({ type: "left", room, code: CLOSE[reason] }));
  }

  closing(reason: CloseReason, retryAfterMs: number) {
    this.peer.send(encode({ type: "closing", reason, retryAfterMs }));
  }

  receive(frame: string | Uint8Array) {
    const { peer } = this;
    let object: Record<string, unknown> | undefined;
    let command: Command;
    try {
      object = objectOf(frame);
      command = commandOf(object);
    } catch (error) {
      const named = v.safeParse(REF, object);
      const ref = named.success ? named.output.ref : undefined;
      if (this.isOutstanding(ref)) return peer.close("protocol");
      peer.intake.malformed();
      return this.refuse(refusalOf(error), ref);
    }
    if (this.isOutstanding(command.ref)) return peer.close("protocol");
    const handler = this.options.commands[command.type];
    const wait = pay(handler as never, { peer, command } as never);
    if (wait > 0) return this.limit(wait, command.ref);
    if (handler.cost?.budget === "messages") peer.intake.giveBack();
    const reply = this.expect(command.ref);
    peer.inTurn(() => {
      try {
        return runCommand(handler as never, { peer, command, reply } as never)?.catch((error: unknown) =>
          this.fault(error, reply),
        );
      } catch (error) {
        this.fault(error, reply); // from a command that does not wait for anything
      }
    });
  }

  private isOutstanding(ref: number | undefined): boolean {
    return ref !== undefined && this.outstanding?.has(ref) === true;
  }

  private expect(ref: number | undefined): Reply {
    if (ref !== undefined) (this.outstanding ??= new Set()).add(ref);
    this.peer.owe(1);
    return new CommandReply(this, ref);
  }

  /** Most sockets wait for no reply most of the time, so they keep no Set. */
  replied(ref: number | undefined) {
    if (ref !== undefined) this.outstanding?.delete(ref);
    if (this.outstanding?.size === 0) this.outstanding = undefined;
    this.peer.owe(-1);
  }

  refuse(refusal: Refusal, ref?: number) {
    this.peer.send(encode({ type: "error", ...(ref !== undefined && { ref }), ...errorOf(refusal) }));
  }

  /** A command without a `ref`, such as `typing`, is dropped without notice. */
  private limit(retryAfterMs: number, ref: number | undefined) {
    if (ref !== undefined) this.refuse(new Refusal("rate_limited", { retryAfterMs }), ref);
  }

  private fault(error: unknown, reply: Reply) {
    if (!(error instanceof Refusal)) this.options.faulted(error);
    reply.refuse(refusalOf(error));
  }
}

/** When a mute ends; null: when someone ends it. */
const timeOf = (ms: number) => (ms === Infinity ? null : new Date(ms).toISOString());

/** A class, because there is one for each command. */
class CommandReply implements Reply {
  private settled = false;

  constructor(
    private readonly protocol: V1Protocol,
    private readonly ref: number | undefined,
  ) {}

  ok(fields?: Readonly<Record<string, unknown>>) {
    const { protocol, ref } = this;
    if (this.settle() && ref !== undefined) protocol.peer.send(encode({ type: "ok", ref, ...fields }));
  }

  refuse(refusal: Refusal) {
    if (this.settle()) this.protocol.refuse(refusal, this.ref);
  }

  /** Returns false if the command already has its reply. */
  private settle(): boolean {
    if (this.settled) return false;
    this.settled = true;
    this.protocol.replied(this.ref);
    return true;
  }
}

function commandOf(object: Record<string, unknown>): Command {
  const { type } = object;
  if (typeof type !== "string" || !Object.hasOwn(COMMANDS, type)) throw new Refusal("unknown_command");
  return parse(COMMANDS[type as CommandType], object) as Command;
}
