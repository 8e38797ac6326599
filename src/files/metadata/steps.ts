/**
 * What the reader of a format wants next of the bytes that arrive. `peek` and `take` return that many bytes, fewer at the end
 * of the file. `pass`, `drop` and `blank` keep that many, leave them out, or replace them by zeros. `put` adds bytes. `scan` keeps or
 * leaves out what a function walks over, which is called again with more bytes until it is done.
 */
export type Step =
  | { readonly peek: number }
  | { readonly take: number }
  | { readonly pass: number }
  | { readonly drop: number }
  | { readonly blank: number }
  | { readonly put: Uint8Array }
  | { readonly scan: Scan; readonly keep: boolean };

/** Walks over bytes from `at`. Returns where it stopped, and whether it has found what it looks for. */
export type Scan = (bytes: Uint8Array, at: number) => { readonly at: number; readonly done: boolean };

/**
 * The reader of a format: it yields what it wants, and returns whether it understood the file. What follows is left out if it did,
 * because it does not belong to the picture, and kept if not.
 */
export type Steps = Generator<Step, boolean, Uint8Array>;

/** The most steps of one file. Pictures need far fewer; more would only keep the server busy. */
const STEPS_MAX = 1_000_000;
const NOTHING = new Uint8Array();

/** Runs a reader over parts as they arrive, and yields what remains of them. Calls `misread` if the reader gives up. */
export async function* filtered(
  parts: AsyncIterable<Uint8Array>,
  steps: Steps,
  misread: () => void,
): AsyncGenerator<Uint8Array> {
  let step = steps.next();
  let count = 0;
  /** Bytes of the current step that have been dealt with. */
  let walked = 0;
  let bytes: Uint8Array = NOTHING;
  let at = 0;

  const advance = (given: Uint8Array) => {
    walked = 0;
    step = ++count > STEPS_MAX ? { done: true, value: false } : steps.next(given);
    if (step.done && !step.value) misread();
  };

  /** Runs steps until they need more bytes than there are. */
  function* run(isLast: boolean): Generator<Uint8Array> {
    for (;;) {
      const left = bytes.length - at;
      if (step.done) {
        if (!step.value) yield bytes.subarray(at);
        at = bytes.length;
        return;
      }
      const wish = step.value;
      if ("put" in wish) {
        yield wish.put;
        advance(NOTHING);
      } else if ("peek" in wish || "take" in wish) {
        const length = "peek" in wish ? wish.peek : wish.take;
        if (left < length && !isLast) return;
        const given = bytes.subarray(at, at + length);
        if ("take" in wish) at += given.length;
        advance(given);
      } else if ("scan" in wish) {
        const { at: end, done } = wish.scan(bytes, at);
        if (wish.keep) yield bytes.subarray(at, end);
        at = end;
        if (!done && !isLast) return;
        advance(NOTHING);
      } else {
        const wanted = "pass" in wish ? wish.pass : "drop" in wish ? wish.drop : wish.blank;
        const length = Math.min(left, wanted - walked);
        if ("pass" in wish) yield bytes.subarray(at, at + length);
        if ("blank" in wish) yield new Uint8Array(length);
        at += length;
        walked += length;
        if (walked < wanted && !isLast) return;
        advance(NOTHING);
      }
    }
  }

  /** One part for each that arrived, because small ones are slow to store. */
  const next = (isLast: boolean) => {
    const found = [...run(isLast)].filter(({ length }) => length > 0);
    bytes = bytes.subarray(at);
    at = 0;
    return found.length === 1 ? (found[0] as Uint8Array) : Buffer.concat(found);
  };
  for await (const part of parts) {
    bytes = bytes.length === 0 ? part : Buffer.concat([bytes, part]);
    const rest = next(false);
    if (rest.length > 0) yield rest;
  }
  const rest = next(true);
  if (rest.length > 0) yield rest;
}
