/** A screen reader needs about this long for a message, in milliseconds. */
const PACE_MS = 3_000;
/** At most this many are announced at once. */
const MOST = 2;

/** Passes texts on, a few at a time, so that a busy room does not drown everything else. */
export interface Pace {
  add(text: string): void;
  stop(): void;
}

/** `pass` gets the newest texts, and how many before them were dropped. */
export function createPace(pass: (texts: readonly string[], dropped: number) => void): Pace {
  let waiting: string[] = [];
  let timer: ReturnType<typeof setTimeout> | undefined;
  const flush = () => {
    timer = undefined;
    if (waiting.length === 0) return;
    const dropped = Math.max(0, waiting.length - MOST);
    const texts = waiting.slice(dropped);
    waiting = [];
    timer = setTimeout(flush, PACE_MS);
    pass(texts, dropped);
  };
  return {
    add(text) {
      waiting.push(text);
      if (timer === undefined) flush();
    },
    stop: () => clearTimeout(timer),
  };
}
