import { useLayoutEffect, useState } from "hono/jsx/dom";
import type { Source } from "./source.ts";

/** What a source shows now. However often it changes, the component is drawn once a frame at most. */
export function useLatest<T>(source: Source<T>): T {
  const [, redraw] = useState(0);
  const drawn = source.snapshot();
  useLayoutEffect(() => {
    let frame: number | undefined;
    const draw = () => {
      frame = undefined;
      redraw((count) => count + 1);
    };
    const changed = () => void (frame ??= requestAnimationFrame(draw));
    if (source.snapshot() !== drawn) changed();
    const off = source.subscribe(changed);
    return () => {
      off();
      if (frame !== undefined) cancelAnimationFrame(frame);
    };
  }, [source]);
  return drawn;
}
