import { type Chat, ChatError, type Message, type Notice } from "@parley-chat/client";
import { type FormEvent, useState } from "react";
import { useRoom } from "./useRoom.ts";

/** The card of an order. Everyone can attach data, so only the server's is believed. */
function Card({ of: { user, data } }: { of: Message }) {
  if (user.id !== "u_system" || typeof data?.order !== "string") return null;
  return (
    <small className="card">
      Order {data.order}: {String(data.status)}
    </small>
  );
}

/** Says who came and who went. */
function Came({ of: { notice } }: { of: Notice }) {
  const names = notice.users.map(({ name, username }) => name ?? username).join(", ");
  if (notice.type === "added") return <li className="notice">{names} joined the conversation.</li>;
  if (notice.type === "removed") return <li className="notice">{names} left the conversation.</li>;
  return null;
}

/** The conversation about an order. */
export function Conversation({ chat, order }: { chat: Chat; order: string }) {
  const [room, { state, error, entries, waiting, more, typing }] = useRoom(chat, `order-${order}`);
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
        {entries.map((entry) =>
          entry.notice ? (
            <Came key={entry.id} of={entry} />
          ) : (
            <li key={entry.id} className="message">
              {entry.user.name ?? entry.username}: {entry.deletedAt ? "(deleted)" : entry.content}{" "}
              <Card of={entry} />
            </li>
          ),
        )}
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
