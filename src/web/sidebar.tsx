/** @jsxImportSource hono/jsx/dom */
import { memo, useState } from "hono/jsx/dom";
import { Avatar } from "./avatar.tsx";
import { Finder, includes } from "./finder.tsx";
import { useLatest } from "./latest.ts";
import { asSomeone, isBy, type Me, Name, nameOf } from "./person.tsx";
import { hrefOf, type Place } from "./place.ts";
import type { RoomLine, Rooms } from "./rooms.ts";
import { shortTime } from "./time.ts";

interface SidebarProps {
  readonly rooms: Rooms;
  readonly place: Place;
  readonly me: Me;
}

/** The list of the person's rooms. */
export function Sidebar({ rooms, place, me }: SidebarProps) {
  const { lines, loaded } = useLatest(rooms);
  const [text, setText] = useState("");
  const shown = lines.filter(({ name }) => includes(name, text.trim().replace(/\s+/g, "-")));
  const here = place.view === "room" ? place.name : undefined;
  return (
    <div class="sidebar" role={place.view === "rooms" ? "main" : "complementary"} aria-label="Your rooms">
      <div class="bar">
        <h1 class="brand">Parley</h1>
        <a
          class="plain me"
          href={hrefOf({ view: "account" })}
          aria-current={place.view === "account" ? "page" : undefined}
        >
          <span class="unseen">Account of </span>
          <Name of={asSomeone(me)} /> <Avatar of={asSomeone(me)} />
        </a>
      </div>
      <Finder rooms={rooms} text={text} setText={setText} mine={lines.map(({ name }) => name)} />
      <nav aria-label="Rooms">
        <ul class="rooms">
          {shown.map((line) => (
            <Line key={line.name} {...line} current={line.name === here} me={me} chosen={() => setText("")} />
          ))}
        </ul>
        {loaded && lines.length === 0 && <p class="hint">You have no rooms yet. Find or create one above.</p>}
      </nav>
    </div>
  );
}

interface LineProps extends RoomLine {
  readonly current: boolean;
  readonly me: Me;
  readonly chosen: () => void;
}

const same = (a: LineProps, b: LineProps) =>
  a.last === b.last &&
  a.unread === b.unread &&
  a.typing === b.typing &&
  a.current === b.current &&
  a.me === b.me;

const Line = memo(
  ({ name, last, unread, typing, current, me, chosen }: LineProps) => (
    <li>
      <a
        class={unread > 0 ? "line unread" : "line"}
        href={hrefOf({ view: "room", name })}
        aria-current={current ? "page" : undefined}
        onClick={chosen}
      >
        <bdi class="title">{name}</bdi>
        <time datetime={last?.timestamp}>{last && shortTime(last.timestamp)}</time>
        <span class="said-last">
          {typing ? (
            "someone is typing…"
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
          <span class="badge" aria-label={`${unread > 99 ? "more than 99" : unread} unread`} role="img">
            {unread > 99 ? "99+" : unread}
          </span>
        )}
      </a>
    </li>
  ),
  same,
);
