/** @jsxImportSource hono/jsx/dom */
import { hrefOf } from "../page/place.ts";
import type { Shared } from "../page/shared.ts";
import { shortTime } from "../page/time.ts";
import { Icon } from "../parts/icon.tsx";
import { useLatest } from "../parts/latest.ts";
import { nameOf } from "../parts/person.tsx";
import { Preview } from "../text/text.tsx";
import { later } from "../words/later.ts";
import { placeName } from "../words/naming.ts";
import { words } from "../words/language.ts";

/** Threads that are shown above the rooms. */
const SHOWN = 5;

/** The threads that have replies which the person has not read. Each leads to its last reply. */
export function UnreadThreads({ chat, rooms }: Shared) {
  const { items } = useLatest(chat.threads);
  useLatest(rooms);
  if (items.length === 0) return null;
  const says = later.threads;
  return (
    <section class="unread-threads" aria-label={says.unread}>
      <h2>{says.unread}</h2>
      <ul>
        {items.slice(0, SHOWN).map(({ room, root, replies, unread }) => (
          <li key={`${room} ${root.id}`}>
            <a class="line unread" href={hrefOf({ view: "room", name: room, message: replies.last.id })}>
              <span class="mark">
                <Icon name="thread" />
              </span>
              <bdi class="title">{rooms.find(room)?.label ?? placeName(room)}</bdi>
              <span class="when">
                <time datetime={replies.last.timestamp}>{shortTime(replies.last.timestamp)}</time>
              </span>
              <span class="said-last">
                <bdi>{nameOf(root)}</bdi>: <bdi>{<Preview content={root.content} />}</bdi>
              </span>
              <span
                class="badge"
                aria-label={unread > 99 ? words.rooms.moreUnread : words.rooms.unread(unread)}
                role="img"
              >
                {unread > 99 ? "99+" : unread}
              </span>
            </a>
          </li>
        ))}
      </ul>
    </section>
  );
}
