import * as v from "valibot";
import { errorOf, Refusal, refusalOf } from "../errors.ts";
import { CLIENT_ID, PLAIN_MESSAGE } from "../protocol/frames.ts";
import type { Protocol, Session } from "./session.ts";
import { plainEvent } from "./encode.ts";
import { objectOf, parse } from "./parse.ts";
import { submit } from "./submit.ts";

/** The plain protocol of a room's URL: `{"message": …}` in, the room's messages out, the sender's own among them. */
export function plainProtocol(session: Session): Protocol {
  const { send, room = "" } = session;

  const refuse = (refusal: Refusal, clientId?: string) =>
    send(JSON.stringify({ error: { ...errorOf(refusal), ...(clientId !== undefined && { clientId }) } }));

  const post = ({ message: content, clientId }: { message: string; clientId?: string | undefined }) => {
    const submission = {
      kind: "post",
      room,
      clientId: clientId ?? crypto.randomUUID(),
      content,
      replyTo: null,
    } as const;
    submit(session, session.identity, submission, (outcome) => {
      session.owe(-1);
      if (outcome instanceof Refusal) return refuse(outcome, clientId);
      // A message that is new comes to its sender with the room's; one that was sent before came to the room then.
      if (outcome.duplicate && clientId !== undefined) void session.inTurn(() => echo(outcome.id, clientId));
    });
  };

  const echo = async (id: number, clientId: string) => {
    try {
      const { messages } = await session.history.page(room, { after: id - 1, limit: 1 });
      const [message] = messages;
      // Another one stands there, or none, where the database has been restored since.
      if (message?.clientId === clientId) send(plainEvent(room, message, true));
      else refuse(new Refusal("unavailable"), clientId);
    } catch (error) {
      session.faulted(error);
      refuse(new Refusal("unavailable"), clientId);
    }
  };

  return {
    greet() {},
    closing() {},
    expiring() {},
    left() {},
    receive(frame) {
      let object: Record<string, unknown> | undefined;
      try {
        object = objectOf(frame);
        const message = parse(PLAIN_MESSAGE, object);
        session.owe(1);
        session.inTurn(() => {
          post(message);
          return undefined;
        });
      } catch (error) {
        const named = v.safeParse(CLIENT_ID, object);
        refuse(refusalOf(error), named.success ? named.output.clientId : undefined);
      }
    },
  };
}
