import * as v from "valibot";
import { afford } from "../../budgets.ts";
import { errorOf, Refusal, refusalOf } from "../../errors.ts";
import type { Message } from "../../message.ts";
import { CLIENT_ID, PLAIN_MESSAGE } from "../../protocol/frames.ts";
import { AccessDenied } from "../access/access.ts";
import type { Submit } from "../access/submit.ts";
import type { Ack } from "../change.ts";
import type { Codec, Protocol } from "../connection/codec.ts";
import type { Peer } from "../connection/peer.ts";
import type { Fit, History } from "../room/history.ts";
import { objectOf, parse } from "./parse.ts";

interface PlainOptions {
  readonly submit: Submit;
  readonly history: Pick<History, "page">;
  /** The address of the page. Defaults to this server's. */
  readonly page?: string | undefined;
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
  byId: true,
  // A message that changed before anyone here saw it is later in the range than its id says.
  live: (room, states, known) =>
    states
      .filter((message) => message.id > known && isShown(message))
      .sort((a, b) => a.id - b.id)
      .map((message) => ({
        text: encodePlain(room, message, options),
        id: message.id,
        version: message.version,
      })),
  event: () => undefined,
  missed: (timeline, position) => timeline.postsSince(position),
  replay({ frames }, message, { room, released }) {
    if (message.id > released || !isShown(message)) return undefined;
    return frames.getOrInsertComputed(message.id, () => encodePlain(room, message, options));
  },
  start: (peer) => new PlainProtocol(peer, options),
});

/** Plain clients get messages with a text: neither tombstones nor notices. */
const isShown = ({ deletedAt, notice }: Message) => deletedAt === null && notice === null;

/** A page of one message holds it whatever its size. */
const ANY_SIZE: Fit = { bytes: 1, sizeOf: () => 1 };

type Shown = Pick<Message, "id" | "username" | "content" | "files" | "timestamp" | "clientId">;

function encodePlain(
  room: string,
  message: Shown,
  { page }: Pick<PlainOptions, "page">,
  duplicate = false,
): string {
  const { id, username, timestamp, clientId } = message;
  const event = { id, room, username, message: textOf(room, message, page), timestamp, clientId };
  return JSON.stringify(duplicate ? { ...event, duplicate } : event);
}

/** The text of a message, and below it the names of its files with the place on the page where they can be seen. */
function textOf(room: string, { id, content, files }: Shown, page = "/"): string {
  if (files === null) return content;
  const link = `${page}#/room/${encodeURIComponent(room)}/${id}`;
  const names = (JSON.parse(files) as { name: string }[]).map(({ name }) => name);
  return `${content === "" ? "" : `${content}\n`}${names.join(", ")}: ${link}`;
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
  notice() {}
  presence() {}
  marked() {}
  followed() {}

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
      return this.submit(message)?.catch(refuse);
    } catch (error) {
      refuse(error);
    }
  }

  private submit({ message: content, clientId }: v.InferOutput<typeof PLAIN_MESSAGE>): Promise<void> | void {
    const { peer } = this;
    const room = peer.room ?? "";
    const draft = {
      kind: "post",
      clientId: clientId ?? crypto.randomUUID(),
      content,
      data: null,
      replyTo: null,
    } as const;
    return this.options.submit(peer, room, draft, (outcome) => {
      peer.owe(-1);
      if (outcome instanceof Refusal) return this.refuse(outcome, clientId);
      // A new message reaches its sender with the room's messages; a repeat came to the room before.
      if (outcome.duplicate && clientId !== undefined)
        void peer.inTurn(() => this.echo(room, outcome, { clientId, content }));
    });
  }

  private async echo(
    room: string,
    { id, timestamp }: Ack,
    { clientId, content }: { clientId: string; content: string },
  ): Promise<void> {
    const { peer } = this;
    const pause = peer.writable();
    if (pause) await pause;
    /** The message as it was sent again, for a sender who may no longer see it, but learns that it was committed. */
    const sendOwn = () => {
      const { username } = peer.identity;
      const own = { id, username, content, files: null, timestamp, clientId };
      peer.send(encodePlain(room, own, this.options, true));
    };
    try {
      const query = { after: id - 1, limit: 1 };
      const pass = await peer.enter(room, "read");
      if (id < pass.membership.from) return sendOwn();
      const { messages } = await this.options.history.page(pass, query, ANY_SIZE);
      const [message] = messages;
      // If the database was restored since, another message has this id, or none.
      if (message?.clientId === clientId) peer.send(encodePlain(room, message, this.options, true));
      else this.refuse(new Refusal("unavailable"), clientId);
    } catch (error) {
      if (error instanceof AccessDenied) return sendOwn();
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
