import type { FileForms, Seat } from "../../src/chat/ports.ts";
import { Refusal } from "../../src/errors.ts";
import type { StoredFile, UploadKey } from "../../src/files/ports.ts";
import type { Message } from "../../src/message.ts";
import { type ErrorCode, ERRORS } from "../../src/protocol/codes.ts";
import type { Variant } from "../../src/protocol/files.ts";
import type { FileRow } from "./file-rows.ts";
import { identityOf } from "./machine.ts";
import { mayRead } from "./order.ts";
import type { Window } from "./sight.ts";
import type { World } from "./world.ts";

const nameOf = ({ room, userId, clientId }: UploadKey) => `${userId} in ${room}: ${clientId}`;

/** The ids of a message's files. */
export const filesOf = ({ files }: Pick<Message, "files">): string[] =>
  files === null ? [] : (JSON.parse(files) as { id: string }[]).map(({ id }) => id);

/** Checks what people are told about files against what is stored and who may see it. */
export function createFilesJudge(world: World) {
  const { database, shelf, sight, fail } = world;
  const { files } = database;
  /** What was uploaded, by its key: the usual content, everything that was tried, and the id that it got last. */
  const parts = new Map<string, readonly string[]>();
  const tried = new Map<string, Set<string>>();
  const acked = new Map<string, string>();

  const hasRoom = (room: string) => database.hasRoom(room);

  /** Everything that is stored of a file is whole. */
  const isWhole = ({ id, content }: FileRow): boolean =>
    content !== undefined &&
    Object.entries(content.sizes).every(
      ([variant, size]) => shelf.whole(id, variant as Variant)?.length === size,
    );
  const hashOf = (id: string) => {
    const bytes = shelf.whole(id, "original");
    return bytes && new Bun.CryptoHasher("sha256").update(bytes).digest("hex");
  };

  /** Whether someone might see a file in one of its states at some time since they asked. */
  const maySee = ({ userId, room }: Seat, row: FileRow | undefined, window: Window): boolean => {
    if (row?.room !== room) return false;
    if (row.state === "ready")
      return (
        row.userId === userId && sight.ever(userId, room, window, ({ facts, mine }) => mayRead(facts, mine))
      );
    const id = row.messageId ?? 0;
    if (row.state !== "attached") return false;
    return [window.epoch, database.epoch].some((epoch) =>
      sight.maySee(userId, room, { id, version: id }, window, epoch),
    );
  };

  /** Whether someone sees a file now. */
  const sees = ({ userId, room }: Seat, row: FileRow | undefined): boolean =>
    row?.room === room &&
    sight.reads(userId, room) &&
    (row.state === "attached"
      ? (row.messageId ?? 0) >= sight.fromOf(userId, room)
      : row.state === "ready" && row.userId === userId);

  /** Messages whose files are there. */
  const living = (room: string): Message[] => {
    const { messages, facts } = database.current(room);
    return [...messages.values()].filter(({ id, files }) => id > facts.beginsAfter && files !== null);
  };

  return {
    hasRoom,
    partsOf: (key: UploadKey) => parts.get(nameOf(key)),
    remember: (key: UploadKey, content: readonly string[]) => void parts.set(nameOf(key), content),
    /** Someone begins an upload. */
    asked(key: UploadKey, body: Buffer) {
      tried.getOrInsertComputed(nameOf(key), () => new Set()).add(body.toString("latin1"));
    },
    /** An upload was acknowledged. */
    stored(key: UploadKey, file: StoredFile, body: Buffer) {
      const name = nameOf(key);
      if (
        file.hash !== new Bun.CryptoHasher("sha256").update(body).digest("hex") ||
        file.size !== body.length
      )
        fail("an upload was acknowledged as another file", name);
      const before = acked.get(name);
      acked.set(name, file.id);
      const isOld = files.wasEverDoomed(file.id) || database.isRestored;
      if (before !== undefined && before !== file.id && !isOld && !files.wasEverDoomed(before))
        fail("one upload became two files", name);
      const row = files.row(file.id);
      if (isOld) return;
      if (row?.state !== "ready" && row?.state !== "attached")
        fail("an upload was acknowledged that the database does not have", `${name} is ${row?.state}`);
      else if (!isWhole(row) || hashOf(file.id) !== file.hash)
        fail("an upload was acknowledged that is not stored", name);
    },
    /** An upload was refused for good. */
    refused(
      key: UploadKey,
      code: ErrorCode,
      { window, hadRoom }: { readonly window: Window; readonly hadRoom: boolean },
    ) {
      const { room, userId, clientId } = key;
      const { username, user } = identityOf(userId);
      const who = { room, senderId: userId, username, user, fence: 0 };
      const post = { kind: "post", ...who, clientId, content: "", data: null, replyTo: null } as const;
      if (sight.mayRefuse(post, code, window)) return;
      if (code === "client_id_reused" && (tried.get(nameOf(key))?.size ?? 0) > 1) return;
      if (code === "not_found" && (!hadRoom || !hasRoom(room) || database.isRestored)) return;
      fail("a good upload was refused for good", `${nameOf(key)}: ${code}`);
    },
    /** Someone asks where files can be loaded. */
    looks(seat: Seat, ids: readonly string[]) {
      const window = sight.windowOf(seat.room);
      const before = ids.filter((id) => sees(seat, files.row(id)));
      return {
        shown(found: readonly FileForms[]) {
          for (const { id } of found)
            if (!files.since(id, window.at).some((row) => maySee(seat, row, window)))
              fail("someone was shown a file that they may not see", `${seat.userId} in ${seat.room}: ${id}`);
          if (database.order.step !== window.step || database.epoch !== window.epoch) return;
          const missing = before.find(
            (id) =>
              !found.some((one) => one.id === id) &&
              files.since(id, window.at).every((row) => sees(seat, row)),
          );
          if (missing !== undefined)
            fail(
              "someone was not shown a file that they may see",
              `${seat.userId} in ${seat.room}: ${missing}`,
            );
        },
        refused(error: unknown) {
          if (!(error instanceof Refusal)) return fail("a request failed", `files: ${String(error)}`);
          if (ERRORS[error.code].retryable || sight.mayBar(seat.userId, seat.room, error.code, window))
            return;
          fail("a good request was refused for good", `files of ${seat.room}: ${error.code}`);
        },
      };
    },
    isTidy: () => {
      const rows = files.rows();
      return (
        rows.every(({ state }) => state === "attached") &&
        shelf.ids().every((id) => files.row(id)) &&
        rows.every(({ room, messageId }) => (messageId ?? 0) > database.current(room).facts.beginsAfter)
      );
    },
    /** Each message has its files, each is whole, and nothing else is stored. */
    atRest() {
      const stray = shelf.ids().find((id) => files.row(id)?.state !== "attached");
      if (stray !== undefined) fail("something is stored that nobody needs", stray);
      const needed = new Map(
        world
          .places()
          .flatMap((room) => living(room).flatMap((each) => filesOf(each).map((id) => [id, each]))),
      );
      for (const row of files.rows()) {
        const place = `${row.room}.${row.messageId}: ${row.id}`;
        const message = needed.get(row.id);
        if (row.state !== "attached") fail("a file is neither sent nor removed", `${row.state} ${place}`);
        else if (message?.id !== row.messageId)
          fail("a file belongs to a message that does not have it", place);
      }
      for (const [id, message] of needed) {
        const row = files.row(id);
        // What was removed before a restore, or while it happened, no database brings back.
        const isLost = database.isRestored && files.wasEverDoomed(id);
        if (isLost) continue;
        if (row?.messageId !== message.id)
          fail("a message points to a file that is not there", `${message.id}: ${id}`);
        else if (!isWhole(row) || hashOf(id) !== row.content?.hash)
          fail("a file of a message is not whole", id);
      }
    },
  };
}
