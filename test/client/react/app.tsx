/** @jsxImportSource react */
import { Fragment, memo, StrictMode, useState } from "react";
import { type Chat, createChat, type PagesState, type Store } from "../../../src/client/index.ts";
import {
  ChatProvider,
  useConnection,
  useMe,
  usePresence,
  useRoom,
  useRooms,
  useStore,
  useTyping,
} from "../../../src/client/react/index.ts";

/** Times that the page runs faster than the clock, so that grace periods are short. */
export const SPEED = 4;

/** What the tests use of the page. */
export interface App {
  readonly chat: Chat;
  /** Shows these rooms, and nothing else. */
  show(...names: string[]): void;
  /** Replaces the component that shows rooms by another one, as hot reloading does. */
  replace(): void;
  /** How often each component was rendered. */
  readonly rendered: Record<string, number>;
}

const rendered: Record<string, number> = {};
const count = (what: string) => void (rendered[what] = (rendered[what] ?? 0) + 1);

function Conversation({ name }: { name: string }) {
  const { room, state, error, messages, waiting } = useRoom(name);
  count(`room ${name}`);
  return (
    <section id={name}>
      <h2>
        {name} is {state}
      </h2>
      {error && <p role="alert">{error.code}</p>}
      <ol>
        {messages.map(({ id, username, content }) => (
          <li key={id}>
            {username}: {content}
          </li>
        ))}
      </ol>
      <p className="waiting">{waiting.length}</p>
      <button onClick={() => void room.send("Hello").catch(() => {})}>Send in {name}</button>
    </section>
  );
}

// Another type, with the same code.
const Replaced = (props: { name: string }) => Conversation(props);

const Typing = memo(function Typing({ name }: { name: string }) {
  const typing = useTyping(name);
  count(`typing ${name}`);
  return <p className="typing">{typing.map(({ id, username }) => `${username} ${id !== ""}`).join()}</p>;
});

function Present({ name }: { name: string }) {
  const { online, people } = usePresence(name);
  return (
    <p className="present">
      {online} {people.map(({ username }) => username).join()}
    </p>
  );
}

function Sidebar() {
  const { items, state } = useRooms();
  const connection = useConnection();
  const me = useMe();
  return (
    <nav>
      <p className="me">
        {me?.username ?? "nobody"} is {connection.state}, list {state}
      </p>
      {items.map(({ room, unread }) => (
        <p key={room}>
          {room}: {unread}
        </p>
      ))}
    </nav>
  );
}

function Blocked({ chat }: { chat: Chat }) {
  return <p className="blocked">{useStore(chat.blocks, ({ items }) => items.length)}</p>;
}

/** The texts of the messages in a list. */
function Texts<T>({ of, text }: { of: Store<PagesState<T>>; text(item: T): string }) {
  return <p>{useStore(of).items.map(text).join()}</p>;
}

function Lists({ chat }: { chat: Chat }) {
  return (
    <>
      <Texts of={chat.mentions} text={({ message }) => `mention: ${message.content}`} />
      <Texts of={chat.threads} text={({ root }) => `thread: ${root.content}`} />
      <Texts of={chat.saved} text={({ content }) => `saved: ${content}`} />
    </>
  );
}

export interface PageProps {
  readonly chat: Chat;
  /** The rooms to show at first. */
  readonly rooms: readonly string[];
  readonly list?: boolean;
}

let control: Pick<App, "show" | "replace"> | undefined;

/** The whole page, on the server and in the browser. */
export function Page({ chat, rooms, list }: PageProps) {
  const [shown, setShown] = useState(rooms);
  const [replaced, setReplaced] = useState(false);
  control = { show: (...names) => setShown(names), replace: () => setReplaced(true) };
  const Shown = replaced ? Replaced : Conversation;
  return (
    <StrictMode>
      <ChatProvider chat={chat}>
        {list && <Sidebar />}
        {list && <Blocked chat={chat} />}
        {list && <Lists chat={chat} />}
        {shown.map((name, index) => (
          <Fragment key={`${name} ${index}`}>
            <Shown name={name} />
            <Typing name={name} />
            <Present name={name} />
          </Fragment>
        ))}
      </ChatProvider>
    </StrictMode>
  );
}

/** Creates the chat of a page. */
export const chatOf = (url: string, token: string): Chat =>
  createChat({
    url,
    tokens: () => token,
    ports: {
      clock: {
        now: Date.now,
        monotonic: () => performance.now() * SPEED,
        after(ms, task) {
          const timer = setTimeout(task, ms / SPEED);
          return () => clearTimeout(timer);
        },
      },
    },
  });

export const appOf = (chat: Chat): App => ({
  chat,
  show: (...names) => control?.show(...names),
  replace: () => control?.replace(),
  rendered,
});
