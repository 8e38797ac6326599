/** @jsxImportSource hono/jsx/dom */
import { useState } from "hono/jsx/dom";
import { useEffect } from "../parts/effect.ts";
import type { Message, Room } from "../../client/index.ts";
import { Name } from "../parts/person.tsx";
import { Line } from "../files/line.tsx";
import { indexOf } from "./span.ts";
import { talkWords } from "../words/talk.ts";

interface QuoteProps {
  readonly room: Room;
  readonly id: number;
  /** The quoted message, if it is loaded. */
  readonly here: Message | undefined;
  readonly show: (id: number) => void;
}

/** The message that another one replies to. A click jumps to it. */
export function Quote({ room, id, here, show }: QuoteProps) {
  const [fetched, setFetched] = useState<Message | null | undefined>(undefined);
  const missing = here === undefined;
  useEffect(() => {
    if (!missing) return;
    const stop = new AbortController();
    room.history({ after: id - 1, limit: 1, signal: stop.signal }).then(
      ({ messages: [found] }) => setFetched(found?.id === id ? found : null),
      () => {},
    );
    return () => stop.abort();
  }, [room, id, missing]);
  const message = here ?? fetched;
  return (
    <button type="button" class="quote" onClick={() => show(id)}>
      {message ? (
        <>
          <Name of={message} />{" "}
          <span dir="auto">{message.deletedAt ? talkWords.message.deleted : <Line of={message} />}</span>
        </>
      ) : (
        <span>{message === null ? talkWords.message.missing : talkWords.message.earlier}</span>
      )}
    </button>
  );
}

export const messageWith = (messages: readonly Message[], id: number): Message | undefined => {
  const found = messages[indexOf(messages, id)];
  return found?.id === id ? found : undefined;
};
