/** @jsxImportSource hono/jsx/dom */
import { useLayoutEffect, useMemo, useRef, useState } from "hono/jsx/dom";
import { isComposing } from "../parts/field.ts";
import { Icon } from "../parts/icon.tsx";
import { useDialog } from "../page/layers.ts";
import { later } from "../words/later.ts";
import { type Emoji, find, GROUPS, named, TONES, toned } from "./names.ts";
import { createHabits, withRecent } from "./recent.ts";

export interface EmojiPickerProps {
  readonly choose: (emoji: string) => void;
  readonly close: () => void;
}

/** An emoji that stands for each group: first those used last. */
const SIGNS = ["🕒", "😀", "👋", "🐵", "🍇", "🚗", "🎉", "💡", "✅", "🏁"];
const FOUND_MAX = 200;
/** Closes the dialog on a click outside. */
const DISMISSED = { closedby: "any" };

/** The dialog of all emoji. */
export function EmojiPicker({ choose, close }: EmojiPickerProps) {
  const dialog = useDialog();
  const grid = useRef<HTMLDivElement>(null);
  const chosen = useRef("");
  const stored = useMemo(() => createHabits(window), []);
  const [habits, setHabits] = useState(() => stored.read());
  const [group, setGroup] = useState(habits.recent.length > 0 ? 0 : 1);
  const [text, setText] = useState("");
  const says = later.emoji;

  useLayoutEffect(() => void grid.current?.scrollTo(0, 0), [group, text]);

  const listed = useMemo((): readonly Emoji[] => {
    if (text.trim() !== "") return find(text, FOUND_MAX);
    return group === 0 ? habits.recent.flatMap((emoji) => named(emoji) ?? []) : (GROUPS[group - 1] ?? []);
  }, [text, group, habits]);
  const shown = (emoji: string) =>
    group === 0 && text === "" ? emoji : toned(emoji, habits.tone, habits.second);

  const keep = (next: typeof habits) => {
    stored.write(next);
    setHabits(next);
  };
  const pick = (emoji: string | undefined) => {
    if (!emoji) return;
    chosen.current = emoji;
    dialog.current?.close();
  };
  const onClose = () => {
    const { current: emoji } = chosen;
    if (emoji) {
      stored.write(withRecent(habits, emoji));
      choose(emoji);
    }
    close();
  };
  const onGridKey = (event: KeyboardEvent) => {
    const all = Array.from(grid.current?.querySelectorAll("button") ?? []);
    const at = all.indexOf(event.target as HTMLButtonElement);
    const below = all.findIndex(({ offsetTop }) => offsetTop > (all[0]?.offsetTop ?? 0));
    const columns = below > 0 ? below : all.length;
    const step = document.dir === "rtl" ? -1 : 1;
    const to = {
      ArrowRight: at + step,
      ArrowLeft: at - step,
      ArrowDown: at + columns,
      ArrowUp: at - columns,
      Home: 0,
      End: all.length - 1,
    }[event.key];
    if (to === undefined || at < 0) return;
    event.preventDefault();
    if (to < 0) dialog.current?.querySelector("input")?.focus();
    else (all[to] ?? all.at(-1))?.focus();
  };
  const onSearchKey = (event: KeyboardEvent) => {
    if (isComposing(event)) return;
    if (event.key === "ArrowDown") grid.current?.querySelector("button")?.focus();
    // The dialog may be within a form, which Enter would send.
    else if (event.key === "Enter") pick(text.trim() && listed[0] && shown(listed[0].emoji));
    else return;
    event.preventDefault();
  };
  const tones = (label: string, value: number, change: (tone: number) => void) => (
    <select
      aria-label={label}
      title={label}
      value={String(value)}
      onChange={(event: Event) => change(Number((event.target as HTMLSelectElement).value))}
    >
      {TONES.map((tone, index) => (
        <option value={String(index)} selected={index === value} aria-label={says.tones[index]}>
          ✋{tone}
        </option>
      ))}
    </select>
  );

  return (
    <div>
      <dialog ref={dialog} class="emoji-picker" aria-label={says.choose} {...DISMISSED} onClose={onClose}>
        <div class="emoji-head">
          <input
            type="search"
            dir="auto"
            autocomplete="off"
            aria-label={says.find}
            placeholder={says.find}
            onInput={(event: Event) => setText((event.target as HTMLInputElement).value)}
            onKeyDown={onSearchKey}
          />
          {tones(says.tone, habits.tone, (tone) => keep({ ...habits, tone, second: tone }))}
          {habits.tone > 0 && tones(says.second, habits.second, (second) => keep({ ...habits, second }))}
          <button type="button" class="plain" aria-label={says.close} onClick={() => dialog.current?.close()}>
            <Icon name="close" />
          </button>
        </div>
        <div class="emoji-groups" role="group" aria-label={says.groups}>
          {SIGNS.map((sign, index) => (
            <button
              key={sign}
              type="button"
              class="plain"
              aria-label={says.names[index]}
              title={says.names[index]}
              // The field would open the keyboard of a touch device.
              autofocus={index === group && matchMedia("(pointer: coarse)").matches}
              aria-pressed={String(text === "" && index === group) as "true"}
              onClick={() => {
                const field = dialog.current?.querySelector("input");
                if (field) field.value = "";
                setText("");
                setGroup(index);
              }}
            >
              {sign}
            </button>
          ))}
        </div>
        <div
          class="emoji-grid"
          ref={grid}
          role="group"
          aria-label={text ? says.found : says.names[group]}
          onKeyDown={onGridKey}
        >
          {listed.map(({ emoji, name, codes }, index) => (
            <button
              key={emoji}
              type="button"
              class="plain"
              tabindex={index === 0 ? 0 : -1}
              aria-label={name}
              title={`${name}\n:${codes[0]}:`}
              onClick={() => pick(shown(emoji))}
            >
              {shown(emoji)}
            </button>
          ))}
          {listed.length === 0 && <p role="status">{text ? says.nothing : says.noRecent}</p>}
        </div>
      </dialog>
    </div>
  );
}
