/** @jsxImportSource hono/jsx/dom */
import { useRef, useState } from "hono/jsx/dom";
import type { User } from "../../client/index.ts";
import { Avatar } from "./avatar.tsx";
import { Icon } from "./icon.tsx";
import { Name } from "./person.tsx";
import { ranked } from "./ranking.ts";
import { later } from "../words/later.ts";

/** Someone who was chosen: known to the page, or only typed. */
export interface Chosen {
  /** How the server is told: an id, or `@` and a username. */
  readonly ref: string;
  readonly username: string;
  readonly name?: string | undefined;
}

interface PickerProps {
  /** Unique on the page. */
  readonly id: string;
  readonly label: string;
  readonly people: readonly User[];
  readonly chosen: readonly Chosen[];
  readonly choose: (chosen: readonly Chosen[]) => void;
}

const SHOWN_MAX = 6;

const asSomeone = ({ ref, username, name }: Chosen) => ({ username, user: { id: ref, name } });

/** Chooses people: the ones the page knows by name, anyone else by `@username`. */
export function Picker({ id, label, people, chosen, choose }: PickerProps) {
  const field = useRef<HTMLInputElement>(null);
  const [text, setText] = useState("");
  const [active, setActive] = useState(0);
  const optionsFor = (typed: string) => optionsIn(people, chosen, typed);
  const options = optionsFor(text);
  const at = Math.min(active, options.length - 1);

  const show = (next: string) => {
    setText(next);
    setActive(0);
    if (field.current && field.current.value !== next) field.current.value = next;
  };
  const add = (one: Chosen | undefined) => {
    if (!one) return;
    choose([...chosen, one]);
    show("");
    field.current?.focus();
  };
  const remove = (one: Chosen) => {
    choose(chosen.filter((other) => other !== one));
    field.current?.focus();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    // Safari ends a composition before the key that ended it.
    if (event.isComposing || event.keyCode === 229) return;
    // What is in the field may not be drawn yet.
    const typed = field.current?.value ?? "";
    const found = typed === text ? options : optionsFor(typed);
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && found.length > 0) {
      event.preventDefault();
      setActive((at + step + found.length) % found.length);
    } else if (event.key === "Enter" && typed.trim() !== "") {
      event.preventDefault();
      add(found[typed === text ? at : 0]);
    } else if (event.key === "Escape" && typed !== "") {
      event.preventDefault();
      event.stopPropagation();
      show("");
    } else if (event.key === "Backspace" && typed === "" && chosen.length > 0) {
      choose(chosen.slice(0, -1));
    }
  };

  return (
    <div class="picker labelled">
      <label for={id}>{label}</label>
      <div class="chosen">
        {chosen.map((one) => (
          <button key={one.ref} type="button" class="chip" onClick={() => remove(one)}>
            <Avatar of={asSomeone(one)} /> <Name of={asSomeone(one)} />{" "}
            <Icon name="close" label={later.picker.remove} />
          </button>
        ))}
        <input
          ref={field}
          id={id}
          type="text"
          role="combobox"
          dir="auto"
          autocomplete="off"
          autocapitalize="none"
          spellcheck={false}
          maxlength={200}
          placeholder={chosen.length === 0 ? later.picker.placeholder : undefined}
          aria-expanded={String(options.length > 0) as "true"}
          aria-controls={`${id}-list`}
          aria-autocomplete="list"
          aria-activedescendant={options.length > 0 ? `${id}-${at}` : undefined}
          onInput={(event: Event) => show((event.target as HTMLInputElement).value)}
          onKeyDown={onKeyDown}
        />
      </div>
      <ul id={`${id}-list`} class="options" role="listbox" aria-label={label} hidden={options.length === 0}>
        {options.map((one, index) => (
          <li
            key={one.ref}
            id={`${id}-${index}`}
            role="option"
            aria-selected={String(index === at) as "true"}
            // The field keeps the focus.
            onPointerDown={(event: Event) => event.preventDefault()}
            onClick={() => add(one)}
          >
            <Avatar of={asSomeone(one)} /> <Name of={asSomeone(one)} /> <small>@{one.username}</small>
          </li>
        ))}
      </ul>
      <small role="status">{text.trim() !== "" && options.length === 0 && later.picker.nobody}</small>
    </div>
  );
}

/** The people who fit, and after `@` anyone with exactly that username. */
function optionsIn(people: readonly User[], chosen: readonly Chosen[], text: string): readonly Chosen[] {
  const asked = text.trim();
  if (asked.replace("@", "") === "") return [];
  const taken = new Set(chosen.map(({ username }) => username));
  const free = people.filter(({ username }) => !taken.has(username));
  const known = ranked(asked, free, ({ name = "", username }) => [name, username])
    .slice(0, SHOWN_MAX)
    .map(({ id, username, name }): Chosen => ({ ref: id, username, name }));
  const username = /^@([^\s@]{1,32})$/.exec(asked)?.[1];
  if (!username || taken.has(username) || known.some((one) => one.username === username)) return known;
  return [...known, { ref: asked, username }];
}
