import type { Attachment, Change, Post, Refused } from "../change.ts";
import type { Message } from "../../message.ts";
import { HELD } from "./refusals.ts";

/** A file that is not attached to a message yet. */
export interface KnownFile {
  readonly room: string;
  readonly userId: number;
  /** Why it cannot be sent, if so. */
  readonly barred?: "file_held" | "file_rejected" | undefined;
  /** What clients see of it, as JSON without the alternative text. */
  readonly shown: string;
}

/** What a batch does about files. */
export interface Attached {
  /** Files that belong to a message from now on. */
  readonly attached: readonly {
    readonly room: string;
    readonly messageId: number;
    readonly file: Attachment;
  }[];
  /** Messages that were deleted and had files, which are removed with them. */
  readonly emptied: readonly { readonly room: string; readonly messageId: number }[];
}

/** Decides who may send which files, as far as the batch has come. `known`: the files that posts name, by id. */
export function createAttaching(known: ReadonlyMap<string, KnownFile> | undefined) {
  const attached = new Map<string, Attached["attached"][number]>();
  const emptied: Attached["emptied"][number][] = [];
  return {
    /** The files of a post as JSON; null: it names none; or why its sender cannot send them. */
    filesOf({ room, senderId, files }: Post): string | null | Refused {
      if (!files) return null;
      const shown: string[] = [];
      for (const { id, alt } of files) {
        const file = attached.has(id) ? undefined : known?.get(id);
        if (file?.room !== room || file.userId !== senderId) return { refused: "file_missing" };
        if (file.barred === "file_held") return HELD;
        if (file.barred) return { refused: file.barred };
        shown.push(alt ? `${file.shown.slice(0, -1)},"alt":${JSON.stringify(alt)}}` : file.shown);
      }
      return `[${shown.join()}]`;
    },
    /** A change has made a message what it is now. `old`: what it was; undefined: it is new. */
    changed(
      change: Change,
      old: Pick<Message, "files"> | undefined,
      { id, files }: Pick<Message, "id" | "files">,
    ) {
      const { room } = change;
      if (change.kind === "post")
        for (const file of change.files ?? []) attached.set(file.id, { room, messageId: id, file });
      if (old?.files && files === null) emptied.push({ room, messageId: id });
    },
    written: (): Attached => ({ attached: [...attached.values()], emptied }),
  };
}
