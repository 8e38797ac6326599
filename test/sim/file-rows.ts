import type { FileForms, Seat } from "../../src/chat/ports.ts";
import type { KnownFile } from "../../src/chat/room/attaching.ts";
import type { Attempt, Content, Limits, StoredFile, UploadKey } from "../../src/files/ports.ts";

/** A file as it is stored. */
export interface FileRow extends Attempt {
  readonly state: "uploading" | "ready" | "attached" | "doomed" | "stray";
  readonly messageId: number | null;
  readonly content: Content | undefined;
  /** In virtual milliseconds. */
  readonly at: number;
}

/** A file in a new state, or the end of its row. */
export type FileWrite = { readonly file: FileRow } | { readonly forgotten: string };

interface FileRowsOptions {
  readonly now: () => number;
  readonly roomExists: (room: string) => boolean;
  readonly fenceOf: (room: string) => number;
  /** Messages of a room up to this id belong to an earlier life of it. */
  readonly beginsAfter: (room: string) => number;
  /** Writes a row that belongs to nothing else. */
  write(row: FileWrite): void;
}

/** Rows that one statement gives up, or returns to be removed: few, so that there are more. */
const BATCH = 3;

/** The model of the rows of files: the contracts of `FileStore` and `FileLookup`, and what commits do about files. */
export function createFileRows({ now, roomExists, fenceOf, beginsAfter, write }: FileRowsOptions) {
  let rows = new Map<string, FileRow>();
  /** Everything that was ever written about a file, with the time. It outlives a restore. */
  const past = new Map<string, { readonly at: number; readonly row: FileRow | undefined }[]>();

  const note = (id: string, row: FileRow | undefined) =>
    void past.getOrInsertComputed(id, () => []).push({ at: now(), row });
  const put = (row: FileRow, change: Partial<FileRow>) => write({ file: { ...row, at: now(), ...change } });
  const all = (state: FileRow["state"]) =>
    [...rows.values()].filter((row) => row.state === state).sort((one, other) => one.at - other.at);
  const isOf = (row: FileRow, key: UploadKey) =>
    row.room === key.room && row.userId === key.userId && row.clientId === key.clientId;
  const isDone = ({ state }: FileRow) => state === "ready" || state === "attached";
  const storedOf = ({ id, name, content }: FileRow): StoredFile => ({
    ...(content as Content),
    id,
    name,
    held: false,
  });

  const completed = (key: UploadKey) => [...rows.values()].find((row) => isOf(row, key) && isDone(row));

  return {
    /** Applies what was written. */
    apply(row: FileWrite) {
      if ("file" in row) rows.set(row.file.id, row.file);
      else rows.delete(row.forgotten);
      note("file" in row ? row.file.id : row.forgotten, "file" in row ? row.file : undefined);
    },
    reset() {
      for (const id of rows.keys()) note(id, undefined);
      rows = new Map();
    },
    row: (id: string) => rows.get(id),
    rows: () => [...rows.values()],
    /** The states that a file had since a moment; undefined: it had no row. */
    since(id: string, at: number): readonly (FileRow | undefined)[] {
      const entries = past.get(id) ?? [];
      const before = entries.findLast((entry) => entry.at <= at);
      return [before?.row, ...entries.filter((entry) => entry.at > at).map(({ row }) => row)];
    },
    /** Whether a file was ever ready to be sent, so that nothing more is stored of it. */
    wasEverReady: (id: string) => past.get(id)?.some(({ row }) => row?.state === "ready") ?? false,
    /** Whether a file was ever given up or removed. */
    wasEverDoomed: (id: string) => past.get(id)?.some(({ row }) => row?.state === "doomed") ?? false,

    find: (key: UploadKey): StoredFile | undefined => {
      const row = completed(key);
      return row && storedOf(row);
    },
    begin(attempt: Attempt): "begun" | "no_room" {
      if (!roomExists(attempt.room)) return "no_room";
      write({ file: { ...attempt, state: "uploading", messageId: null, content: undefined, at: now() } });
      return "begun";
    },
    keep(id: string): boolean {
      const row = rows.get(id);
      if (row?.state !== "uploading") return false;
      put(row, {});
      return true;
    },
    complete(id: string, content: Content): "done" | "taken" | "gone" {
      const row = rows.get(id);
      if (row?.state !== "uploading") return "gone";
      if (completed(row)) return "taken";
      put(row, { state: "ready", content, size: content.size });
      return "done";
    },
    giveUp(id: string): boolean {
      const row = rows.get(id);
      if (row) put(row, row.state === "uploading" ? { state: "doomed" } : {});
      return row !== undefined && row.state !== "doomed";
    },
    servable: (id: string): StoredFile | undefined => {
      const row = rows.get(id);
      return row && isDone(row) ? storedOf(row) : undefined;
    },
    expire({ silentMs, unsentMs, strayMs }: Limits): number {
      const limits = { uploading: silentMs, ready: unsentMs, stray: strayMs };
      const due = (["uploading", "ready", "stray"] as const)
        .flatMap((state) => all(state).filter(({ at }) => at < now() - limits[state]))
        .slice(0, BATCH);
      for (const row of due) put(row, { state: "doomed" });
      return due.length;
    },
    adopt(ids: readonly string[]): number {
      const strays = ids.filter((id) => !rows.has(id));
      for (const id of strays) {
        const nobodys = { id, room: "", userId: 0, clientId: id, name: "", size: 0 };
        write({ file: { ...nobodys, state: "stray", messageId: null, content: undefined, at: now() } });
      }
      return strays.length;
    },
    doomed: (): string[] =>
      all("doomed")
        .slice(0, BATCH)
        .map(({ id }) => id),
    forget(ids: readonly string[]) {
      for (const id of ids) if (rows.get(id)?.state === "doomed") write({ forgotten: id });
    },
    postpone(ids: readonly string[]) {
      for (const row of ids.flatMap((id) => rows.get(id) ?? [])) if (row.state === "doomed") put(row, {});
    },

    visible(
      { userId, room }: Seat,
      from: number,
      ids: readonly string[],
    ): { readonly fence: number; readonly files: readonly FileForms[] } {
      const isSeen = (row: FileRow) =>
        row.room === room &&
        (row.state === "attached"
          ? (row.messageId ?? 0) >= from
          : row.state === "ready" && row.userId === userId);
      const found = ids.flatMap((id) => rows.get(id) ?? []).filter(isSeen);
      return {
        fence: fenceOf(room),
        files: found.map(({ id, content }) => ({ id, sizes: (content as Content).sizes })),
      };
    },

    /** The files that a post names, those that nobody has sent. */
    ready: (ids: readonly string[]): Map<string, KnownFile> =>
      new Map(
        ids
          .flatMap((id) => rows.get(id) ?? [])
          .filter(({ state }) => state === "ready")
          .map(({ id, room, userId, name, content }) => {
            const { type, size } = content as Content;
            return [id, { room, userId, shown: JSON.stringify({ id, name, type, size }) }];
          }),
      ),
    /** What a commit writes about the files that a message gets. */
    attached: (id: string, messageId: number): FileWrite => {
      const row = rows.get(id);
      if (!row) throw new Error("a file without a row was attached");
      return { file: { ...row, state: "attached", messageId, at: now() } };
    },
    /** What a commit writes about the files of a message that was deleted. */
    emptied: (room: string, messageId: number): FileWrite[] =>
      [...rows.values()]
        .filter((row) => row.room === room && row.messageId === messageId)
        .map((row) => ({ file: { ...row, state: "doomed", at: now() } })),
    /** Gives up the files of rooms that were deleted. */
    clear() {
      for (const row of rows.values())
        if (row.state === "attached" && (row.messageId ?? 0) <= beginsAfter(row.room))
          put(row, { state: "doomed" });
    },
  };
}

export type FileRows = ReturnType<typeof createFileRows>;
