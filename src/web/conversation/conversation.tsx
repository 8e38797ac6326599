/** @jsxImportSource hono/jsx/dom */
import { useMemo, useRef, useState } from "hono/jsx/dom";
import { useEffect } from "../parts/effect.ts";
import type { RoomState } from "../../client/index.ts";
import { Announcer } from "./announcer.tsx";
import { Banner, Elsewhere } from "./banner.tsx";
import { Composer } from "../composer/composer.tsx";
import { RefusedRow } from "../composer/unsent.tsx";
import { createAddresses } from "../files/addresses.ts";
import { Drop } from "../files/drop.tsx";
import { Icon } from "../parts/icon.tsx";
import { useLatest } from "../parts/latest.ts";
import type { Source } from "../parts/source.ts";
import { lazy } from "../parts/lazy.tsx";
import { rightsIn } from "../rooms/may.ts";
import type { Rooms } from "../rooms/rooms.ts";
import { People } from "./people.tsx";
import { asSomeone, isBy, type Me, Name, type Someone } from "../parts/person.tsx";
import { hrefOf, type Place } from "../page/place.ts";
import { Seen } from "./receipts.tsx";
import type { Shared } from "../page/shared.ts";
import type { Talk } from "../composer/talk.ts";
import { fullTime, muteEnd } from "../page/time.ts";
import { Timeline } from "./timeline.tsx";
import dialogs from "../style/dialogs.css" with { type: "file" };
import thread from "../style/thread.css" with { type: "file" };
import mentions from "../style/mentions.css" with { type: "file" };
import { talkWords } from "../words/talk.ts";
import { placeName } from "../words/naming.ts";
import { notices } from "../words/notices.ts";
import { faultText } from "../words/problems.ts";

const Details = lazy(() => import("../rooms/details.tsx").then(({ Details }) => Details), dialogs);
const Pinned = lazy(() => import("./pinned.tsx").then(({ Pinned }) => Pinned), dialogs);
const Thread = lazy(() => import("./thread.tsx").then(({ Thread }) => Thread), thread);
const Asking = lazy(() => import("../mentions/asking.tsx").then(({ Asking }) => Asking), mentions);
const Reporting = lazy(() => import("./reporting.tsx").then(({ Reporting }) => Reporting), dialogs);

interface ConversationProps extends Shared {
  readonly talk: Talk;
  readonly me: Me;
  readonly today: Source<number>;
  readonly place: Place;
}

/** One room: its messages, its people and the composer. */
export function Conversation({ talk, me, today, place, ...shared }: ConversationProps) {
  const { chat, rooms } = shared;
  const room = useLatest(talk.room);
  const mine = useLatest(talk);
  useLatest(rooms);
  const about = rooms.find(room.name);
  const addresses = useMemo(() => createAddresses(talk.room), [talk]);
  const known = useRef("");
  // After a removal, the list no longer says what the room is called.
  const label = (known.current = about?.label || known.current || placeName(room.name));
  const [people, setPeople] = useState<"docked" | "opened" | undefined>(() =>
    matchMedia("(min-width: 75rem)").matches ? "docked" : undefined,
  );
  const [details, setDetails] = useState(false);
  const [reported, setReported] = useState<number | undefined>(undefined);
  const silent = useSilence(room);
  const { folded } = room;
  const rights = about && rightsIn(about);
  const pins = useLatest(talk.room.pins).items.length;
  const [pinned, setPinned] = useState(false);
  const last = () =>
    talk.room.snapshot().messages.findLast((message) => isBy(me, message) && !message.deletedAt);
  const says = talkWords.conversation;

  return (
    <>
      <main id="conversation" class="conversation">
        <header class="bar">
          <a class="plain back" href={hrefOf({ view: "rooms" })} aria-label={says.back}>
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
          {pins > 0 && room.state !== "out" && (
            <button
              key="pins"
              type="button"
              class="plain count"
              aria-label={notices.pins(pins)}
              title={notices.pins(pins)}
              onClick={() => setPinned(true)}
            >
              <Icon name="pin" /> <span>{pins}</span>
            </button>
          )}
          {room.state !== "out" && (
            <button
              key="people"
              type="button"
              class="plain count"
              aria-expanded={String(people !== undefined) as "true"}
              aria-label={says.people(room.online)}
              onClick={() => setPeople(people ? undefined : "opened")}
            >
              <Icon name="people" /> <span>{room.online || "–"}</span>
            </button>
          )}
          {about && room.state !== "out" && (
            <button
              key="details"
              type="button"
              class="plain"
              aria-label={says.details}
              title={says.details}
              onClick={() => setDetails(true)}
            >
              <Icon name="info" />
            </button>
          )}
        </header>
        <Banner chat={chat} waiting={waitingIn(rooms, talk)} />
        {mine.elsewhere.length > 0 && <Elsewhere names={mine.elsewhere} rooms={rooms} />}
        {room.state === "out" ? (
          <div class="blank">
            <p role="alert">{room.error ? faultText(room.error) : says.notInRoom}</p>
            <a href={hrefOf({ view: "rooms" })}>{says.back}</a>
            {mine.refused.map((refused) => (
              <RefusedRow key={refused.clientId} talk={talk} refused={refused} head me={me} />
            ))}
          </div>
        ) : (
          <Timeline
            key={room.name}
            label={label}
            talk={talk}
            addresses={addresses}
            mine={mine}
            me={me}
            place={place}
            today={today}
            folded={folded}
            moderates={rights?.moderate ?? false}
            pins={rights?.pin ?? false}
            report={setReported}
          />
        )}
        <footer id="writing">
          {(mine.asking || mine.unreached.length > 0) && <Asking talk={talk} about={about} />}
          <p class="now" aria-hidden={mine.notice ? undefined : "true"}>
            {mine.notice ? (
              <span class="alert" role="alert">
                {mine.notice}{" "}
                <button type="button" class="link" onClick={() => talk.quiet()}>
                  {says.ok}
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
              <Composer key={room.name} label={label} talk={talk} last={last} />
            ))}
          {room.state !== "out" && !silent && talk.fileMax() !== undefined && (
            <Drop talk={talk} label={label} />
          )}
        </footer>
        <Announcer key={room.name} room={talk.room} me={me} muted={folded} />
        {details && about && room.state !== "out" && (
          <Details {...shared} talk={talk} about={about} me={me} close={() => setDetails(false)} />
        )}
        {pinned && room.state !== "out" && (
          <Pinned
            room={talk.room}
            mayPin={(rights?.pin ?? false) && !room.archived}
            close={() => setPinned(false)}
          />
        )}
        {reported !== undefined && (
          <Reporting room={talk.room} id={reported} close={() => setReported(undefined)} />
        )}
      </main>
      {mine.shown && room.state !== "out" && (
        <Thread
          key={mine.shown.root}
          talk={talk}
          addresses={addresses}
          shown={mine.shown}
          label={label}
          silent={silent}
          me={me}
          today={today}
          folded={folded}
          moderates={rights?.moderate ?? false}
          pins={rights?.pin ?? false}
          report={setReported}
        />
      )}
      {people && !mine.shown && room.state !== "out" && (
        <People room={room} me={me} opened={people === "opened"} close={() => setPeople(undefined)} />
      )}
    </>
  );
}

/** The number of messages that wait in the rooms that were opened. */
const waitingIn = (rooms: Rooms, { sendings }: Talk): number =>
  rooms.opened().reduce((sum, room) => sum + room.snapshot().waiting.length, 0) +
  sendings.snapshot().filter(({ sent }) => !sent).length;

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
  if (archived) return talkWords.conversation.archived;
  if (until === undefined) return undefined;
  if (until === Infinity) return talkWords.conversation.muted;
  return talkWords.conversation.mutedUntil(fullTime(new Date(until).toISOString()));
}

function Typing({ people }: { readonly people: readonly Someone[] }) {
  const says = talkWords.conversation;
  if (people.length === 0) return <span />;
  if (people.length > 2) return <span>{says.manyTyping(people.length)}</span>;
  return <span>{says.typing(people.map((person) => <Name of={person} />))}</span>;
}
