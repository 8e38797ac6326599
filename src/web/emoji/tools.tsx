/** @jsxImportSource hono/jsx/dom */
import { type RefObject, useState } from "hono/jsx/dom";
import { useEffect } from "../parts/effect.ts";
import { Icon } from "../parts/icon.tsx";
import { loadSheet } from "../parts/sheet.ts";
import { lazy } from "../parts/lazy.tsx";
import sheet from "../style/emoji.css" with { type: "file" };
import { talkWords } from "../words/talk.ts";
import { insert } from "./insert.ts";

type Completion = typeof import("./completion.tsx").Completion;

interface Loaded {
  readonly Part: Completion;
  readonly area: HTMLTextAreaElement;
  readonly composes: () => boolean;
}

/** The dialog of all emoji. */
export const EmojiPicker = lazy(() => import("./picker.tsx").then(({ EmojiPicker }) => EmojiPicker), sheet);

/** Helps to write emoji in a field: a button that opens the picker, and a list for shortcodes. */
export function EmojiTools({ field }: { readonly field: RefObject<HTMLTextAreaElement | null> }) {
  const [open, setOpen] = useState(false);
  const [loaded, setLoaded] = useState<Loaded | undefined>(undefined);
  useEffect(() => {
    const area = field.current;
    const stop = new AbortController();
    const follow = new AbortController();
    let composing = false;
    const note = ({ type }: Event) => void (composing = type === "compositionstart");
    for (const type of ["compositionstart", "compositionend"])
      area?.addEventListener(type, note, { signal: follow.signal });
    // The code is loaded when the first colon is typed. Without it, shortcodes stay text.
    const look = () => {
      if (!area?.value.includes(":")) return;
      stop.abort();
      Promise.all([import("./completion.tsx"), loadSheet(sheet)]).then(
        ([{ Completion }]) => setLoaded({ Part: Completion, area, composes: () => composing }),
        () => {},
      );
    };
    area?.addEventListener("input", look, { signal: stop.signal });
    return () => {
      stop.abort();
      follow.abort();
    };
  }, []);
  const choose = (emoji: string) => {
    const area = field.current;
    if (area) insert(area, emoji, area.selectionStart, area.selectionEnd);
  };
  return (
    <>
      {loaded && <loaded.Part field={loaded.area} composes={loaded.composes} />}
      <button
        type="button"
        class="plain"
        aria-label={talkWords.emoji.open}
        title={talkWords.emoji.open}
        onClick={() => setOpen(true)}
      >
        <Icon name="react" />
      </button>
      {open && <EmojiPicker choose={choose} close={() => setOpen(false)} />}
    </>
  );
}
