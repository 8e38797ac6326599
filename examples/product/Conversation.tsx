import { ChatError, type Message, type Notice, type Room } from "@parley-chat/client";
import { useChat, useMe, useRoom, useStore, useTyping } from "@parley-chat/client/react";
import { type FormEvent, useEffect, useState } from "react";

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
  if (notice.type === "archived") return <li className="notice">This conversation is closed.</li>;
  return null;
}

/** What a person can do about a message of somebody else. */
function Actions({ room, message }: { room: Room; message: Message }) {
  const { blocks } = useChat();
  const [said, say] = useState("");
  const failed = (error: ChatError) => say(error.message);
  const report = () =>
    room.report(message.id, "Reported by a buyer or seller").then(() => say("Reported."), failed);
  if (said) return <small>{said}</small>;
  return (
    <>
      <button onClick={report}>Report</button>
      <button onClick={() => blocks.add(message.user.id).catch(failed)}>Block</button>
    </>
  );
}

/** A message. */
function Line({ room, message }: { room: Room; message: Message }) {
  const mine = useMe()?.id === message.user.id;
  return (
    <li className="message">
      <span>
        {message.user.name ?? message.username}: {message.deletedAt ? "(deleted)" : message.content}{" "}
        <Card of={message} />
      </span>
      {!mine && !message.deletedAt && <Actions room={room} message={message} />}
    </li>
  );
}

function Typing({ name }: { name: string }) {
  const names = useTyping(name).map((user) => user.name ?? user.username);
  return <p id="typing">{names.length > 0 && `${names.join(", ")} …`}</p>;
}

function Composer({ room }: { room: Room }) {
  const [text, setText] = useState("");
  const [problem, setProblem] = useState("");
  function send(event: FormEvent) {
    event.preventDefault();
    setText("");
    setProblem("");
    room.send(text).catch((error: ChatError) => setProblem(`"${text}" was not sent: ${error.message}`));
  }
  return (
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
      <p role="alert">{problem}</p>
    </form>
  );
}

/** A conversation, for example about an order. */
export function Conversation({ name }: { name: string }) {
  const { room, state, error, title, archived, entries, messages, folded, waiting, more } = useRoom(name);
  const last = messages.at(-1)?.id;
  useStore(useChat().blocks); // loads them, so that the room knows whose messages are `folded`
  useEffect(() => {
    if (last !== undefined) room.read(last).catch(() => {}); // what is shown counts as read
  }, [room, last]);

  if (error) return <p role="alert">{error.message}</p>;
  return (
    <main>
      <h2>{title || name}</h2>
      <p id="state">{state}</p>
      {more && <button onClick={() => room.older()}>Earlier messages</button>}
      <ol>
        {entries.map((entry) => {
          if (entry.notice) return <Came key={entry.id} of={entry} />;
          if (folded.includes(entry.user.id)) return <li key={entry.id}>A message of someone you block</li>;
          return <Line key={entry.id} room={room} message={entry} />;
        })}
        {waiting.map(({ clientId, content }) => (
          <li key={clientId} className="waiting">
            {content} …
          </li>
        ))}
      </ol>
      <Typing name={name} />
      {!archived && <Composer room={room} />}
    </main>
  );
}
