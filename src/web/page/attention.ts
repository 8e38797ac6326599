/** Whether the person can be looking at the page: it is visible, and its window has the focus. */
export const isWatched = (page = document): boolean => page.visibilityState === "visible" && page.hasFocus();

/** Calls `listener` when the person comes to the page or leaves it. Returns a function that stops it. */
export function watchAttention(listener: () => void): () => void {
  const events = [
    [document, "visibilitychange"],
    [window, "focus"],
    [window, "blur"],
  ] as const;
  for (const [target, type] of events) target.addEventListener(type, listener);
  return () => events.forEach(([target, type]) => target.removeEventListener(type, listener));
}
