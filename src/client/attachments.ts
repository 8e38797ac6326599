/** What the server says about a file. */
export interface UploadedFile {
  readonly id: string;
  readonly name: string;
  /** The media type by the content. */
  readonly type: string;
  /** In bytes. */
  readonly size: number;
  /** In pixels, as it is shown. Only of pictures that have a preview. */
  readonly width?: number | undefined;
  readonly height?: number | undefined;
  /** A tiny version as a `data:` URL. Only of pictures that have a preview. */
  readonly placeholder?: string | undefined;
  /** The scanner of the server has not let it through yet, so nobody can load it and no message can have it. */
  readonly held?: true | undefined;
}

/** A file of a message. */
export interface MessageFile extends UploadedFile {
  /** What it shows, as its sender says. */
  readonly alt?: string | undefined;
}

/**
 * The bytes of a file. Blobs are read when they are sent, and so are those that stand for a file of a disk: `File`,
 * `openAsBlob(path)` in Node, `Bun.file(path)`.
 */
export type FileBytes = Blob | ArrayBuffer | ArrayBufferView;

export interface UploadProgress {
  /** In bytes. If an attempt has to be repeated, it begins again at 0, or at what the server has of a file above 50 MiB. */
  readonly loaded: number;
  readonly total: number;
}

export interface UploadOptions {
  /** Defaults to the name of a `File`. */
  readonly name?: string | undefined;
  /**
   * The UUID of the upload: the same one with the same bytes is the same file, and continues an aborted upload of a file above 50 MiB.
   * Defaults to a random one.
   */
  readonly clientId?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Called when bytes have left. If the platform does not tell, it is only called for the parts of files above 50 MiB. */
  readonly onProgress?: ((progress: UploadProgress) => void) | undefined;
}

/** A file to send: either one that is uploaded (`id`), or one that the outbox uploads (`file`). */
export interface OutgoingFile {
  readonly id?: string | undefined;
  readonly file?: FileBytes | undefined;
  /** Defaults to the name of a `File`. */
  readonly name?: string | undefined;
  /** What it shows: one line of at most 500 characters. */
  readonly alt?: string | undefined;
}

/** A file of a message that waits in the outbox. */
export interface WaitingFile extends Partial<MessageFile> {
  /** Absent if the message was sent with the id of the file, or by an earlier run. */
  readonly file?: Blob | undefined;
  /** How many bytes have left, if the platform tells. */
  readonly loaded?: number | undefined;
}

/** Returns a file as the outbox keeps it. */
export const waitingFile = (given: FileBytes | OutgoingFile | MessageFile): WaitingFile => {
  const isBytes = "slice" in given || ArrayBuffer.isView(given);
  const { file: bytes, ...said } = (isBytes ? { file: given } : given) as OutgoingFile & Partial<MessageFile>;
  if (!bytes) return said;
  const file = "type" in bytes ? bytes : new Blob([bytes as BlobPart]);
  const { type, size } = file;
  return { name: (file as File).name, type, size, ...said, file };
};

/** Returns a change as the server takes it. */
export const sendable = (change: object & { readonly files?: readonly WaitingFile[] | undefined }) => ({
  ...change,
  files: change.files?.map(({ id, alt }) => ({ id, alt })),
});

/** Returns a file without its bytes, for the storage. */
export const storable = ({ file: _, loaded: __, ...file }: WaitingFile): WaitingFile => file;
