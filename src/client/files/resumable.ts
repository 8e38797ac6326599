import { errorOf, passing, unexpected } from "../errors.ts";
import { roomPath } from "../page.ts";
import type { Request, Session } from "../session.ts";
import type { Steady } from "../steady.ts";
import type { Putter } from "./put.ts";

/** Larger files than this are uploaded in parts, in bytes. */
export const WHOLE_MAX = 50 * 1024 * 1024;
/** The size of a part, in bytes: at most this much is sent again after a lost connection. */
const PART = 8 * 1024 * 1024;

interface ResumableOptions {
  readonly session: Session;
  readonly steady: Steady;
  readonly repeat: Request;
  readonly put: Putter;
}

export interface ResumableUpload {
  readonly room: string;
  /** In lower case. */
  readonly clientId: string;
  readonly name: string;
  readonly file: Blob;
  readonly signal: AbortSignal | undefined;
  /** Nobody can continue the upload later, so the server forgets it when `signal` is aborted. */
  readonly once: boolean;
  /** So many bytes of the file have left, those of earlier attempts included. */
  progress(loaded: number): void;
}

/**
 * Uploads a file over several requests (tus 1.0). After a failure it asks the server how much has arrived, and continues there.
 * Resolves to the description of the file. @throws {ChatError} @throws the reason of `signal`.
 */
export type UploadInParts = (upload: ResumableUpload) => Promise<unknown>;

export const createResumable =
  ({ session, steady, repeat, put }: ResumableOptions): UploadInParts =>
  async ({ room, clientId, name, file, signal: given, once, progress }) => {
    const path = roomPath(room, `files/${clientId}`);
    /** How much has arrived. Undefined: the server has to say it. */
    let offset: number | undefined;

    /** Makes a request of tus. Resolves to the offset in the response. */
    const send = async (
      request: Pick<Parameters<Putter>[0], "method" | "path" | "headers" | "body">,
      from: number,
      signal: AbortSignal,
    ) => {
      const { headers } = await session.withToken((token) =>
        put({
          ...request,
          headers: { ...request.headers, "tus-resumable": "1.0.0" },
          token,
          signal,
          progress: (loaded) => progress(from + loaded),
        }),
      );
      return offsetIn(headers);
    };

    /** Begins the upload, or finds out how far it is if it was begun before. */
    const begin = (signal: AbortSignal) =>
      send(
        {
          method: "POST",
          path: roomPath(room, "files"),
          headers: {
            "upload-length": String(file.size),
            "upload-metadata": `filename ${base64(name)},clientId ${base64(clientId)}`,
          },
          body: undefined,
        },
        0,
        signal,
      );

    const step = async (signal: AbortSignal) => {
      const from = (offset ??= await begin(signal));
      progress(from);
      if (from >= file.size) return;
      offset = undefined; // unless there is a response
      try {
        offset = await send(
          {
            method: "PATCH",
            path,
            headers: { "upload-offset": String(from), "content-type": "application/offset+octet-stream" },
            body: file.slice(from, from + PART),
          },
          from,
          signal,
        );
      } catch (error) {
        const { code, message } = errorOf(error);
        // More of an earlier request has arrived meanwhile, or the server gave the upload up after a day.
        if (code === "wrong_offset" || code === "not_found") throw passing(code, message);
        throw error;
      }
    };

    try {
      // Each part that arrives ends the backoff.
      while (offset === undefined || offset < file.size) await steady.run(step, given);
      return (await repeat("GET", path, { signal: given })).body;
    } catch (error) {
      // It would count in the person's quota for a day.
      if (once && given?.aborted) session.request("DELETE", path).catch(() => {});
      throw error;
    }
  };

function offsetIn(headers: Headers): number {
  const offset = Number(headers.get("upload-offset") ?? NaN);
  if (Number.isSafeInteger(offset)) return offset;
  throw unexpected();
}

/** Names are cut to so many UTF-16 code units. The server keeps fewer. */
const NAME_MAX = 500;

const base64 = (text: string) =>
  btoa(String.fromCharCode(...new TextEncoder().encode(text.slice(-NAME_MAX))));
