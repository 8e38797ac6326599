/** @jsxImportSource hono/jsx/dom */
import { useState } from "hono/jsx/dom";
import type { Chat } from "../client/index.ts";
import { Announcer } from "./announcer.tsx";
import { Banner } from "./banner.tsx";
import { Composer } from "./composer.tsx";
import { Icon } from "./icon.tsx";
import { useLatest } from "./latest.ts";
import { LeaveRoom } from "./leave.tsx";
import { People } from "./people.tsx";
import { isBy, type Me, Name, type Someone } from "./person.tsx";
import { hrefOf } from "./place.ts";
import type { Rooms } from "./rooms.ts";
import type { Talk } from "./talk.ts";
import { Timeline } from "./timeline.tsx";

interface ConversationProps {
  readonly chat: Chat;
  readonly rooms: Rooms;
  readonly talk: Talk;
  readonly me: Me;
}

/** One room: its messages, its people and the composer. */
export function Conversation({ chat, rooms, talk, me }: ConversationProps) {
  const room = useLatest(talk.room);
  const mine = useLatest(talk);
  useLatest(rooms);
  const label = rooms.find(room.name)?.label ?? room.name;
  const [people, setPeople] = useState(() => matchMedia("(min-width: 75rem)").matches);
  const last = () =>
    talk.room.snapshot().messages.findLast((message) => isBy(me, message) && !message.deletedAt);
  const online = `${room.online} online`;

  return (
    <>
      <main class="conversation">
        <header class="bar">
          <a class="plain back" href={hrefOf({ view: "rooms" })} aria-label="Back to the rooms">
            <Icon name="back" />
          </a>
          <h1>
            <bdi>{label}</bdi>
          </h1>
          {room.state !== "out" && (
            <button
              type="button"
              class="plain count"
              aria-expanded={String(people) as "true"}
              aria-label={`${online}: show people`}
              onClick={() => setPeople(!people)}
            >
              <Icon name="people" /> <span>{room.online || "–"}</span>
            </button>
          )}
          <LeaveRoom key={room.name} name={room.name} leave={() => rooms.leave(room.name)} />
        </header>
        <Banner chat={chat} waiting={room.waiting.length} />
        {room.state === "out" ? (
          <div class="blank">
            <p role="alert">{room.error?.message ?? "You are not in this room."}</p>
            <a href={hrefOf({ view: "rooms" })}>Back to the rooms</a>
          </div>
        ) : (
          <Timeline key={room.name} label={label} talk={talk} mine={mine} me={me} />
        )}
        <footer>
          <p class="now" aria-hidden={mine.notice ? undefined : "true"}>
            {mine.notice ? (
              <span class="alert" role="alert">
                {mine.notice}{" "}
                <button type="button" class="link" onClick={() => talk.quiet()}>
                  OK
                </button>
              </span>
            ) : (
              <Typing
                people={room.typing.map((username) => ({ username, user: room.profiles.get(username) }))}
              />
            )}
          </p>
          {room.state !== "out" && (
            <Composer key={room.name} label={label} talk={talk} mine={mine} last={last} />
          )}
        </footer>
        <Announcer key={room.name} room={talk.room} me={me} />
      </main>
      {people && room.state !== "out" && <People room={room} me={me} close={() => setPeople(false)} />}
    </>
  );
}

function Typing({ people }: { readonly people: readonly Someone[] }) {
  const [first, second] = people;
  if (first === undefined) return <span />;
  if (people.length > 2) return <span>{people.length} people are typing…</span>;
  return (
    <span>
      <Name of={first} />
      {second === undefined ? " is typing…" : " and "}
      {second !== undefined && <Name of={second} />}
      {second !== undefined && " are typing…"}
    </span>
  );
}
