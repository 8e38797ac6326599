/** @jsxImportSource hono/jsx/dom */
import { useRef, useState } from "hono/jsx/dom";
import type { Talk } from "../composer/talk.ts";
import { useLayer } from "../page/layers.ts";
import { useBack, useOutside } from "../parts/dismiss.ts";
import { useEffect } from "../parts/effect.ts";
import { Icon } from "../parts/icon.tsx";
import { FILE_ICONS } from "./icons.ts";
import { fileWords } from "../words/files.ts";
import { type Chosen, chosenIn, isFilePaste } from "./chosen.ts";

/** Adds files to the draft. The code for that is loaded with the first of them. */
export const take = (talk: Talk, chosen: Chosen): void =>
  void import("./choosing.ts")
    .then(({ choose }) => choose(talk, chosen))
    .catch(() => talk.tell(fileWords.notLoaded));

interface AttachProps {
  readonly talk: Talk;
  readonly field: { readonly current: HTMLTextAreaElement | null };
}

/** Adds files to the message: by a button, and by pasting anywhere in the conversation. */
export function Attach({ talk, field }: AttachProps) {
  const picker = useRef<HTMLInputElement>(null);
  const camera = useRef<HTMLInputElement>(null);
  const [asks, setAsks] = useState(false);

  useEffect(() => {
    const onPaste = (event: ClipboardEvent) => {
      const target = event.target as Element | null;
      const elsewhere = target !== field.current && target?.closest("input, textarea, dialog");
      if (event.defaultPrevented || elsewhere || !isFilePaste(event.clipboardData)) return;
      event.preventDefault();
      take(talk, chosenIn(event.clipboardData));
      field.current?.focus({ preventScroll: true });
    };
    document.addEventListener("paste", onPaste);
    return () => document.removeEventListener("paste", onPaste);
  }, [talk]);

  if (talk.fileMax() === undefined) return null;
  const picked = ({ target }: Event) => {
    const input = target as HTMLInputElement;
    const files = [...(input.files ?? [])];
    input.value = ""; // so that the same file can be chosen again
    if (files.length > 0) take(talk, { files });
    field.current?.focus({ preventScroll: true });
  };
  const ask = () => {
    if (matchMedia("(pointer: coarse)").matches) setAsks(true);
    else picker.current?.click();
  };
  return (
    <>
      {asks && (
        <Ways
          close={() => setAsks(false)}
          photo={() => camera.current?.click()}
          pick={() => picker.current?.click()}
        />
      )}
      <input ref={picker} type="file" multiple hidden aria-label={fileWords.add} onChange={picked} />
      <input
        ref={camera}
        type="file"
        accept="image/*"
        capture="environment"
        hidden
        aria-label={fileWords.photo}
        onChange={picked}
      />
      <button
        type="button"
        class="plain attach"
        aria-label={fileWords.add}
        title={fileWords.add}
        onClick={ask}
      >
        <Icon path={FILE_ICONS.attach} />
      </button>
    </>
  );
}

interface WaysProps {
  readonly close: () => void;
  readonly photo: () => void;
  readonly pick: () => void;
}

/** On a touch device: the camera, or files that are there already. */
function Ways({ close, photo, pick }: WaysProps) {
  const menu = useLayer<HTMLDivElement>(true, close);
  useBack(close);
  useOutside(menu, close);
  const run = (work: () => void) => {
    work();
    close();
  };
  return (
    <div ref={menu} class="ways" role="dialog" aria-label={fileWords.add}>
      <button type="button" class="plain" onClick={() => run(photo)}>
        <Icon path={FILE_ICONS.camera} /> {fileWords.photo}
      </button>
      <button type="button" class="plain" onClick={() => run(pick)}>
        <Icon path={FILE_ICONS.file} /> {fileWords.pick}
      </button>
    </div>
  );
}
