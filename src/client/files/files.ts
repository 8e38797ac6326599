import { abortable } from "../abort.ts";
import type { FileBytes, UploadedFile, UploadOptions, WaitingFile } from "../attachments.ts";
import { waitingFile } from "../attachments.ts";
import type { ChatState } from "../chatstate.ts";
import { ChatError, unexpected } from "../errors.ts";
import { isFile } from "../frames.ts";
import type { Limits } from "../message.ts";
import { roomPath } from "../page.ts";
import type { Ports } from "../ports.ts";
import type { Room } from "../roomstate.ts";
import type { Request, Session } from "../session.ts";
import type { Steady } from "../steady.ts";
import type { Store } from "../subject.ts";
import { createPut, type PutOptions } from "./put.ts";
import { createResumable, WHOLE_MAX } from "./resumable.ts";
import { createUrls } from "./urls.ts";

// The part of the client for files: uploads, and the addresses of files.

/** How many uploads run at once. */
const AT_ONCE = 2;
/** The shortest time between two reports of progress about a message, in milliseconds. */
const REPORT_MS = 100;
/** Time between two questions about a file that waits for a scanner, in milliseconds. */
const HELD_MS = 5_000;

interface FilesOptions extends PutOptions {
  readonly ports: Pick<Ports, "fetch" | "clock" | "uuid">;
  readonly session: Session;
  readonly steady: Steady;
  readonly repeat: Request;
  readonly chat: Store<ChatState>;
  /** Connects, unless the application has ended that. */
  readonly need: () => void;
}

export interface Files {
  upload(room: string, file: FileBytes, options?: UploadOptions): Promise<UploadedFile>;
  /** Uploads the files of a message that are not uploaded yet. `report` gets all its files after each change. */
  uploadAll(
    room: string,
    files: readonly WaitingFile[],
    signal: AbortSignal,
    report: (files: readonly WaitingFile[]) => void,
  ): Promise<void>;
  /** Returns what finds out the addresses of the files of a room. */
  urls(room: string): Room["files"];
}

export function createFiles(options: FilesOptions): Files {
  const { ports, session, steady, chat } = options;
  const put = createPut(options);
  const uploadInParts = createResumable({ ...options, put });
  let running = 0;
  const queue: (() => void)[] = [];

  /** Runs `work` once fewer than two uploads run. */
  const inTurn = async <T>(signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> => {
    if (running >= AT_ONCE) await new Promise<void>((resolve) => queue.push(resolve));
    else running++;
    try {
      signal?.throwIfAborted();
      return await work();
    } finally {
      const next = queue.shift();
      if (next) next();
      else running--;
    }
  };

  /** The server's limits, once it says them. */
  const limits = async (signal: AbortSignal | undefined): Promise<Limits> => {
    await session.token();
    options.need();
    let off = () => {};
    const known = new Promise<Limits>((resolve, reject) => {
      const look = () => {
        const { limits, connection } = chat.snapshot();
        if (limits) resolve(limits);
        else if (connection.state === "closed") reject(connection.error);
      };
      off = chat.subscribe(look);
      look();
    });
    return abortable(known, signal).finally(off);
  };

  const upload = async (
    room: string,
    bytes: FileBytes,
    { name, clientId: given, signal, onProgress }: UploadOptions,
    once: boolean,
  ): Promise<UploadedFile> => {
    const clientId = (given ?? ports.uuid()).toLowerCase();
    const { file, name: called = "" } = waitingFile({ file: bytes, ...(name !== undefined && { name }) });
    if (!file) throw new ChatError("invalid", "There is no file to upload.");
    const { size: total } = file;
    const { fileBytes = Infinity } = await limits(signal);
    if (total > fileBytes)
      throw new ChatError("file_too_large", `The server takes files of at most ${fileBytes} bytes.`, {
        room,
      });
    // Nothing that the application does with it can disturb the upload.
    const progress = (loaded: number) => void Promise.resolve({ loaded, total }).then(onProgress);
    if (total > WHOLE_MAX)
      return fileIn(await uploadInParts({ room, clientId, name: called, file, signal, once, progress }));
    const path = `${roomPath(room, `files/${clientId}`)}?${new URLSearchParams({ name: called })}`;
    const { body } = await steady.run(
      (signal) => session.withToken((token) => put({ path, token, body: file, signal, progress })),
      signal,
    );
    return fileIn(body);
  };

  /** `once`: nobody else knows the UUID. */
  const uploadInTurn = (
    room: string,
    file: FileBytes,
    given: UploadOptions = {},
    once = given.clientId === undefined,
  ) =>
    abortable(
      inTurn(given.signal, () => upload(room, file, given, once)),
      given.signal,
    );

  return {
    upload: (room, file, given) => uploadInTurn(room, file, given),
    async uploadAll(room, files, signal, report) {
      let now = files;
      let reportedAt = -Infinity;
      const set = (at: number, more: WaitingFile) => {
        now = now.map((file, n) => (n === at ? { ...file, ...more } : file));
        const time = ports.clock.monotonic();
        if (more.id === undefined && time - reportedAt < REPORT_MS) return;
        reportedAt = time;
        report(now);
      };
      const each = files.map(async ({ id, file, name }, at) => {
        if (id !== undefined) return;
        // Storages keep no bytes.
        if (!file)
          throw new ChatError("file_missing", "A file was not uploaded before the page was closed.", {
            room,
          });
        const onProgress = ({ loaded }: { readonly loaded: number }) => set(at, { loaded });
        const clientId = ports.uuid();
        let stored = await uploadInTurn(room, file, { name, clientId, signal, onProgress }, true);
        while (stored.held) {
          const pause = new Promise<void>((resolve) => void ports.clock.after(HELD_MS, resolve));
          await abortable(pause, signal);
          stored = fileIn(
            (await options.repeat("GET", roomPath(room, `files/${clientId}`), { signal })).body,
          );
        }
        set(at, stored);
      });
      await Promise.all(each);
    },
    urls: (room) => createUrls({ ...options, room, clock: ports.clock }),
  };
}

function fileIn(body: unknown): UploadedFile {
  if (isFile(body)) return body as unknown as UploadedFile;
  throw unexpected();
}
