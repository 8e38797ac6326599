/** @jsxImportSource hono/jsx/dom */
import type { RoomState } from "../client/index.ts";
import { Avatar } from "./avatar.tsx";
import { Icon } from "./icon.tsx";

interface PeopleProps {
  readonly room: RoomState;
  readonly me: string | undefined;
  readonly close: () => void;
}

/** The people in the room. */
export function People({ room, me, close }: PeopleProps) {
  const more = room.online - room.people.length;
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
        {[...room.people].toSorted().map((name) => (
          <li key={name}>
            <Avatar name={name} /> <bdi class="name">{name}</bdi> {name === me && <small>you</small>}
          </li>
        ))}
        {room.state === "offline" && <li class="more">Unknown while offline.</li>}
        {more > 0 && <li class="more">and {more} more</li>}
      </ul>
    </aside>
  );
}
