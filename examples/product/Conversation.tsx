import { type Chat, ChatError, type Message } from "parley/client";
import { type FormEvent, useState } from "react";
import { useRoom } from "./useRoom.ts";

/** The card of an order. Everyone can attach data, so only the shop's is believed. */
function Card({ of: { user, data } }: { of: Message }) {
  if (user.id !== "shop" || typeof data?.order !== "string") return null;
  return (
    <small className="card">
      Order {data.order}: {String(data.status)}
    </small>
  );
}

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
        {messages.map((message) => (
          <li key={message.id} className="message">
            {message.user.name ?? message.username}: {message.deletedAt ? "(deleted)" : message.content}{" "}
            <Card of={message} />
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
