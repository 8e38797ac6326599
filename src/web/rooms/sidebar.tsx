/** @jsxImportSource hono/jsx/dom */
import { memo, useRef } from "hono/jsx/dom";
import { useEffect } from "../parts/effect.ts";
import { Avatar, Pair } from "../parts/avatar.tsx";
import { spread } from "../parts/hues.ts";
import { Icon } from "../parts/icon.tsx";
import { useLatest } from "../parts/latest.ts";
import { asSomeone, isBy, type Me, Name, nameOf } from "../parts/person.tsx";
import { isApple } from "../page/keys.ts";
import { hrefOf, type Place } from "../page/place.ts";
import type { RoomLine } from "./rooms.ts";
import type { Shared } from "../page/shared.ts";
import { rove } from "../page/roving.ts";
import type { Source } from "../parts/source.ts";
import { shortTime } from "../page/time.ts";
import { toggleSwitcher } from "./switcher.tsx";
import { Preview } from "../text/text.tsx";
import { words } from "../words/language.ts";
import { othersIn } from "../words/naming.ts";
import { lazy } from "../parts/lazy.tsx";
import thread from "../style/thread.css" with { type: "file" };

const UnreadThreads = lazy(() => import("./threads.tsx").then(({ UnreadThreads }) => UnreadThreads), thread);

interface SidebarProps extends Shared {
  readonly today: Source<number>;
  readonly place: Place;
  readonly me: Me;
  /** Opens the dialog that starts a conversation. */
  readonly start: () => void;
  /** Opens the dialog that searches for messages. */
  readonly search: () => void;
}

/** The list of the person's rooms. */
export function Sidebar({ chat, rooms, today, place, me, start, search }: SidebarProps) {
  const day = useLatest(today);
  const { lines, hidden, loaded, more } = useLatest(rooms);
  const list = useRef<HTMLElement>(null);
  useEffect(() => (list.current ? rove({ box: list.current, items: ".line" }) : undefined), []);
  const here = place.view === "room" ? place.name : undefined;
  const { state } = useLatest(chat).connection;
  const away = state === "waiting" || state === "closed";
  const says = words.rooms;
  const mentioned = lines.reduce((sum, line) => sum + line.mentions, 0);
  const talking = lines.flatMap((line) => (line.kind === "direct" ? othersIn(line, me.id) : []));
  spread(
    talking.map(({ id }) => id),
    false,
  );
  const draw = (line: RoomLine) => (
    <Line key={line.room} line={line} current={line.room === here} me={me} day={day} />
  );
  return (
    <div class="sidebar" role={place.view === "rooms" ? "main" : "complementary"} aria-label={says.yours}>
      <div class="bar">
        <h1 class="brand">Parley</h1>
        <button type="button" class="plain" aria-label={says.start} title={says.start} onClick={start}>
          <Icon name="plus" />
        </button>
        <a
          class="plain"
          href={hrefOf({ view: "saved" })}
          aria-label={says.saved}
          title={says.saved}
          aria-current={place.view === "saved" ? "page" : undefined}
        >
          <Icon name="save" />
        </a>
        <a
          class="plain"
          href={hrefOf({ view: "mentions" })}
          aria-current={place.view === "mentions" ? "page" : undefined}
          aria-label={mentioned > 0 ? says.mentioned(mentioned) : says.mentions}
          title={says.mentions}
        >
          <span class={mentioned > 0 ? "at-sign unread" : "at-sign"}>@</span>
        </a>
        <a
          class="plain me"
          href={hrefOf({ view: "account" })}
          aria-current={place.view === "account" ? "page" : undefined}
        >
          {says
            .account(<Name of={asSomeone(me)} />)
            .map((part) => (typeof part === "string" ? <span class="unseen">{part}</span> : part))}{" "}
          <Avatar of={asSomeone(me)} />
        </a>
      </div>
      <div class="finder">
        <button type="button" class="search" aria-haspopup="dialog" onClick={toggleSwitcher}>
          <Icon name="search" /> <span>{says.find}</span>{" "}
          <kbd>{isApple ? says.findKeyApple : says.findKey}</kbd>
        </button>
        <button
          type="button"
          class="plain"
          aria-haspopup="dialog"
          aria-label={says.search}
          title={says.search}
          onClick={search}
        >
          <Icon name="messages" />
        </button>
      </div>
      <nav ref={list} aria-label={says.list}>
        {loaded && <UnreadThreads chat={chat} rooms={rooms} />}
        <ul class="rooms">{lines.map(draw)}</ul>
        {lines.length === 0 && <p class="hint">{loaded ? says.noRooms : away ? says.away : says.loading}</p>}
        {more && (
          <button type="button" class="plain wide" onClick={rooms.more}>
            {says.more}
          </button>
        )}
        {loaded && (
          <button
            type="button"
            class="plain wide"
            aria-expanded={String(hidden !== undefined) as "true"}
            onClick={() => rooms.showHidden(hidden === undefined)}
          >
            {hidden === undefined ? says.showHidden : says.hideHidden}
          </button>
        )}
        {hidden && <ul class="rooms hidden">{hidden.map(draw)}</ul>}
        {hidden?.length === 0 && <p class="hint">{says.noneHidden}</p>}
      </nav>
    </div>
  );
}

interface LineProps {
  readonly line: RoomLine;
  readonly current: boolean;
  readonly me: Me;
  /** The current day, which decides how times are written. */
  readonly day: number;
}

const same = (a: LineProps, b: LineProps) =>
  a.current === b.current &&
  a.me === b.me &&
  a.day === b.day &&
  (["last", "label", "unread", "mentions", "typing", "pinned", "archived", "kind", "people"] as const).every(
    (field) => a.line[field] === b.line[field],
  );

const Line = memo(({ line, current, me }: LineProps) => {
  const says = words.rooms;
  const { room, label, last, unread, mentions, typing, pinned, archived, kind } = line;
  const people = othersIn(line, me.id).map(({ username, ...user }) => ({ username, user }));
  return (
    <li>
      <a
        class={unread > 0 ? "line unread" : "line"}
        href={hrefOf({ view: "room", name: room })}
        aria-current={current ? "page" : undefined}
      >
        <span class="mark">
          {kind === "direct" ? <Pair of={people} /> : <Icon name={kind === "private" ? "lock" : "hash"} />}
        </span>
        <bdi class="title">{label}</bdi>
        <span class="when">
          {pinned && <Icon name="pin" label={says.pinned} />}
          <time datetime={last?.timestamp}>{last && shortTime(last.timestamp)}</time>
        </span>
        <span class="said-last">
          {typing ? (
            says.typing
          ) : archived ? (
            says.archived
          ) : last ? (
            <>
              <bdi>{isBy(me, last) ? says.you : nameOf(last)}</bdi>:{" "}
              <bdi>
                {last.content !== "" ? (
                  <Preview content={last.content} />
                ) : last.files ? (
                  says.files(last.files)
                ) : (
                  says.deleted
                )}
              </bdi>
            </>
          ) : (
            says.noMessages
          )}
        </span>
        {mentions > 0 && (
          <span class="badge at" aria-label={says.mentioned(mentions)} role="img">
            @{mentions > 99 ? "99+" : mentions}
          </span>
        )}
        {unread > 0 && mentions === 0 && (
          <span class="badge" aria-label={unread > 99 ? says.moreUnread : says.unread(unread)} role="img">
            {unread > 99 ? "99+" : unread}
          </span>
        )}
      </a>
    </li>
  );
}, same);
