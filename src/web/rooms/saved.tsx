/** @jsxImportSource hono/jsx/dom */
import type { Chat } from "../../client/index.ts";
import { hrefOf } from "../page/place.ts";
import { fullTime } from "../page/time.ts";
import { Icon } from "../parts/icon.tsx";
import { useLatest } from "../parts/latest.ts";
import { More } from "../parts/more.tsx";
import { useWork } from "../parts/work.ts";
import { later } from "../words/later.ts";
import { placeName } from "../words/naming.ts";
import { KeptMessage } from "./kept.tsx";
import type { Rooms } from "./rooms.ts";

interface SavedProps {
  readonly chat: Chat;
  readonly rooms: Rooms;
}

/** The messages that the person has saved, from all rooms. */
export function Saved({ chat, rooms }: SavedProps) {
  const { items } = useLatest(chat.saved);
  const { busy, problem, run } = useWork();
  useLatest(rooms);
  const says = later.keeping;
  return (
    <main class="account">
      <header class="bar">
        <a class="plain back" href={hrefOf({ view: "rooms" })} aria-label={later.account.back}>
          <Icon name="back" />
        </a>
        <h1>{says.saved}</h1>
      </header>
      <div class="page">
        <p class="note">{says.savedAbout}</p>
        <p class="alert" role="alert">
          {problem}
        </p>
        <ul class="kept">
          {items.map((message) => (
            <KeptMessage
              key={`${message.id} ${message.room}`}
              message={message}
              href={hrefOf({ view: "room", name: message.room, message: message.id })}
              about={
                <>
                  {says.in(<bdi>{rooms.find(message.room)?.label ?? placeName(message.room)}</bdi>)}{" "}
                  <time class="unseen" datetime={message.savedAt}>
                    {fullTime(message.savedAt)}
                  </time>
                </>
              }
            >
              <button
                type="button"
                disabled={busy}
                onClick={() => void run(() => chat.saved.remove(message.room, message.id))}
              >
                {says.unsave}
              </button>
            </KeptMessage>
          ))}
        </ul>
        <More list={chat.saved} none={says.nothingSaved} />
      </div>
    </main>
  );
}
