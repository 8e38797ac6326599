/** @jsxImportSource hono/jsx/dom */
import { useState } from "hono/jsx/dom";
import type { Talk } from "../composer/talk.ts";
import { useEffect } from "../parts/effect.ts";
import { Icon } from "../parts/icon.tsx";
import { FILE_ICONS } from "./icons.ts";
import { fileWords } from "../words/files.ts";
import { take } from "./attach.tsx";
import { chosenIn, hasFiles } from "./chosen.ts";

interface DropProps {
  readonly talk: Talk;
  /** What the room is called. */
  readonly label: string;
}

/** While something is dragged over the page, the browser reports that at least this often, in milliseconds. */
const SILENT_MS = 700;

/** While files are dragged over the page, the whole conversation takes them. Elsewhere they do nothing. */
export function Drop({ talk, label }: DropProps) {
  const [over, setOver] = useState(false);
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout>;
    /** Not every browser says when a drag has left the window. */
    const show = (isOver: boolean) => {
      clearTimeout(timer);
      if (isOver) timer = setTimeout(setOver, SILENT_MS, false);
      setOver(isOver);
    };
    const zoneOf = ({ target }: DragEvent) => (target as Element | null)?.closest?.("#conversation");
    const onDrag = (event: DragEvent) => {
      if (!hasFiles(event.dataTransfer) || event.defaultPrevented) return;
      // A file that is dropped beside the conversation must not replace the page.
      event.preventDefault();
      const isOver = !!zoneOf(event) && !document.querySelector("dialog[open]");
      event.dataTransfer.dropEffect = isOver ? "copy" : "none";
      show(isOver);
    };
    const onDrop = (event: DragEvent) => {
      show(false);
      if (!hasFiles(event.dataTransfer) || event.defaultPrevented) return;
      event.preventDefault();
      if (zoneOf(event) && !document.querySelector("dialog[open]")) take(talk, chosenIn(event.dataTransfer));
    };
    /** It left the window, or Escape ended it. */
    const onLeave = (event: DragEvent) => event.relatedTarget === null && show(false);
    const listeners = [
      ["dragenter", onDrag],
      ["dragover", onDrag],
      ["dragleave", onLeave],
      ["dragend", () => show(false)],
      ["drop", onDrop],
    ] as [string, EventListener][];
    for (const [type, listener] of listeners) addEventListener(type, listener);
    return () => {
      clearTimeout(timer);
      for (const [type, listener] of listeners) removeEventListener(type, listener);
    };
  }, [talk]);
  if (!over) return null;
  return (
    <div class="drop">
      <p>
        <Icon path={FILE_ICONS.attach} /> {fileWords.drop(<bdi>{label}</bdi>)}
      </p>
    </div>
  );
}
