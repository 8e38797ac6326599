import { type Variant, VARIANTS } from "../protocol/files.ts";

/** What is stored under an id: the forms of a file, and the parts of an upload over several requests, which have names. */
export type Form = Variant | `part-${string}`;

/** A part of a file: from its first to its last byte, both included. */
export interface Range {
  readonly first: number;
  readonly last: number;
}

/**
 * Where the content of files is kept, on a disk or in a bucket. Nothing in it refers to anything: which of it is complete,
 * and whose it is, only the rows of files say.
 */
export interface Blobs {
  /** Whether there is room for this many bytes. */
  hasRoom(bytes: number): Promise<boolean>;
  /** Stores parts as they arrive. Once it resolves, they survive a power failure. If it rejects, some may be stored. */
  write(id: string, form: Form, parts: AsyncIterable<Uint8Array>): Promise<void>;
  /** Reads all of it into memory. */
  read(id: string, form: Form): Promise<Uint8Array<ArrayBuffer>>;
  /** The body of a response; undefined if nothing is stored there. */
  body(id: string, form: Form, range?: Range): Promise<Blob | ReadableStream<Uint8Array> | undefined>;
  /** Removes everything that is stored under an id. Succeeds if there is nothing. Once it resolves, it is gone for good. */
  remove(id: string): Promise<void>;
  /** The ids under which anything is stored, some at a time, in any order. An id may come again. */
  stored(): AsyncIterable<readonly string[]>;
  /** Removes one form. Succeeds if it is not there. */
  discard(id: string, form: Form): Promise<void>;
}

const NAME = new RegExp(
  `^([\\da-f]{8}(?:-[\\da-f]{4}){3}-[\\da-f]{12})\\.(?:${VARIANTS.join("|")}|part-[\\da-f]{8})$`,
);

/** The id in the name under which something is stored; undefined: this server has not stored it. */
export const idIn = (name: string): string | undefined => NAME.exec(name)?.[1];
