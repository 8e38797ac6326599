import { createSubject } from "../../client/index.ts";
import type { Source } from "../parts/source.ts";
import type { Attachment } from "./drafts.ts";

/** A message with files that is not committed yet. */
export interface Sending {
  readonly room: string;
  readonly clientId: string;
  readonly content: string;
  readonly replyTo?: number | undefined;
  /** The first message of the thread that it is for. */
  readonly thread?: number | undefined;
  readonly alsoRoom?: true | undefined;
  readonly files: readonly Attachment[];
  /** It is committed. It stays for a moment, until the room's list has it. */
  readonly sent?: true | undefined;
}

/** Uploads files and sends their messages. */
export interface Outgoing extends Source<readonly Sending[]> {
  send(message: Sending): void;
  /** Takes back a message. Returns false if the server may have it already. */
  cancel(clientId: string): boolean;
  /** Keeps the bytes of a file. Returns whether they outlive the page. */
  keep(key: string, file: Blob): Promise<boolean>;
  bytes(key: string): Promise<Blob | undefined>;
  /** Forgets the bytes of files that will not be sent. */
  drop(files: readonly Attachment[]): void;
  /** How much of each file has left, from 0 to 1, by its key. */
  readonly progress: Source<ReadonlyMap<string, number>>;
}

/** What is being sent with files. The code for that is loaded when it is needed. */
export interface Sendings extends Source<readonly Sending[]> {
  load(): Promise<Outgoing>;
}

export function createSendings(create: () => Promise<Outgoing>): Sendings {
  let outgoing: Outgoing | undefined;
  let loading: Promise<Outgoing> | undefined;
  const source = createSubject<readonly Sending[]>(() => outgoing?.snapshot() ?? []);
  const start = async () => {
    outgoing = await create();
    outgoing.subscribe(source.changed);
    source.changed();
    return outgoing;
  };
  return {
    snapshot: source.snapshot,
    subscribe: source.subscribe,
    load: () =>
      (loading ??= start().catch((error: unknown) => {
        loading = undefined;
        throw error;
      })),
  };
}
