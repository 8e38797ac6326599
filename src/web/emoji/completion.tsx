/** @jsxImportSource hono/jsx/dom */
import { useState } from "hono/jsx/dom";
import { useEffect } from "../parts/effect.ts";
import { type Completing, createCompleting } from "../parts/completing.ts";
import { later } from "../words/later.ts";
import { type Emoji, find, toned, withCode } from "./names.ts";
import { createHabits } from "./recent.ts";
import { type Typed, typedAt } from "./typed.ts";

const SHOWN_MAX = 6;
const LIST = "emoji-options";

type State = Completing<Typed, Emoji>;
const NONE: State = { options: [], at: 0 };

interface CompletionProps {
  readonly field: HTMLTextAreaElement;
  /** Whether an input method is at work, perhaps since before this part was loaded. */
  readonly composes: () => boolean;
}

/** Completes shortcodes of emoji in a field, and replaces those that are complete. */
export function Completion({ field, composes }: CompletionProps) {
  const [{ options, at }, setState] = useState(NONE);
  const [control] = useState(() => createCompletion(field, setState));
  useEffect(() => {
    const stop = control.watch();
    if (!composes()) control.look(true);
    return stop;
  }, [control]);

  if (options.length === 0) return null;
  return (
    <ul id={LIST} class="emoji-options" role="listbox" aria-label={later.emoji.shortcodes}>
      {options.map(({ emoji, codes }, index) => (
        <li
          key={emoji}
          id={`${LIST}-${index}`}
          role="option"
          aria-selected={String(index === at) as "true"}
          // The field keeps the focus.
          onPointerDown={(event: Event) => event.preventDefault()}
          onClick={() => control.accept(index)}
        >
          <span>{control.shown(emoji)}</span> :{codes[0]}:
        </li>
      ))}
    </ul>
  );
}

function createCompletion(field: HTMLTextAreaElement, draw: (state: State) => void) {
  const { tone, second } = createHabits(window).read();
  const shown = (emoji: string) => toned(emoji, tone, second);
  const completing = createCompleting<Typed, Emoji>(
    field,
    {
      list: LIST,
      typedAt,
      find: (typed) => (typed.closed ? [] : find(typed.code, SHOWN_MAX)),
      textOf: ({ emoji }) => shown(emoji),
      whole(typed) {
        const found = typed.closed ? withCode(typed.code) : undefined;
        return found && shown(found.emoji);
      },
    },
    draw,
  );
  return { ...completing, shown };
}
