import { useLayoutEffect, useState } from "hono/jsx/dom";
import type { Source } from "./source.ts";

/** Returns the source's latest snapshot. Renders the component at most once per frame, however often the source changes. */
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
