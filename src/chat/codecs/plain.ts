import * as v from "valibot";
import { afford } from "../../budgets.ts";
import { errorOf, Refusal, refusalOf } from "../../errors.ts";
import type { Message } from "../../message.ts";
import { CLIENT_ID, PLAIN_MESSAGE } from "../../protocol/frames.ts";
import type { Submit } from "../access/submit.ts";
import type { Codec, Protocol } from "../connection/codec.ts";
import type { Peer } from "../connection/peer.ts";
import type { Pass } from "../pass.ts";
import type { Fit, History } from "../room/history.ts";
import { objectOf, parse } from "./parse.ts";

interface PlainOptions {
  readonly submit: Submit;
  readonly history: History;
  /** Reports an unexpected error. */
  faulted(error: unknown): void;
}

/**
 * The plain protocol of a room's URL: `{"message": …}` in; the room's messages out, the sender's own included. Messages
 * are delivered once, as they were posted, by id.
 */
export const createPlain = (options: PlainOptions): Codec => ({
  format: "plain",
  canRestart: false,
  topicOf: (room) => `plain:${room}`,
  // A message that changed before anyone here saw it is later in the range than its id says.
  live: (room, states, known) =>
    states
      .filter(({ id, deletedAt }) => id > known && deletedAt === null)
      .sort((a, b) => a.id - b.id)
      .map((message) => encodePlain(room, message)),
  event: () => undefined,
  missed: (timeline, position) => timeline.postsSince(position),
  replay({ frames }, message, { room, released }) {
    if (message.id > released || message.deletedAt !== null) return undefined;
    return frames.getOrInsertComputed(message.id, () => encodePlain(room, message));
  },
  start: (peer) => new PlainProtocol(peer, options),
});

/** A page of one message holds it whatever its size. */
const ANY_SIZE: Fit = { bytes: 1, sizeOf: () => 1 };

function encodePlain(room: string, message: Message, duplicate = false): string {
  const { id, username, content, timestamp, clientId } = message;
  const event = { id, room, username, message: content, timestamp, clientId };
  return JSON.stringify(duplicate ? { ...event, duplicate } : event);
}

/** A class, because there is one for each socket: see connection.ts. */
class PlainProtocol implements Protocol {
  constructor(
    private readonly peer: Peer,
    private readonly options: PlainOptions,
  ) {}

  greet() {}
  joined() {}
  refused() {}
  lagging() {}
  synced() {}
  presence() {}
  marked() {}

  active() {}

  listed() {}
  left() {}
  expiring() {}
  closing() {}

  receive(frame: string | Uint8Array) {
    const { peer } = this;
    let object: Record<string, unknown> | undefined;
    try {
      object = objectOf(frame);
      const message = parse(PLAIN_MESSAGE, object);
      afford(peer.spend("messages", 1));
      peer.intake.giveBack();
      peer.owe(1);
      peer.inTurn(() => this.post(message));
    } catch (error) {
      const refusal = refusalOf(error);
      if (refusal.code !== "rate_limited") peer.intake.malformed();
      const named = v.safeParse(CLIENT_ID, object);
      this.refuse(refusal, named.success ? named.output.clientId : undefined);
    }
  }

  private post(message: v.InferOutput<typeof PLAIN_MESSAGE>): Promise<void> | void {
    const refuse = (error: unknown) => {
      if (!(error instanceof Refusal)) this.options.faulted(error);
      this.peer.owe(-1);
      this.refuse(refusalOf(error), message.clientId);
    };
    try {
      const pass = this.peer.enter(this.peer.room ?? "", "post");
      if (pass instanceof Promise) return pass.then((granted) => this.submit(granted, message)).catch(refuse);
      this.submit(pass, message);
    } catch (error) {
      refuse(error);
    }
  }

  private submit(pass: Pass<"post">, { message: content, clientId }: v.InferOutput<typeof PLAIN_MESSAGE>) {
    const { peer } = this;
    const draft = {
      kind: "post",
      clientId: clientId ?? crypto.randomUUID(),
      content,
      data: null,
      replyTo: null,
    } as const;
    this.options.submit(pass, draft, (outcome) => {
      peer.owe(-1);
      if (outcome instanceof Refusal) return this.refuse(outcome, clientId);
      // A new message reaches its sender with the room's messages; a repeat came to the room before.
      if (outcome.duplicate && clientId !== undefined)
        void peer.inTurn(() => this.echo(pass.room, outcome.id, clientId));
    });
  }

  private async echo(room: string, id: number, clientId: string): Promise<void> {
    const { peer } = this;
    const pause = peer.writable();
    if (pause) await pause;
    try {
      const query = { after: id - 1, limit: 1 };
      const { messages } = await this.options.history.page(await peer.enter(room, "read"), query, ANY_SIZE);
      const [message] = messages;
      // If the database was restored since, another message has this id, or none.
      if (message?.clientId === clientId) peer.send(encodePlain(room, message, true));
      else this.refuse(new Refusal("unavailable"), clientId);
    } catch (error) {
      if (!(error instanceof Refusal)) this.options.faulted(error);
      this.refuse(new Refusal("unavailable"), clientId);
    }
  }

  private refuse(refusal: Refusal, clientId?: string) {
    this.peer.send(
      JSON.stringify({ error: { ...errorOf(refusal), ...(clientId !== undefined && { clientId }) } }),
    );
  }
}
