import type { Variant } from "../protocol/files.ts";

/** What identifies an upload, however often it is sent. */
export interface UploadKey {
  readonly room: string;
  readonly userId: number;
  readonly clientId: string;
}

/** One attempt to upload a file. `id` is new: it names what this attempt stores. */
export interface Attempt extends UploadKey {
  readonly id: string;
  readonly name: string;
  /** In bytes: what was announced, or the largest size. */
  readonly size: number;
}

/** The stored forms of a file, with their sizes in bytes. */
export type Sizes = Readonly<Partial<Record<Variant, number>>>;

/** What an attempt found out about its file once it was stored. */
export interface Content {
  /** In bytes, as it was sent. */
  readonly size: number;
  /** SHA-256 in hex of the bytes that were sent, before metadata were left out. */
  readonly hash: string;
  /** The media type, by its content. */
  readonly type: string;
  /** Null: it is no picture that has a preview. */
  readonly picture: Picture | null;
  readonly sizes: Sizes;
}

export interface Picture {
  /** In pixels, as it is shown. */
  readonly width: number;
  readonly height: number;
  /** A data: URL. */
  readonly placeholder: string | null;
}

export interface StoredFile extends Content {
  readonly id: string;
  readonly name: string;
  /** It is kept back until the scanner has cleared it. */
  readonly held: boolean;
}

/** What may be stored, in bytes. */
export interface Quotas {
  readonly person: number;
  readonly room: number;
}

/** How long what nobody needs may stay, in milliseconds. */
export interface Limits {
  /** An upload without a sign of life. */
  readonly silentMs: number;
  /** A file that waits to be sent. */
  readonly unsentMs: number;
  /** Stored content of which the database knows nothing. */
  readonly strayMs: number;
}

/** A file that is kept back until it is scanned. */
export interface HeldFile {
  readonly id: string;
  /** In bytes, as it was sent. */
  readonly size: number;
}

/** The rows of files that are kept back. */
export interface HeldStore {
  /** Takes some whose time has come, and gives each this long, in milliseconds, before anyone takes it again. */
  take(forMs: number): Promise<readonly HeldFile[]>;
  /** Lets a file go that is clean, or rejects it. Returns false if it is gone, or not kept back any more. */
  settle(id: string, outcome: "clean" | "rejected"): Promise<boolean>;
  /** Puts a file off that could not be scanned. */
  defer(id: string, forMs: number): Promise<void>;
  /** Whether a file of this upload was rejected within the last day. */
  wasRejected(key: UploadKey): Promise<boolean>;
}

/** What moving files from one place to another has to know of their rows. */
export interface MovingStore {
  /** Takes or renews the right to move for some time, in milliseconds. Returns false if someone else has it. */
  hold(holder: string, forMs: number): Promise<boolean>;
  /** Those of some files that are needed, and whether all of it is stored. */
  movable(ids: readonly string[]): Promise<readonly { readonly id: string; readonly isComplete: boolean }[]>;
}

/** An upload over several requests (tus) that has not arrived completely, or not become a file yet. */
export interface Receiving extends UploadKey {
  readonly id: string;
  readonly name: string;
  /** In bytes, as it was announced. */
  readonly size: number;
  /** What has arrived, in its order. */
  readonly parts: readonly Part[];
  /** When something of it last arrived, in milliseconds since 1970. */
  readonly at: number;
}

export interface Part {
  /** It is stored as `part-<name>`. */
  readonly name: string;
  /** In bytes. */
  readonly size: number;
}

/** The rows of uploads over several requests. They count in quotas with their announced size. */
export interface ReceivingStore {
  find(key: UploadKey): Promise<Receiving | undefined>;
  /** Begins one, or finds the one that was begun with this key. */
  begin(attempt: Attempt, quotas: Quotas): Promise<Receiving | "no_room" | "full">;
  /** Adds a part that is stored, if nothing else arrived meanwhile. Returns the upload as it is then, undefined if it is not added. */
  add(receiving: Receiving, part: Part): Promise<Receiving | undefined>;
  /** Ends an upload that has become a file: its parts will be removed. */
  end(id: string): Promise<void>;
  /** Gives up an upload, and a file that was not sent. `sent`: it belongs to a message. */
  withdraw(key: UploadKey): Promise<"withdrawn" | "none" | "sent">;
}

/**
 * The rows of files. A row is there before anything is stored under its id and until all of it is removed. Its state says
 * who may see the file: nobody while it is being stored, its uploader once it is ready, and the readers of its message once
 * it is attached, which happens in the commit of the message.
 */
export interface FileStore {
  /** The file that an upload has become, if it has succeeded before. */
  find(key: UploadKey): Promise<StoredFile | undefined>;
  /** Begins an attempt, if there is such a room and its file fits into the quotas. */
  begin(attempt: Attempt, quotas: Quotas): Promise<"begun" | "no_room" | "full">;
  /** Shows that an attempt goes on. Returns false if it was given up meanwhile. */
  keep(id: string): Promise<boolean>;
  /**
   * Completes an attempt. With `heldMs` it is kept back, and the scanner looks at it again after that time. `taken`: another attempt of the same upload was completed before. `gone`: this one was given up
   * meanwhile.
   */
  complete(id: string, content: Content, heldMs?: number): Promise<"done" | "taken" | "gone">;
  /**
   * Gives an attempt up unless it was completed: what it has stored will be removed. Returns false if it was given up or
   * forgotten before: what it has stored since may stay.
   */
  giveUp(id: string): Promise<boolean>;
  /** A file that may be served. */
  servable(id: string): Promise<StoredFile | undefined>;
  /**
   * Gives up attempts without a sign of life, files that nobody has sent, and strays of which nothing was learnt, some at a
   * time. Returns how many.
   */
  expire(limits: Limits): Promise<number>;
  /** Makes a stray of each of these ids that has no row. Returns how many there were. */
  adopt(ids: readonly string[]): Promise<number>;
  /** The ids of some files that have to be removed, those that wait longest first. */
  doomed(): Promise<readonly string[]>;
  /** Forgets files of which nothing is stored any more. */
  forget(ids: readonly string[]): Promise<void>;
  /** How many files there are in each state, and their bytes as they were sent. */
  count(): Promise<readonly { readonly state: string; readonly files: number; readonly bytes: number }[]>;
  /** Puts files that could not be removed behind the others. */
  postpone(ids: readonly string[]): Promise<void>;
}
