/** @jsxImportSource hono/jsx/dom */
import { useEffect, useRef, useState } from "hono/jsx/dom";
import { Icon } from "./icon.tsx";
import { hrefOf } from "./place.ts";
import type { Found, Rooms } from "./rooms.ts";

const SHOWN_MAX = 8;

interface Alike {
  readonly name: string;
  readonly rooms: readonly string[];
}

interface FinderProps {
  readonly rooms: Rooms;
  readonly text: string;
  readonly setText: (text: string) => void;
  /** The person's rooms. */
  readonly mine: readonly Found[];
}

/** Finds the person's rooms and others, or creates a new room. */
export function Finder({ rooms, text, setText, mine }: FinderProps) {
  const field = useRef<HTMLInputElement>(null);
  const [others, setOthers] = useState<readonly Found[]>([]);
  /** Rooms that look like the one whose creation was asked for. */
  const [alike, setAlike] = useState<Alike>({ name: "", rooms: [] });
  const wanted = useRef("");
  const looking = text !== "";
  useEffect(() => {
    if (looking) rooms.others().then(setOthers, () => {});
  }, [looking]);
  useEffect(() => {
    if (!looking && field.current) field.current.value = "";
  }, [looking]);

  // Only the server decides if the name is valid.
  const name = text.trim().replace(/\s+/g, "-").normalize();
  const like = alike.name === name ? alike.rooms : [];
  const known = new Map([...others, ...mine].map((room) => [room.name, room]));
  const listed = new Set(mine.map((room) => room.name));
  const joinable = others.filter((other) => !listed.has(other.name) && matches(other, text));
  const alikes = like.map((one) => known.get(one) ?? { name: one, label: one });
  const found = [...new Set([...alikes, ...joinable])].slice(0, SHOWN_MAX);
  const isNew = name !== "" && !known.has(name);
  wanted.current = name;

  const open = (room: string) => {
    location.hash = hrefOf({ view: "room", name: room });
    setText("");
  };
  /** Opens a new room, unless there are rooms that look like it: those are offered first. */
  const create = async () => {
    if (like.length === 0) {
      const similar = await rooms.alike(name).catch((): readonly string[] => []);
      if (wanted.current !== name) return;
      if (similar.length > 0 && !similar.includes(name)) return setAlike({ name, rooms: similar });
    }
    open(name);
  };
  const go = () => {
    if (name === "") return;
    const own = mine.find((other) => matches(other, text));
    const target = known.get(name) ?? own ?? found[0];
    if (target === undefined) void create();
    else open(target.name);
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
      {like.length > 0 && (
        <p class="note" role="status">
          There is a room that looks like this one.
        </p>
      )}
      {(found.length > 0 || isNew) && (
        <ul class="found">
          {found.map((other) => (
            <li key={other.name}>
              <a href={hrefOf({ view: "room", name: other.name })} onClick={() => setText("")}>
                Join <bdi>{other.label}</bdi>
              </a>
            </li>
          ))}
          {isNew && (
            <li key=" new">
              <a
                href={hrefOf({ view: "room", name })}
                onClick={(event: Event) => {
                  event.preventDefault();
                  void create();
                }}
              >
                Create <bdi>{name}</bdi>
              </a>
            </li>
          )}
        </ul>
      )}
    </form>
  );
}

/** Whether the person looks for this room. Names of rooms have no spaces. */
export const matches = ({ name, label }: Found, text: string): boolean =>
  includes(label, text.trim()) || includes(name, text.trim().replace(/\s+/g, "-"));

const includes = (name: string, part: string): boolean =>
  name.toLocaleLowerCase().includes(part.toLocaleLowerCase());
