/** @jsxImportSource hono/jsx/dom */
import type { RoomState } from "../client/index.ts";
import { Avatar } from "./avatar.tsx";
import { asSomeone, isBy, type Me, Name, nameOf } from "./person.tsx";
import { Icon } from "./icon.tsx";

interface PeopleProps {
  readonly room: RoomState;
  readonly me: Me;
  readonly close: () => void;
}

/** The people in the room. */
export function People({ room, me, close }: PeopleProps) {
  const more = room.online - room.people.length;
  const people = room.people.map(asSomeone).toSorted((a, b) => nameOf(a).localeCompare(nameOf(b)));
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "Escape") close();
  };
  return (
    <aside class="people" aria-label="People in this room" onKeyDown={onKeyDown}>
      <header class="bar">
        <h2>Online now</h2>
        <button type="button" class="plain" aria-label="Close the list of people" onClick={close}>
          <Icon name="close" />
        </button>
      </header>
      <ul>
        {people.map((person) => (
          <li key={person.username}>
            <Avatar of={person} /> <Name of={person} />{" "}
            {nameOf(person) !== person.username && <small>@{person.username}</small>}{" "}
            {isBy(me, person) && <small>you</small>}
          </li>
        ))}
        {room.state === "offline" && <li class="more">Unknown while offline.</li>}
        {more > 0 && <li class="more">and {more} more</li>}
      </ul>
    </aside>
  );
}
