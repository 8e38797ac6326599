/** @jsxImportSource hono/jsx/dom */
import { type RefObject, useState } from "hono/jsx/dom";
import { useEffect } from "../parts/effect.ts";
import { loadSheet } from "../parts/sheet.ts";
import sheet from "../style/emoji.css" with { type: "file" };
import type { Talk } from "../composer/talk.ts";

type Completion = typeof import("./completion.tsx").Completion;

interface Loaded {
  readonly Part: Completion;
  readonly area: HTMLTextAreaElement;
}

interface ToolsProps {
  readonly field: RefObject<HTMLTextAreaElement | null>;
  readonly talk: Talk;
}

/** Helps to mention people in a field. The code is loaded when the first @ is typed. */
export function MentionTools({ field, talk }: ToolsProps) {
  const [loaded, setLoaded] = useState<Loaded | undefined>(undefined);
  const [input] = useState({ composing: false });
  useEffect(() => {
    const area = field.current;
    const stop = new AbortController();
    const follow = new AbortController();
    const note = ({ type }: Event) => void (input.composing = type === "compositionstart");
    for (const type of ["compositionstart", "compositionend"])
      area?.addEventListener(type, note, { signal: follow.signal });
    const look = () => {
      if (!area?.value.includes("@")) return;
      stop.abort();
      Promise.all([import("./completion.tsx"), loadSheet(sheet)]).then(
        ([{ Completion }]) => setLoaded({ Part: Completion, area }),
        () => {},
      );
    };
    area?.addEventListener("input", look, { signal: stop.signal });
    return () => {
      stop.abort();
      follow.abort();
    };
  }, []);
  return loaded ? (
    <loaded.Part
      field={loaded.area}
      known={talk.addressing.known}
      me={talk.me()}
      everyone={talk.addressing.mayMentionEveryone()}
      composes={() => input.composing}
    />
  ) : null;
}
