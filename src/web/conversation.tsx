/** @jsxImportSource hono/jsx/dom */
import { useEffect, useRef, useState } from "hono/jsx/dom";
import type { RoomState } from "../client/index.ts";
import { Announcer } from "./announcer.tsx";
import { Banner } from "./banner.tsx";
import { Composer } from "./composer.tsx";
import { Details } from "./details.tsx";
import { Icon } from "./icon.tsx";
import { useLatest } from "./latest.ts";
import { rightsIn } from "./may.ts";
import { People } from "./people.tsx";
import { asSomeone, isBy, type Me, Name, type Someone } from "./person.tsx";
import { hrefOf } from "./place.ts";
import { Seen } from "./receipts.tsx";
import { Reporting } from "./reporting.tsx";
import type { Shared } from "./shared.ts";
import type { Talk } from "./talk.ts";
import { fullTime, muteEnd } from "./time.ts";
import { Timeline } from "./timeline.tsx";
import { placeName } from "./words.ts";

interface ConversationProps extends Shared {
  readonly talk: Talk;
  readonly me: Me;
}

/** One room: its messages, its people and the composer. */
export function Conversation({ talk, me, ...shared }: ConversationProps) {
  const { chat, rooms } = shared;
  const room = useLatest(talk.room);
  const mine = useLatest(talk);
  useLatest(rooms);
  const about = rooms.find(room.name);
  const known = useRef("");
  // After a removal, the list no longer says what the room is called.
  const label = (known.current = about?.label || known.current || placeName(room.name));
  const [people, setPeople] = useState(() => matchMedia("(min-width: 75rem)").matches);
  const [details, setDetails] = useState(false);
  const [reported, setReported] = useState<number | undefined>(undefined);
  const silent = useSilence(room);
  const { folded } = room;
  const moderates = about !== undefined && rightsIn(about).moderate;
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
          <div class="heading">
            <h1>
              <bdi>{label}</bdi>
            </h1>
            {about?.topic && (
              <p class="topic" dir="auto" title={about.topic}>
                {about.topic}
              </p>
            )}
          </div>
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
          {about && room.state !== "out" && (
            <button
              type="button"
              class="plain"
              aria-label="Room details"
              title="Room details"
              onClick={() => setDetails(true)}
            >
              <Icon name="info" />
            </button>
          )}
        </header>
        <Banner chat={chat} waiting={room.waiting.length} />
        {room.state === "out" ? (
          <div class="blank">
            <p role="alert">{room.error?.message ?? "You are not in this room."}</p>
            <a href={hrefOf({ view: "rooms" })}>Back to the rooms</a>
          </div>
        ) : (
          <Timeline
            key={room.name}
            label={label}
            talk={talk}
            mine={mine}
            me={me}
            folded={folded}
            moderates={moderates}
            report={setReported}
          />
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
              <>
                <Typing people={room.typing.map(asSomeone)} />
                {room.typing.length === 0 && <Seen room={talk.room} me={me} />}
              </>
            )}
          </p>
          {room.state !== "out" &&
            (silent ? (
              <p class="silent">{silent}</p>
            ) : (
              <Composer key={room.name} label={label} talk={talk} mine={mine} last={last} />
            ))}
        </footer>
        <Announcer key={room.name} room={talk.room} me={me} muted={folded} />
        {details && about && room.state !== "out" && (
          <Details {...shared} talk={talk} about={about} me={me} close={() => setDetails(false)} />
        )}
        {reported !== undefined && (
          <Reporting room={talk.room} id={reported} close={() => setReported(undefined)} />
        )}
      </main>
      {people && room.state !== "out" && <People room={room} me={me} close={() => setPeople(false)} />}
    </>
  );
}

/** The longest time that a timer can wait, in milliseconds. */
const TIMER_MAX = 2 ** 31 - 1;

/** Why the person cannot write, as a sentence. Undefined if they can. */
function useSilence({ archived, mutedUntil }: RoomState): string | undefined {
  const [, redraw] = useState(0);
  const until = muteEnd(mutedUntil, Date.now());
  useEffect(() => {
    if (until === undefined || until === Infinity) return;
    const wait = Math.min(TIMER_MAX, until - Date.now() + 100);
    const timer = setTimeout(() => redraw((count) => count + 1), wait);
    return () => clearTimeout(timer);
  }, [until]);
  if (archived) return "This room is archived. Nobody can write in it.";
  if (until === undefined) return undefined;
  if (until === Infinity) return "You are muted. You can read this room, but not write in it.";
  return `You are muted until ${fullTime(new Date(until).toISOString())}.`;
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
