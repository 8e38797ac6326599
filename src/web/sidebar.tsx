/** @jsxImportSource hono/jsx/dom */
import { memo, useState } from "hono/jsx/dom";
import { Avatar, Pair } from "./avatar.tsx";
import { Finder, matches } from "./finder.tsx";
import { Icon } from "./icon.tsx";
import { useLatest } from "./latest.ts";
import { NewRoom } from "./newroom.tsx";
import { asSomeone, isBy, type Me, Name, nameOf } from "./person.tsx";
import { hrefOf, type Place } from "./place.ts";
import type { RoomLine } from "./rooms.ts";
import type { Shared } from "./shared.ts";
import { shortTime } from "./time.ts";
import { othersIn } from "./words.ts";

interface SidebarProps extends Shared {
  readonly place: Place;
  readonly me: Me;
}

/** The list of the person's rooms. */
export function Sidebar({ chat, rooms, place, me }: SidebarProps) {
  const { lines, hidden, loaded, more } = useLatest(rooms);
  const [text, setText] = useState("");
  const here = place.view === "room" ? place.name : undefined;
  const mine = lines.map(({ room, label }) => ({ name: room, label }));
  const draw = (line: RoomLine) =>
    matches({ name: line.room, label: line.label }, text) && (
      <Line key={line.room} line={line} current={line.room === here} me={me} chosen={() => setText("")} />
    );
  return (
    <div class="sidebar" role={place.view === "rooms" ? "main" : "complementary"} aria-label="Your rooms">
      <div class="bar">
        <h1 class="brand">Parley</h1>
        <NewRoom chat={chat} rooms={rooms} me={me} />
        <a
          class="plain me"
          href={hrefOf({ view: "account" })}
          aria-current={place.view === "account" ? "page" : undefined}
        >
          <span class="unseen">Account of </span>
          <Name of={asSomeone(me)} /> <Avatar of={asSomeone(me)} />
        </a>
      </div>
      <Finder rooms={rooms} text={text} setText={setText} mine={mine} />
      <nav aria-label="Rooms">
        <ul class="rooms">{lines.map(draw)}</ul>
        {loaded && lines.length === 0 && <p class="hint">You have no rooms yet. Find or create one above.</p>}
        {more && (
          <button type="button" class="plain wide" onClick={rooms.more}>
            Show more rooms
          </button>
        )}
        {loaded && (
          <button
            type="button"
            class="plain wide"
            aria-expanded={String(hidden !== undefined) as "true"}
            onClick={() => rooms.showHidden(hidden === undefined)}
          >
            {hidden === undefined ? "Show hidden rooms" : "Put hidden rooms away"}
          </button>
        )}
        {hidden && <ul class="rooms hidden">{hidden.map(draw)}</ul>}
        {hidden?.length === 0 && <p class="hint">You have not hidden any rooms.</p>}
      </nav>
    </div>
  );
}

interface LineProps {
  readonly line: RoomLine;
  readonly current: boolean;
  readonly me: Me;
  readonly chosen: () => void;
}

const same = (a: LineProps, b: LineProps) =>
  a.current === b.current &&
  a.me === b.me &&
  (["last", "label", "unread", "typing", "pinned", "archived", "kind", "people"] as const).every(
    (field) => a.line[field] === b.line[field],
  );

const Line = memo(({ line, current, me, chosen }: LineProps) => {
  const { room, label, last, unread, typing, pinned, archived, kind } = line;
  const people = othersIn(line, me.id).map(({ username, ...user }) => ({ username, user }));
  return (
    <li>
      <a
        class={unread > 0 ? "line unread" : "line"}
        href={hrefOf({ view: "room", name: room })}
        aria-current={current ? "page" : undefined}
        onClick={chosen}
      >
        <span class="mark">
          {kind === "direct" ? <Pair of={people} /> : <Icon name={kind === "private" ? "lock" : "hash"} />}
        </span>
        <bdi class="title">{label}</bdi>
        <span class="when">
          {pinned && <Icon name="pin" label="Pinned" />}
          <time datetime={last?.timestamp}>{last && shortTime(last.timestamp)}</time>
        </span>
        <span class="said-last">
          {typing ? (
            "someone is typing…"
          ) : archived ? (
            "Archived"
          ) : last ? (
            <>
              <bdi>{isBy(me, last) ? "You" : nameOf(last)}</bdi>:{" "}
              <bdi>{last.content === "" ? "Message deleted" : last.content}</bdi>
            </>
          ) : (
            "No messages yet"
          )}
        </span>
        {unread > 0 && (
          <span
            class="badge"
            aria-label={unread > 99 ? "more than 99 unread" : `${unread} unread`}
            role="img"
          >
            {unread > 99 ? "99+" : unread}
          </span>
        )}
      </a>
    </li>
  );
}, same);
