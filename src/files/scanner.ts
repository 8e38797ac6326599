import * as v from "valibot";
import type { Clock } from "../clock.ts";

/** What a scanner found. */
export type Verdict = "clean" | "infected";

/** Asks the operator's scanner about a file. Rejects if it has no verdict: it is away, too slow, or says something else. */
export type Scanner = (content: Blob | ReadableStream<Uint8Array>, size: number) => Promise<Verdict>;

/** How long a scanner may take: a base, and more for each MiB, in milliseconds. */
const BASE_MS = 30_000;
const EACH_MS = 1_000;
/** The longest response, in bytes. */
const ANSWER_MAX = 4096;

const ANSWER = v.object({ clean: v.boolean() });

/** How long the scan of a file may take, in milliseconds. */
export const scanMs = (size: number): number => BASE_MS + Math.ceil(size / 1024 ** 2) * EACH_MS;

/**
 * A scanner behind a URL: `POST` with the file as the body, and the response `{"clean": true}` or `{"clean": false}`. It is the operator's own, so any
 * address will do, but it cannot redirect, because the file would go to another one.
 */
export function createScanner(url: string, clock: Pick<Clock, "after">): Scanner {
  return async (content, size) => {
    const abort = new AbortController();
    const cancel = clock.after(scanMs(size), () => abort.abort(new Error("the scanner took too long")));
    try {
      const response = await fetch(url, {
        method: "POST",
        headers: { "content-type": "application/octet-stream" },
        body: content,
        redirect: "manual",
        signal: abort.signal,
      });
      if (response.status !== 200) throw new Error(`the scanner responded with status ${response.status}`);
      const found = v.safeParse(ANSWER, JSON.parse(await textOf(response)));
      if (!found.success) throw new Error("the scanner did not say whether the file is clean");
      return found.output.clean ? "clean" : "infected";
    } finally {
      cancel();
      abort.abort(); // what is left of either body
    }
  };
}

async function textOf({ body }: Response): Promise<string> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of body ?? []) {
    size += part.length;
    if (size > ANSWER_MAX) throw new Error(`the scanner responded with more than ${ANSWER_MAX} bytes`);
    parts.push(part);
  }
  return Buffer.concat(parts).toString();
}
