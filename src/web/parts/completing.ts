import { insert } from "../emoji/insert.ts";
import { isComposing } from "./field.ts";

/** A part of a text before the caret that can be completed. */
export interface Part {
  readonly from: number;
  readonly to: number;
}

export interface Completing<T extends Part, Option> {
  readonly typed?: T | undefined;
  readonly options: readonly Option[];
  /** The option that Enter takes. */
  readonly at: number;
}

interface Completes<T extends Part, Option> {
  /** The id of the list. Its options have it with their numbers. */
  readonly list: string;
  typedAt(text: string, caret: number): T | undefined;
  find(typed: T): readonly Option[];
  /** What takes the place of what was typed. */
  textOf(option: Option): string;
  /** Returns a text that replaces what was typed as soon as its last letter is there. */
  whole?(typed: T): string | undefined;
}

/**
 * Completes what someone types in a field, with a list that the arrow keys, Enter, Tab and Escape work. Input methods have
 * these keys while they are at work. `draw` shows the list.
 */
export function createCompleting<T extends Part, Option>(
  field: HTMLTextAreaElement,
  { list, typedAt, find, textOf, whole }: Completes<T, Option>,
  draw: (state: Completing<T, Option>) => void,
) {
  const none: Completing<T, Option> = { options: [], at: 0 };
  let state = none;
  /** Where the part begins whose list the person closed. */
  let closed = -1;

  const set = (next: Completing<T, Option>) => {
    if (next === state) return;
    draw((state = next));
    const isOpen = next.options.length > 0;
    field.setAttribute("aria-autocomplete", "list");
    for (const [name, value] of [
      ["aria-controls", list],
      ["aria-activedescendant", `${list}-${next.at}`],
    ] as const)
      if (isOpen) field.setAttribute(name, value);
      else if (field.getAttribute("aria-controls") === list || name !== "aria-controls")
        field.removeAttribute(name);
  };

  const accept = (index: number) => {
    const { typed, options } = state;
    const option = options[index];
    set(none);
    if (typed && option !== undefined) insert(field, `${textOf(option)} `, typed.from, typed.to);
  };
  /** Looks at what is before the caret. `replaces` if the last letter of it was typed just now. */
  const look = (replaces: boolean) => {
    const { value, selectionStart: caret, selectionEnd: end } = field;
    const typed = caret === end ? typedAt(value, caret) : undefined;
    if (typed?.from !== closed) closed = -1;
    const text = typed && replaces ? whole?.(typed) : undefined;
    if (typed && text !== undefined) insert(field, text, typed.from, typed.to);
    const options = typed && closed === -1 ? find(typed) : [];
    if (options.length > 0) set({ typed, options, at: 0 });
    else if (state !== none) set(none);
  };
  const onInput = (event: Event) => {
    const { isComposing: composes, inputType } = event as InputEvent;
    if (!composes) look(inputType.startsWith("insert") && inputType !== "insertFromPaste");
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (state.options.length === 0 || isComposing(event)) return;
    if (event.target !== field || event.ctrlKey || event.altKey || event.metaKey || event.shiftKey) return;
    const count = state.options.length;
    if (event.key === "ArrowDown") set({ ...state, at: (state.at + 1) % count });
    else if (event.key === "ArrowUp") set({ ...state, at: (state.at + count - 1) % count });
    else if (event.key === "Enter" || event.key === "Tab") accept(state.at);
    else if (event.key === "Escape") {
      closed = state.typed?.from ?? -1;
      set(none);
    } else return;
    // The list has the key, not the field.
    event.preventDefault();
    event.stopPropagation();
  };
  const onSelection = () => {
    if (state !== none && field.selectionStart !== state.typed?.to) set(none);
  };
  const hide = () => set(none);
  const onComposed = () => look(true);

  return {
    accept,
    look,
    /** Follows the field. Returns a function that stops it. */
    watch() {
      const stop = new AbortController();
      const { signal } = stop;
      field.addEventListener("input", onInput, { signal });
      field.addEventListener("compositionend", onComposed, { signal });
      field.addEventListener("blur", hide, { signal });
      document.addEventListener("selectionchange", onSelection, { signal });
      // Before the field's own keys.
      field.form?.addEventListener("keydown", onKeyDown, { signal, capture: true });
      return () => {
        stop.abort();
        set(none);
      };
    },
  };
}
