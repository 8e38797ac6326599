/** @jsxImportSource hono/jsx/dom */
import { memo, useState } from "hono/jsx/dom";
import type { Message, Person } from "../client/index.ts";
import { Actions } from "./actions.tsx";
import { Avatar } from "./avatar.tsx";
import { isBy, type Me, Name, nameOf } from "./person.tsx";
import { Quote } from "./quote.tsx";
import type { Talk } from "./talk.ts";
import { Text } from "./text.tsx";
import { clockTime, fullTime } from "./time.ts";

interface MessageProps {
  readonly talk: Talk;
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
  readonly report: (id: number) => void;
}

const namesOf = (users: readonly string[], profiles: readonly Person[]) =>
  users.map((username, index) => nameOf({ username, user: profiles[index] })).join(", ");

/** A message of the room. Memoized: renders only if its props change. */
export const MessageRow = memo((props: MessageProps) => {
  const { talk, message, head, me, answered, active, changing, found, show, folded, moderates, report } =
    props;
  const [unfolded, setUnfolded] = useState(false);
  const { id, content, timestamp, replyTo, editedAt, deletedAt, reactions } = message;
  const has = (emoji: string) => reactions?.[emoji]?.users.includes(me?.username ?? "") ?? false;
  if (folded && !unfolded)
    return (
      <article class="said folded" data-id={id} tabindex={-1}>
        A message of someone whom you block.{" "}
        <button type="button" class="link" onClick={() => setUnfolded(true)}>
          Show it
        </button>
      </article>
    );
  const names = ["said", head && "head", changing && "changing", found && "found"];
  return (
    <article class={names.filter(Boolean).join(" ")} data-id={id} tabindex={-1}>
      {head ? (
        <>
          <Avatar of={message} />
          <header>
            <Name of={message} />{" "}
            <time datetime={timestamp} title={fullTime(timestamp)}>
              {clockTime(timestamp)}
            </time>
          </header>
        </>
      ) : (
        <span class="aside">
          <span class="unseen">{nameOf(message)} </span>
          <time datetime={timestamp} title={fullTime(timestamp)}>
            {clockTime(timestamp)}
          </time>
        </span>
      )}
      {replyTo !== undefined && !deletedAt && (
        <Quote room={talk.room} id={replyTo} here={answered} show={show} />
      )}
      {deletedAt ? <div class="text gone">Message deleted</div> : <Text content={content} />}
      {editedAt && !deletedAt && (
        <small class="edited" title={fullTime(editedAt)}>
          edited
        </small>
      )}
      {reactions && (
        <div class="reactions">
          {Object.entries(reactions).map(([emoji, { count, users, profiles }]) => (
            <button
              key={emoji}
              type="button"
              class="reaction"
              aria-pressed={String(has(emoji)) as "true"}
              aria-label={`${emoji} ${count}: ${namesOf(users, profiles)}`}
              title={namesOf(users, profiles)}
              onClick={() => talk.react(id, emoji, !has(emoji))}
            >
              {emoji} <span>{count}</span>
            </button>
          ))}
        </div>
      )}
      {active && !deletedAt && (
        <Actions
          talk={talk}
          message={message}
          own={isBy(me, message)}
          has={has}
          moderates={moderates}
          report={report}
        />
      )}
    </article>
  );
});
