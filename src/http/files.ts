import { type Context, Hono } from "hono";
import * as v from "valibot";
import type { Auth } from "../auth/auth.ts";
import type { Chat } from "../chat/chat.ts";
import { Refusal } from "../errors.ts";
import { dispositionOf, encodedType, type Files, rangeOf, type StoredFile } from "../files/files.ts";
import { VARIANTS } from "../protocol/files.ts";
import { clientId, uuid } from "../protocol/frames.ts";
import { ADDRESSES, FILE } from "./fileanswers.ts";
import { actorBearer } from "./bearer.ts";
import { operation } from "./operation.ts";
import type { Env } from "./request.ts";
import { ROOM_PARAMS, roomParam } from "./room.ts";

/** Bytes that count as a unit of the budget of uploads. */
const UNIT = 1024 * 1024;
/** Files whose addresses one request may ask for. */
const ASKED_MAX = 50;

const NAMED = v.object({
  name: v.pipe(
    v.optional(v.string()),
    v.description("What the file is called. What has no place in a name is left out."),
  ),
});
const ASKED = v.object({
  ids: v.pipe(
    v.string(),
    v.description(`Up to ${ASKED_MAX} ids of files, separated by commas.`),
    v.transform((list) => list.split(",", ASKED_MAX + 1)),
    v.array(uuid, "must be ids"),
    v.maxLength(ASKED_MAX, `must have at most ${ASKED_MAX} ids`),
  ),
});
const SIGNED = v.object({ exp: v.optional(v.string(), ""), sig: v.optional(v.string(), "") });

/** Bodies of uploads are read as they arrive, so the limit of other bodies does not apply. */
export const isUpload = ({ method, url }: Request): boolean =>
  (method === "PUT" || method === "PATCH") && /^[^?#]*\/rooms\/[^/?#]+\/files\/[^/?#]+\/?([?#]|$)/.test(url);

/** Whatever a file contains, a browser runs nothing of it, and shows nothing but pictures that the server encoded. */
const POLICY = {
  "content-security-policy": "default-src 'none'; sandbox",
  "x-content-type-options": "nosniff",
  // Pages of any origin may show what they have an address of.
  "cross-origin-resource-policy": "cross-origin",
} as const;

/** Files: uploading them, finding out where they can be loaded, and loading them. */
export function fileRoutes({ auth, chat, files }: { auth: Auth; chat: Chat; files: Files }) {
  const known = actorBearer(auth);

  return new Hono<Env>({ strict: false })
    .put(
      "/rooms/:room/files/:clientId",
      known,
      operation({
        summary: "Upload a file",
        scope: "rooms:post",
        about:
          "The body is the file. 201 once it is stored; 200 if this clientId has uploaded the same bytes before; 202 if it is stored and still being scanned. Nobody else sees it until it is sent with a message, for which there is a day. The type follows from the content.",
        params: { ...ROOM_PARAMS, clientId },
        query: NAMED,
        file: true,
        cost: { budget: "uploads" },
        answers: { 201: FILE, 200: FILE, 202: FILE },
        refusals: [
          "forbidden",
          "not_found",
          "muted",
          "archived",
          "file_too_large",
          "quota_exceeded",
          "storage_full",
          "file_rejected",
          "client_id_reused",
          "malformed",
          "request_timeout",
        ],
      }),
      async (c) => {
        const key = clientIdParam(c);
        const person = c.get("identity");
        const { room } = await chat.enter(person, roomParam(c), "post");
        const hurry = c.env.unhurried?.();
        const length = c.req.header("content-length");
        const uploading = files.upload({
          room,
          userId: person.userId,
          clientId: key,
          name: c.req.valid("query").name ?? "",
          declared: length === undefined ? undefined : Number(length),
          body: c.req.raw.body,
          arrived: charging(c),
        });
        const { file, isNew } = await uploading.finally(hurry);
        c.header("cache-control", "no-store");
        return c.json(shown(file), file.held ? 202 : isNew ? 201 : 200);
      },
    )
    .get(
      "/rooms/:room/files",
      known,
      operation({
        summary: "Find out where files can be loaded",
        scope: "rooms:read",
        about:
          "For those who may read the room now. The addresses work without a token for 5 to 10 minutes. Files that the caller may not see, or that are not there, are left out.",
        params: ROOM_PARAMS,
        query: ASKED,
        answers: { 200: v.array(ADDRESSES) },
        refusals: ["forbidden", "not_found"],
      }),
      async (c) => {
        const pass = await chat.enter(c.get("identity"), roomParam(c));
        const seen = await chat.files(pass, c.req.valid("query").ids);
        c.header("cache-control", "no-store");
        return c.json(
          seen.map(({ id, sizes }) => {
            const { urls, endsAt } = files.offer(id, sizes);
            return { id, endsAt: new Date(endsAt).toISOString(), urls };
          }),
          200,
        );
      },
    )
    .get(
      "/files/:id/:variant",
      operation({
        summary: "Load a file",
        about:
          "By an address that the server gave out. Re-encoded pictures can be shown; everything else is for saving. Ranges and conditional requests work.",
        params: { id: uuid, variant: v.picklist(VARIANTS) },
        query: SIGNED,
        sends: { Range: "One range of bytes.", "If-Range": "An ETag.", "If-None-Match": "An ETag." },
        cost: { budget: "downloads" },
        answers: { 200: "*/*", 206: "*/*", 304: null, 416: null },
        refusals: ["forbidden", "not_found"],
      }),
      async (c) => {
        const { id, variant } = c.req.param();
        const { file, size, endsAt, body } = await files.serve(id, variant, c.req.valid("query"));
        const etag = `"${file.hash.slice(0, 24)}-${variant}"`;
        const headers = new Headers({
          ...POLICY,
          etag,
          "accept-ranges": "bytes",
          "cache-control": `private, max-age=${Math.max(0, Math.floor((endsAt - Date.now()) / 1000))}, immutable`,
        });
        if (matches(c.req.header("if-none-match"), etag)) return new Response(null, { status: 304, headers });
        const encoded = variant === "original" ? undefined : encodedType(file.type, variant);
        headers.set("content-type", encoded ?? file.type);
        headers.set(
          "content-disposition",
          encoded
            ? dispositionOf("inline", `${file.name}.${encoded === "image/jpeg" ? "jpg" : "webp"}`)
            : dispositionOf("attachment", file.name),
        );
        const range = partOf(c, etag, size);
        if (range === "unsatisfiable") {
          headers.set("content-range", `bytes */${size}`);
          return new Response(null, { status: 416, headers });
        }
        if (range) headers.set("content-range", `bytes ${range.first}-${range.last}/${size}`);
        headers.set("content-length", String(range ? range.last - range.first + 1 : size));
        return new Response(await body(range), { status: range ? 206 : 200, headers });
      },
    );
}

/** The range that a request asks for, unless it is about another state of the file (RFC 9110, section 13.1.5). */
function partOf(c: Context<Env>, etag: string, size: number) {
  const condition = c.req.header("if-range");
  return condition === undefined || condition === etag ? rangeOf(c.req.header("range"), size) : undefined;
}

const matches = (header: string | undefined, etag: string) =>
  header?.split(",").some((one) => one.trim() === "*" || one.trim().replace(/^W\//, "") === etag) ?? false;

/** Returns the id that a path names in `:clientId`. @throws {Refusal} invalid. */
export function clientIdParam(c: Context): string {
  const key = v.safeParse(clientId, c.req.param("clientId"));
  if (!key.success) throw new Refusal("invalid", { errors: { clientId: ["must be a UUID"] } });
  return key.output;
}

/** Returns a function that charges the bytes of an upload to its person as they arrive. */
export function charging(c: Context<Env>): (bytes: number) => void {
  const [budgets, person] = [c.get("budgets"), c.get("identity")];
  let bytes = 0;
  return (more) => {
    const units = Math.floor((bytes + more) / UNIT) - Math.floor(bytes / UNIT);
    bytes += more;
    if (units > 0) budgets.charge("uploads", person, units);
  };
}

/** A file as its uploader and the readers of its message see it. */
export const shown = ({ id, name, type, size, picture, held }: StoredFile) => ({
  id,
  name,
  type,
  size,
  ...(picture && { width: picture.width, height: picture.height }),
  ...(picture?.placeholder && { placeholder: picture.placeholder }),
  ...(held && { held: true as const }),
});
