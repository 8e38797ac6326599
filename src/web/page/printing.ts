import { flushSync, useState } from "hono/jsx/dom";
import { useEffect } from "../parts/effect.ts";
import type { Room } from "../../client/index.ts";

/** Larger pages would wait for one response for long. */
const PAGE = 500;
/** Paper for more messages is rarely wanted. */
const PAGES_MAX = 20;

/** Whether the page is being printed. Then the conversation is there as a whole, not only what is on the screen. */
export function usePrinting(room: Room): boolean {
  const [printing, setPrinting] = useState(false);
  useEffect(() => {
    const paper = matchMedia("print");
    const set = (on: boolean) => flushSync(() => setPrinting(on));
    const before = () => set(true);
    const after = () => set(false);
    const changed = () => set(paper.matches);
    const onKeyDown = async (event: KeyboardEvent) => {
      if (event.key !== "p" || !(event.ctrlKey || event.metaKey) || event.shiftKey || event.altKey) return;
      if (!room.snapshot().more) return;
      event.preventDefault();
      // Without a connection, what is here is printed.
      for (let page = 0; page < PAGES_MAX && room.snapshot().more; page++)
        if (
          !(await room.older({ limit: PAGE }).then(
            () => true,
            () => false,
          ))
        )
          break;
      print();
    };
    addEventListener("beforeprint", before);
    addEventListener("afterprint", after);
    addEventListener("keydown", onKeyDown);
    paper.addEventListener("change", changed);
    return () => {
      removeEventListener("beforeprint", before);
      removeEventListener("afterprint", after);
      removeEventListener("keydown", onKeyDown);
      paper.removeEventListener("change", changed);
    };
  }, [room]);
  return printing;
}
