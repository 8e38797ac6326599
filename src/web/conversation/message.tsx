/** @jsxImportSource hono/jsx/dom */
import { memo, useState } from "hono/jsx/dom";
import type { Message, Person } from "../../client/index.ts";
import { Avatar } from "../parts/avatar.tsx";
import type { Addresses } from "../files/addresses.ts";
import { Files } from "../files/attached.tsx";
import { heardOf } from "../files/file.ts";
import { lazy } from "../parts/lazy.tsx";
import { isBy, type Me, Name, nameOf } from "../parts/person.tsx";
import { Quote } from "./quote.tsx";
import type { Talk } from "../composer/talk.ts";
import { useMarkup } from "../text/markup.ts";
import { Text } from "../text/text.tsx";
import thread from "../style/thread.css" with { type: "file" };
import { talkWords } from "../words/talk.ts";
import { hrefOf } from "../page/place.ts";
import { clockTime, fullTime } from "../page/time.ts";

const ThreadLink = lazy(() => import("./threadlink.tsx").then(({ ThreadLink }) => ThreadLink), thread);
const Actions = lazy(() => import("./actions.tsx").then(({ Actions }) => Actions));
export const loadActions = Actions.preload;

interface MessageProps {
  readonly talk: Talk;
  readonly addresses: Addresses;
  readonly message: Message;
  readonly head: boolean;
  readonly me: Me | undefined;
  /** The message that this one replies to, if it is loaded. */
  readonly answered: Message | undefined;
  /** Whether to show its actions. */
  readonly active: boolean;
  /** An edit or the deletion of the message is in progress. */
  readonly changing: boolean;
  /** The person jumped to this message. */
  readonly found: boolean;
  readonly show: (id: number) => void;
  /** Its sender is blocked. */
  readonly folded: boolean;
  /** Whether the person may delete messages of others. */
  readonly moderates: boolean;
  /** Whether the person may pin messages. */
  readonly pins: boolean;
  readonly report: (id: number) => void;
}

const namesOf = (users: readonly string[], profiles: readonly Person[]) =>
  users.map((username, index) => nameOf({ username, user: profiles[index] }));

/** Whom a message mentions, by username: whether it is the reader. */
function mentionedIn({ mentions = [], everyone }: Message, me: Me | undefined) {
  if (mentions.length === 0 && !everyone) return undefined;
  const found = new Map(mentions.map(({ id, username }) => [username, id === me?.id]));
  return everyone ? found.set("everyone", true) : found;
}

/** Screen readers hear at most this many characters of a message when it gets the focus. */
const HEARD_MAX = 200;

/** A message of the room. Memoized: renders only if its props change. */
export const MessageRow = memo((props: MessageProps) => {
  const { talk, addresses, message, head, me, answered, active, changing, found, show, folded } = props;
  const [unfolded, setUnfolded] = useState(false);
  useMarkup(props.message.content);
  const { id, content, timestamp, replyTo, editedAt, deletedAt, reactions, files = [] } = message;
  const has = (emoji: string) => reactions?.[emoji]?.users.includes(me?.username ?? "") ?? false;
  if (folded && !unfolded)
    return (
      <article class="said folded" data-id={id} tabindex={-1} aria-label={talkWords.message.folded}>
        {talkWords.message.folded}{" "}
        <button type="button" class="link" onClick={() => setUnfolded(true)}>
          {talkWords.message.unfold}
        </button>
      </article>
    );
  const time = (
    <a
      class="at"
      href={hrefOf({ view: "room", name: talk.room.name, message: id })}
      title={fullTime(timestamp)}
      tabindex={-1} // The message itself has the focus already, and its actions copy the link.
    >
      <time datetime={timestamp}>{clockTime(timestamp)}</time>
    </a>
  );
  const text = deletedAt ? talkWords.message.deleted : heardOf(message).slice(0, HEARD_MAX);
  const label = talkWords.message.label(nameOf(message), clockTime(timestamp), text);
  const isMine = message.everyone || message.mentions?.some((user) => user.id === me?.id);
  const names = [
    "said",
    isMine && !deletedAt && !isBy(me, message) && "mentions-me",
    head && "head",
    changing && "changing",
    found && "found",
  ];
  return (
    <article class={names.filter(Boolean).join(" ")} data-id={id} tabindex={-1} aria-label={label}>
      {head ? (
        <>
          <Avatar of={message} />
          <header>
            <Name of={message} /> {time}
          </header>
        </>
      ) : (
        <span class="aside">
          <span class="unseen">{nameOf(message)} </span>
          {time}
        </span>
      )}
      {replyTo !== undefined && !deletedAt && (
        <Quote room={talk.room} id={replyTo} here={answered} show={show} />
      )}
      {deletedAt ? (
        <div class="text gone">{talkWords.message.deleted}</div>
      ) : (
        (content !== "" || editedAt || files.length === 0) && (
          <Text content={content} mentioned={mentionedIn(message, me)}>
            {editedAt && (
              <small class="edited" title={fullTime(editedAt)}>
                {talkWords.message.edited}
              </small>
            )}
          </Text>
        )
      )}
      {files.length > 0 && <Files files={files} addresses={addresses} />}
      {reactions && (
        <div class="reactions">
          {Object.entries(reactions).map(([emoji, { count, users, profiles }]) => (
            <button
              key={emoji}
              type="button"
              class="reaction"
              aria-pressed={String(has(emoji)) as "true"}
              aria-label={talkWords.message.reaction(emoji, count, namesOf(users, profiles))}
              title={talkWords.message.reactors(namesOf(users, profiles))}
              onClick={() => talk.react(id, emoji, !has(emoji))}
            >
              {emoji} <span>{count}</span>
            </button>
          ))}
        </div>
      )}
      {talk.thread === undefined && (message.replies || message.thread !== undefined) && (
        <ThreadLink talk={talk} message={message} />
      )}
      {active && !deletedAt && (
        <Actions
          talk={talk}
          addresses={addresses}
          message={message}
          own={isBy(me, message)}
          has={has}
          moderates={props.moderates}
          pins={props.pins}
          report={props.report}
        />
      )}
    </article>
  );
});
