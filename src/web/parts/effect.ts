import { useLayoutEffect } from "hono/jsx/dom";

/**
 * Runs `effect` once the component is on the screen, and its result before the next run and when the component is gone.
 * Hono's own runs an effect again for each render before the next frame, and cleans up after the last one only.
 */
export function useEffect(effect: () => void | (() => void), deps?: readonly unknown[]): void {
  useLayoutEffect(() => {
    let end: void | (() => void);
    const frame = requestAnimationFrame(() => (end = effect()));
    return () => {
      cancelAnimationFrame(frame);
      end?.();
    };
  }, deps);
}
