import type { Clock } from "../clock.ts";
import { Refusal } from "../errors.ts";

/** The longest silence in an upload, in milliseconds. */
const SILENCE_MS = 60_000;
/** The least pace of an upload on average, in bytes a second. It counts after {@link GRACE_MS}. */
const PACE = 1024;
const GRACE_MS = 60_000;

/** Parts larger than this never arrive. */
interface Arriving {
  readonly clock: Clock;
  /** The most bytes. */
  readonly max: number;
  /** The length that was announced, if any. */
  readonly declared: number | undefined;
  /** Called with the size of each part. */
  arrived(bytes: number): void;
}

/**
 * Yields the parts of an upload as they arrive, and never holds more than one. It may take as long as it needs, as long as
 * it keeps a least pace, which slow phones do.
 * @throws {Refusal} file_too_large; request_timeout; malformed if it ends before or after its announced length.
 */
export async function* arriving(
  body: ReadableStream<Uint8Array> | null,
  { clock, max, declared, arrived }: Arriving,
): AsyncGenerator<Uint8Array> {
  const begun = clock.monotonic();
  let size = 0;
  const reader = body?.getReader();
  try {
    for (;;) {
      const paceMs = GRACE_MS + (size / PACE) * 1000 - (clock.monotonic() - begun);
      const part = reader && (await next(reader, clock, Math.min(SILENCE_MS, paceMs)));
      if (!part) break;
      size += part.length;
      arrived(part.length);
      if (size > max) throw new Refusal("file_too_large", CLOSING);
      if (declared !== undefined && size > declared) throw incomplete();
      yield part;
    }
    if (declared !== undefined && size !== declared) throw incomplete();
  } finally {
    void reader?.cancel().catch(() => {});
  }
}

/** What is left of the body is not read, so the connection cannot be used again. */
export const CLOSING = { headers: { connection: "close" } } as const;

const incomplete = () =>
  new Refusal("malformed", { detail: "The body does not have the length that was announced.", ...CLOSING });

function next(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  clock: Clock,
  limitMs: number,
): Promise<Uint8Array | undefined> {
  return new Promise((resolve, reject) => {
    const cancel = clock.after(Math.max(0, limitMs), () => reject(new Refusal("request_timeout", CLOSING)));
    reader.read().then(
      ({ value }) => (cancel(), resolve(value)),
      // The client is gone.
      () => (cancel(), reject(incomplete())),
    );
  });
}
