import * as v from "valibot";
import { errorOf, Refusal, refusalOf } from "../../errors.ts";
import { CLIENT_ID, PLAIN_MESSAGE } from "../../protocol/frames.ts";
import type { Protocol, Session } from "../connection/peer.ts";
import { plainEvent } from "./encode.ts";
import { objectOf, parse } from "./parse.ts";
import { submit } from "../access/submit.ts";

/** The plain protocol of a room's URL: `{"message": …}` in, the room's messages out, the sender's own among them. */
export const plainProtocol = (session: Session): Protocol => new PlainProtocol(session);

/** A class, since there is one for each socket: see connection.ts. */
class PlainProtocol implements Protocol {
  constructor(private readonly session: Session) {}

  greet() {}
  closing() {}
  expiring() {}
  left() {}

  receive(frame: string | Uint8Array) {
    let object: Record<string, unknown> | undefined;
    try {
      object = objectOf(frame);
      const message = parse(PLAIN_MESSAGE, object);
      this.session.owe(1);
      this.session.inTurn(() => {
        this.post(message);
        return undefined;
      });
    } catch (error) {
      const named = v.safeParse(CLIENT_ID, object);
      this.refuse(refusalOf(error), named.success ? named.output.clientId : undefined);
    }
  }

  private post({ message: content, clientId }: { message: string; clientId?: string | undefined }) {
    const { session } = this;
    const { shared, identity, room = "" } = session;
    const submission = {
      kind: "post",
      room,
      clientId: clientId ?? crypto.randomUUID(),
      content,
      replyTo: null,
    } as const;
    submit(shared, identity, submission, (outcome) => {
      session.owe(-1);
      if (outcome instanceof Refusal) return this.refuse(outcome, clientId);
      // A message that is new comes to its sender with the room's; one that was sent before came to the room then.
      if (outcome.duplicate && clientId !== undefined)
        void session.inTurn(() => this.echo(room, outcome.id, clientId));
    });
  }

  private async echo(room: string, id: number, clientId: string) {
    const { session } = this;
    const pause = session.writable();
    if (pause) await pause;
    try {
      const { messages } = await session.shared.history.page(room, { after: id - 1, limit: 1 });
      const [message] = messages;
      // Another one stands there, or none, where the database has been restored since.
      if (message?.clientId === clientId) session.send(plainEvent(room, message, true));
      else this.refuse(new Refusal("unavailable"), clientId);
    } catch (error) {
      session.shared.faulted(error);
      this.refuse(new Refusal("unavailable"), clientId);
    }
  }

  private refuse(refusal: Refusal, clientId?: string) {
    this.session.send(
      JSON.stringify({ error: { ...errorOf(refusal), ...(clientId !== undefined && { clientId }) } }),
    );
  }
}
