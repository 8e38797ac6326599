import { type Chat, ChatError } from "parley/client";
import { type FormEvent, useState } from "react";
import { useRoom } from "./useRoom.ts";

/** The conversation about an order. */
export function Conversation({ chat, order }: { chat: Chat; order: string }) {
  const [room, { state, error, messages, waiting, more, typing }] = useRoom(chat, `order-${order}`);
  const [text, setText] = useState("");
  const [problem, setProblem] = useState("");

  function send(event: FormEvent) {
    event.preventDefault();
    setText("");
    room
      .send(text)
      .catch((failure) =>
        setProblem(failure instanceof ChatError ? failure.message : "Your message was not sent."),
      );
  }

  if (error) return <p role="alert">{error.message}</p>;
  return (
    <main>
      <p id="state">{state}</p>
      {more && <button onClick={() => room.older()}>Earlier messages</button>}
      <ol>
        {messages.map(({ id, username, content, deletedAt }) => (
          <li key={id} className="message">
            {username}: {deletedAt ? "(deleted)" : content}
          </li>
        ))}
        {waiting.map(({ clientId, content }) => (
          <li key={clientId} className="waiting">
            {content} …
          </li>
        ))}
      </ol>
      <p id="typing">{typing.length > 0 && `${typing.join(", ")} …`}</p>
      <form onSubmit={send}>
        <input
          aria-label="Message"
          value={text}
          onChange={(event) => {
            setText(event.target.value);
            room.typing();
          }}
        />
        <button>Send</button>
      </form>
      <p role="alert">{problem}</p>
    </main>
  );
}
