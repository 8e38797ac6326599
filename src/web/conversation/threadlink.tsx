/** @jsxImportSource hono/jsx/dom */
import type { Message } from "../../client/index.ts";
import type { Talk } from "../composer/talk.ts";
import { shortTime } from "../page/time.ts";
import { Avatar } from "../parts/avatar.tsx";
import { Icon } from "../parts/icon.tsx";
import { useLatest } from "../parts/latest.ts";
import { asSomeone } from "../parts/person.tsx";
import { later } from "../words/later.ts";

/** Faces that are shown. */
const FACES = 3;

/** Below the first message of a thread: who replied, how often and when last. Below a reply: where its thread is. */
export function ThreadLink({ talk, message }: { readonly talk: Talk; readonly message: Message }) {
  const says = later.threads;
  const { replies, thread } = message;
  const root = thread ?? message.id;
  const isShown = useLatest(talk).shown?.root === root;
  const { name } = talk.room;
  const isUnread = useLatest(talk.threads).items.some((one) => one.room === name && one.root.id === root);
  const open = () => talk.show(thread === undefined ? { root } : { root, message: message.id });
  return (
    <button type="button" class="thread-link" aria-expanded={String(isShown) as "true"} onClick={open}>
      {replies && thread === undefined ? (
        <>
          <span class="faces" aria-hidden="true">
            {replies.people.slice(0, FACES).map((person) => (
              <Avatar key={person.id} of={asSomeone(person)} />
            ))}
          </span>
          <b>{says.replies(replies.count, replies.more === true)}</b>{" "}
          <span class="when">{says.last(shortTime(replies.last.timestamp))}</span>
          {isUnread && <span class="dot" role="img" aria-label={says.isUnread} />}
        </>
      ) : (
        <>
          <Icon name="thread" /> <span>{says.partOf}</span>
        </>
      )}
    </button>
  );
}
