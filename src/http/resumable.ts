import { type Context, Hono, type MiddlewareHandler } from "hono";
import * as v from "valibot";
import type { Auth } from "../auth/auth.ts";
import type { Chat } from "../chat/chat.ts";
import { Refusal, invalid } from "../errors.ts";
import type { Files, Progress, UploadKey } from "../files/files.ts";
import { clientId } from "../protocol/frames.ts";
import { FILE } from "./fileanswers.ts";
import { bearer } from "./bearer.ts";
import { charging, clientIdParam, shown } from "./files.ts";
import { operation } from "./operation.ts";
import type { Env } from "./request.ts";
import { ROOM_PARAMS, roomParam } from "./room.ts";

const VERSION = "1.0.0";
const BYTES = "application/offset+octet-stream";
/** The longest `Upload-Metadata`, in characters. */
const METADATA_MAX = 4096;
/** A number of bytes in a header. */
const COUNT = /^\d{1,15}$/;

const PARAMS = { ...ROOM_PARAMS, clientId };
const VERSIONED = { "Tus-Resumable": VERSION };
const SENDS = { "Tus-Resumable": `The version of tus: ${VERSION}.` };
const STATE = {
  "Upload-Offset": "How many bytes have arrived.",
  "Upload-Length":
    "How many bytes the file has. Until they are there, `Upload-Expires` says when the upload is given up.",
};

/** Uploads over several requests: the core of tus 1.0 (https://tus.io/protocols/resumable-upload) with three extensions. */
export function resumableRoutes({ auth, chat, files }: { auth: Auth; chat: Chat; files: Files }) {
  const known = bearer(auth);

  /** Who may post in the room may upload to it. @throws {Refusal} those of {@link Chat.enter}. */
  const keyOf = async (c: Context<Env>, id: string): Promise<UploadKey> => {
    const person = c.get("identity");
    const { room } = await chat.enter(person, roomParam(c), "post");
    return { room, userId: person.userId, clientId: id };
  };

  return new Hono<Env>({ strict: false })
    .post(
      "/rooms/:room/files",
      known,
      operation({
        summary: "Begin an upload over several requests",
        about:
          "tus 1.0, for large files. `Location` is where the bytes go, with PATCH. Repeating the request with the same clientId returns the same upload.",
        params: ROOM_PARAMS,
        sends: {
          ...SENDS,
          "Upload-Length": "How many bytes the file has.",
          "Upload-Metadata": "`filename` and `clientId`, each with its value in Base64.",
        },
        cost: { budget: "uploads" },
        answers: { 201: null },
        headers: { Location: "Where the bytes go.", ...STATE },
        refusals: [
          ...([
            "forbidden",
            "not_found",
            "muted",
            "archived",
            "file_too_large",
            "quota_exceeded",
            "storage_full",
          ] as const),
          ...(["client_id_reused", "invalid", "tus_version"] as const),
        ],
      }),
      version,
      async (c) => {
        const size = count(c, "upload-length");
        const { filename = "", clientId: given = crypto.randomUUID() } = metadataOf(c);
        const id = v.safeParse(clientId, given);
        if (!id.success) throw invalid({ clientId: ["must be a UUID"] });
        const key = await keyOf(c, id.output);
        const progress = await files.resumable.begin({ ...key, name: filename, size });
        tell(c, progress);
        c.header("location", `/rooms/${encodeURIComponent(roomParam(c))}/files/${id.output}/`);
        return c.body(null, 201);
      },
    )
    .get(
      "/rooms/:room/files/:clientId",
      known,
      operation({
        summary: "Find out how far an upload is",
        about:
          "HEAD returns the headers alone, as tus does. Once everything has arrived, GET returns the file as an upload in one request does; until then it has no content.",
        params: PARAMS,
        sends: SENDS,
        answers: { 200: FILE, 204: null },
        headers: STATE,
        refusals: ["forbidden", "not_found", "muted", "archived", "file_rejected"],
      }),
      async (c) => {
        const hurry = c.env.unhurried?.();
        const progress = await files.resumable.progress(await keyOf(c, clientIdParam(c))).finally(hurry);
        tell(c, progress);
        return progress.file ? c.json(shown(progress.file), 200) : c.body(null, 204);
      },
    )
    .patch(
      "/rooms/:room/files/:clientId",
      known,
      operation({
        summary: "Continue an upload",
        about: `The body (${BYTES}) is what follows the offset. What arrives before a connection breaks off stays.`,
        params: PARAMS,
        file: true,
        sends: { ...SENDS, "Upload-Offset": "Where the body begins." },
        cost: { budget: "uploads" },
        answers: { 204: null },
        headers: STATE,
        refusals: [
          ...([
            "forbidden",
            "not_found",
            "muted",
            "archived",
            "wrong_offset",
            "quota_exceeded",
            "storage_full",
          ] as const),
          ...([
            "unsupported_media_type",
            "invalid",
            "malformed",
            "request_timeout",
            "file_too_large",
          ] as const),
          ...(["client_id_reused", "tus_version", "file_rejected"] as const),
        ],
      }),
      version,
      async (c) => {
        if (c.req.header("content-type") !== BYTES)
          throw new Refusal("unsupported_media_type", { detail: `Send the body as ${BYTES}.` });
        const offset = count(c, "upload-offset");
        const length = c.req.header("content-length");
        const key = await keyOf(c, clientIdParam(c));
        const hurry = c.env.unhurried?.();
        const progress = await files.resumable
          .append({
            ...key,
            offset,
            declared: length === undefined ? undefined : Number(length),
            body: c.req.raw.body,
            arrived: charging(c),
          })
          .finally(hurry);
        tell(c, progress);
        return c.body(null, 204);
      },
    )
    .delete(
      "/rooms/:room/files/:clientId",
      known,
      operation({
        summary: "Give up an upload",
        about: "Or a file that was uploaded and not sent. What arrived is removed.",
        params: PARAMS,
        sends: SENDS,
        answers: { 204: null },
        refusals: ["forbidden", "not_found", "muted", "archived"],
      }),
      async (c) => {
        await files.resumable.withdraw(await keyOf(c, clientIdParam(c)));
        c.header("tus-resumable", VERSION);
        return c.body(null, 204);
      },
    );
}

/** Refuses other versions of tus. */
const version: MiddlewareHandler<Env> = async (c, next) => {
  if (c.req.header("tus-resumable") !== VERSION)
    throw new Refusal("tus_version", { headers: { "tus-version": VERSION, ...VERSIONED } });
  await next();
};

function tell(c: Context<Env>, { offset, size, endsAt }: Progress): void {
  c.header("tus-resumable", VERSION);
  c.header("cache-control", "no-store");
  c.header("upload-offset", String(offset));
  c.header("upload-length", String(size));
  if (endsAt !== undefined) c.header("upload-expires", new Date(endsAt).toUTCString());
}

/** Reads a number of bytes from a header. @throws {Refusal} invalid. */
function count(c: Context<Env>, name: string): number {
  const text = c.req.header(name) ?? "";
  if (!COUNT.test(text)) throw invalid({ [name]: ["must be a number of bytes"] });
  return Number(text);
}

/** Reads `Upload-Metadata`: keys with values in Base64, separated by commas. @throws {Refusal} invalid. */
function metadataOf(c: Context<Env>): Partial<Record<"filename" | "clientId", string>> {
  const text = c.req.header("upload-metadata") ?? "";
  if (text.length > METADATA_MAX)
    throw invalid({ "upload-metadata": [`must have at most ${METADATA_MAX} characters`] });
  const pairs = text.split(",").map((pair) => pair.trim().split(" ", 2));
  return Object.fromEntries(
    pairs.map(([name = "", value = ""]) => [name, Buffer.from(value, "base64").toString()]),
  );
}
