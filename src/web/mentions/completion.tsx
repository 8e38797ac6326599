/** @jsxImportSource hono/jsx/dom */
import { useState } from "hono/jsx/dom";
import type { User } from "../../client/index.ts";
import { Avatar } from "../parts/avatar.tsx";
import { type Completing, createCompleting } from "../parts/completing.ts";
import { useEffect } from "../parts/effect.ts";
import { Icon } from "../parts/icon.tsx";
import { nameOf } from "../parts/person.tsx";
import { ranked } from "../parts/ranking.ts";
import { later } from "../words/later.ts";
import type { Known } from "./known.ts";
import { EVERYONE, type Typed, typedAt } from "./text.ts";

const SHOWN_MAX = 6;
const LIST = "mention-options";

type Option = User | typeof EVERYONE;
type State = Completing<Typed, Option>;
const NONE: State = { options: [], at: 0 };

interface CompletionProps {
  readonly field: HTMLTextAreaElement;
  readonly known: Known;
  readonly me: string | undefined;
  /** Whether the person may mention everyone. */
  readonly everyone: boolean;
  /** Whether an input method is at work, perhaps since before this part was loaded. */
  readonly composes: () => boolean;
}

/** Completes the names of people in a field. */
export function Completion({ field, known, me, everyone, composes }: CompletionProps) {
  const [{ options, at }, setState] = useState(NONE);
  const [control] = useState(() => {
    const find = ({ name }: Typed): readonly Option[] => {
      const people = [...known.people().values()].filter(({ id }) => id !== me);
      const found = ranked(name, people, (one) => [one.name ?? "", one.username]).slice(0, SHOWN_MAX);
      return everyone && name !== "" && EVERYONE.startsWith(name.toLowerCase())
        ? [...found, EVERYONE]
        : found;
    };
    const textOf = (option: Option) => `@${option === EVERYONE ? EVERYONE : option.username}`;
    return createCompleting<Typed, Option>(field, { list: LIST, typedAt, find, textOf }, setState);
  });
  useEffect(() => {
    const stop = control.watch();
    const look = () => {
      if (!composes()) control.look(false);
    };
    look();
    void known.load().then(look);
    return stop;
  }, [control]);

  if (options.length === 0) return null;
  return (
    <ul id={LIST} class="emoji-options" role="listbox" aria-label={later.mentions.people}>
      {options.map((option, index) => (
        <li
          key={option === EVERYONE ? "" : option.id}
          id={`${LIST}-${index}`}
          role="option"
          aria-selected={String(index === at) as "true"}
          // The field keeps the focus.
          onPointerDown={(event: Event) => event.preventDefault()}
          onClick={() => control.accept(index)}
        >
          {option === EVERYONE ? (
            <>
              <Icon name="people" /> @{EVERYONE} <small>{later.mentions.everyone}</small>
            </>
          ) : (
            <>
              <Avatar of={{ username: option.username, user: option }} />{" "}
              <bdi class="name">{nameOf({ username: option.username, user: option })}</bdi>{" "}
              <small>@{option.username}</small>
            </>
          )}
        </li>
      ))}
    </ul>
  );
}
