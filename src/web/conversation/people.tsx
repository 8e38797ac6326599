/** @jsxImportSource hono/jsx/dom */
import { useState } from "hono/jsx/dom";
import type { RoomState } from "../../client/index.ts";
import { Avatar } from "../parts/avatar.tsx";
import { asSomeone, isBy, type Me, Name, nameOf } from "../parts/person.tsx";
import { useLayer } from "../page/layers.ts";
import { Icon } from "../parts/icon.tsx";
import { talkWords } from "../words/talk.ts";

interface PeopleProps {
  readonly room: RoomState;
  readonly me: Me;
  /** The person opened the list. On a wide screen it is there from the start. */
  readonly opened: boolean;
  readonly close: () => void;
}

/** The people in the room. */
export function People({ room, me, opened, close }: PeopleProps) {
  const more = room.online - room.people.length;
  const people = room.people.map(asSomeone).toSorted((a, b) => nameOf(a).localeCompare(nameOf(b)));
  const [focused, setFocused] = useState(false);
  const panel = useLayer<HTMLElement>(opened || focused, close);
  return (
    <aside
      ref={panel}
      class="people"
      aria-label={talkWords.online.label}
      onFocusIn={() => setFocused(true)}
      onFocusOut={() => setFocused(false)}
    >
      <header class="bar">
        <h2>{talkWords.online.title}</h2>
        <button type="button" class="plain" aria-label={talkWords.online.close} onClick={close}>
          <Icon name="close" />
        </button>
      </header>
      <ul>
        {people.map((person) => (
          <li key={person.username}>
            <Avatar of={person} /> <Name of={person} />{" "}
            {nameOf(person) !== person.username && <small>@{person.username}</small>}{" "}
            {isBy(me, person) && <small>{talkWords.online.you}</small>}
          </li>
        ))}
        {room.state === "offline" && <li class="more">{talkWords.online.unknown}</li>}
        {more > 0 && <li class="more">{talkWords.online.more(more)}</li>}
      </ul>
    </aside>
  );
}
