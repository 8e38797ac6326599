/** @jsxImportSource hono/jsx/dom */
import { useEffect, useRef, useState } from "hono/jsx/dom";
import { Icon } from "./icon.tsx";
import { hrefOf } from "./place.ts";
import type { Rooms } from "./rooms.ts";

const SHOWN_MAX = 8;

interface FinderProps {
  readonly rooms: Rooms;
  readonly text: string;
  readonly setText: (text: string) => void;
  /** Names of the person's rooms. */
  readonly mine: readonly string[];
}

/** Finds the person's rooms and others, or creates a new room. */
export function Finder({ rooms, text, setText, mine }: FinderProps) {
  const field = useRef<HTMLInputElement>(null);
  const [others, setOthers] = useState<readonly string[]>([]);
  const looking = text !== "";
  useEffect(() => {
    if (looking) rooms.others().then(setOthers, () => {});
  }, [looking]);
  useEffect(() => {
    if (!looking && field.current) field.current.value = "";
  }, [looking]);

  // Only the server decides if the name is valid.
  const name = text.trim().replace(/\s+/g, "-").normalize();
  const found = others.filter((other) => !mine.includes(other) && includes(other, name)).slice(0, SHOWN_MAX);
  const isNew = name !== "" && ![...mine, ...others].includes(name);
  const go = () => {
    if (name === "") return;
    const own = mine.find((other) => includes(other, name));
    const wanted = [...mine, ...others].includes(name) ? name : (own ?? found[0] ?? name);
    location.hash = hrefOf({ view: "room", name: wanted });
    setText("");
  };

  return (
    <form
      class="finder"
      role="search"
      onSubmit={(event: Event) => {
        event.preventDefault();
        go();
      }}
    >
      <label class="search">
        <Icon name="search" />
        <input
          ref={field}
          type="search"
          dir="auto"
          aria-label="Find or create a room"
          placeholder="Find or create a room"
          autocomplete="off"
          maxlength={64}
          onInput={(event: Event) => setText((event.target as HTMLInputElement).value)}
          onKeyDown={(event: KeyboardEvent) => event.key === "Escape" && setText("")}
        />
      </label>
      {(found.length > 0 || isNew) && (
        <ul class="found">
          {found.map((other) => (
            <li key={other}>
              <a href={hrefOf({ view: "room", name: other })} onClick={() => setText("")}>
                Join <bdi>{other}</bdi>
              </a>
            </li>
          ))}
          {isNew && (
            <li key=" new">
              <a href={hrefOf({ view: "room", name })} onClick={() => setText("")}>
                Create <bdi>{name}</bdi>
              </a>
            </li>
          )}
        </ul>
      )}
    </form>
  );
}

export const includes = (name: string, part: string): boolean =>
  name.toLocaleLowerCase().includes(part.toLocaleLowerCase());
