import { useLayoutEffect, useRef, useState } from "hono/jsx/dom";
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

/** Returns what `read` makes of a source. Renders before the next event, so that keys go where the person sees them go. */
export function useNow<T>(source: Source<unknown>, read: () => T): T {
  const [, redraw] = useState(0);
  const value = read();
  const drawn = useRef(value);
  drawn.current = value;
  useLayoutEffect(
    () => source.subscribe(() => read() !== drawn.current && redraw((count) => count + 1)),
    [source],
  );
  return value;
}
