/** @jsxImportSource hono/jsx/dom */
import type { Mention } from "../../client/index.ts";
import { Avatar } from "../parts/avatar.tsx";
import { Icon } from "../parts/icon.tsx";
import { useLatest } from "../parts/latest.ts";
import { Name } from "../parts/person.tsx";
import { hrefOf } from "../page/place.ts";
import type { Shared } from "../page/shared.ts";
import { fullTime, shortTime } from "../page/time.ts";
import { Preview } from "../text/text.tsx";
import { talkWords } from "../words/talk.ts";
import { later } from "../words/later.ts";
import { placeName } from "../words/naming.ts";
import { faultText } from "../words/problems.ts";

/** The messages that mention the person, newest first. */
export function Inbox({ chat, rooms }: Shared) {
  const { items, more, error } = useLatest(chat.mentions);
  useLatest(rooms);
  const says = later.mentions;
  const load = () => void chat.mentions.load().catch(() => {});
  const labelOf = ({ room, title }: Mention) => rooms.find(room)?.label || title || placeName(room);
  return (
    <main id="conversation" class="conversation mentions">
      <header class="bar">
        <a class="plain back" href={hrefOf({ view: "rooms" })} aria-label={talkWords.conversation.back}>
          <Icon name="back" />
        </a>
        <h1>{says.title}</h1>
      </header>
      <div class="inbox">
        {error && (
          <p class="alert" role="alert">
            {faultText(error)}
          </p>
        )}
        {items.length === 0 && !more && <p class="hint">{says.none}</p>}
        <ul>
          {items.map((mention) => {
            const { room, unread, message } = mention;
            return (
              <li key={`${room} ${message.id}`}>
                <a
                  class={unread ? "mention-line unread" : "mention-line"}
                  href={hrefOf({ view: "room", name: room, message: message.id })}
                >
                  <Avatar of={message} />{" "}
                  <span class="who">
                    <Name of={message} /> <small>{says.in(labelOf(mention))}</small>{" "}
                    <time datetime={message.timestamp} title={fullTime(message.timestamp)}>
                      {shortTime(message.timestamp)}
                    </time>
                    {unread && <span class="dot" role="img" aria-label={says.unread} />}
                  </span>
                  <span class="what" dir="auto">
                    <Preview content={message.content} />
                  </span>
                </a>
              </li>
            );
          })}
        </ul>
        {more && items.length > 0 && (
          <button type="button" class="plain wide" onClick={load}>
            {says.more}
          </button>
        )}
      </div>
    </main>
  );
}
