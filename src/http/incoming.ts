import { hash } from "node:crypto";
import { type Context, Hono, type MiddlewareHandler } from "hono";
import * as v from "valibot";
import type { Auth } from "../auth/auth.ts";
import { type Chat, draftOf } from "../chat/chat.ts";
import { checkToken } from "../door.ts";
import { invalid, Refusal } from "../errors.ts";
import { parseObject } from "../json.ts";
import { room } from "../protocol/frames.ts";
import { MESSAGE_MAX_CHARS } from "../protocol/limits.ts";
import { line, text } from "../protocol/text.ts";
import { clientId } from "../protocol/values.ts";
import { shown } from "./adminrooms.ts";
import { POSTED } from "./answers.ts";
import { keyBearer } from "./bearer.ts";
import { INCOMING_HOOK, NEW_INCOMING_HOOK, shownIncoming } from "./hookanswers.ts";
import { described, operation } from "./operation.ts";
import { ORDER, orderOf } from "./orders.ts";
import { type Env, jsonObject, readInput, textBody } from "./request.ts";

const CREATE = v.strictObject({
  room,
  name: v.pipe(line({ min: 1, max: 64 }), v.description("What people see as the sender.")),
});
/** Other fields of Slack's are ignored, because no program that uses its form can leave them out. */
const POST = v.object({
  text: v.pipe(text({ min: 1, max: MESSAGE_MAX_CHARS }), v.description("The text of the message.")),
  clientId: v.optional(clientId),
});
const KEY_MAX = 255;
const UUID = v.pipe(v.string(), v.uuid());
const FORM = /^application\/x-www-form-urlencoded *(;|$)/i;

interface IncomingRoutes {
  readonly auth: Pick<Auth, "apiKeys" | "incoming">;
  readonly chat: Pick<Chat, "ordain" | "submit">;
}

/** Secret URLs with which others post in a room. */
export function incomingRoutes({ auth: { apiKeys, incoming }, chat }: IncomingRoutes) {
  const known = keyBearer(apiKeys);
  /** Adds or removes the person who signs what a hook posts, for the operator. */
  const setMember = (set: "in" | "out", of: { room: string; userId: number }, c: Context<Env>) =>
    chat.ordain(
      of.room,
      { kind: "member", clientId: crypto.randomUUID(), set, users: [of.userId] },
      orderOf(c, { reason: "" }),
    );

  /** Sets who posts, and where. */
  const bySecret: MiddlewareHandler<Env> = async (c, next) => {
    const found = await checkToken({
      budgets: c.get("budgets"),
      network: c.get("network"),
      token: c.req.param("secret"),
      knows: incoming.knows,
      check: incoming.identify,
    });
    c.set("identity", found.identity);
    c.set("hookedRoom", found.room);
    await next();
    c.header("cache-control", "no-store");
  };

  return new Hono<Env>({ strict: false })
    .post(
      "/incoming-hooks",
      known,
      operation({
        scope: "hooks",
        summary: "Create an incoming hook",
        about:
          "A secret address with which a program posts in one room. It gets a person of its own, who becomes a member.",
        json: CREATE,
        query: ORDER,
        answers: { 201: NEW_INCOMING_HOOK },
        refusals: ["not_found", "direct_room", "forbidden"],
      }),
      async (c) => {
        const order = orderOf(c, c.req.valid("query"));
        const { hook, secret } = await incoming.create(c.req.valid("json"), order);
        try {
          await setMember("in", hook, c);
        } catch (error) {
          await incoming.revoke(hook.id, order).catch(() => {});
          throw error;
        }
        c.header("cache-control", "no-store");
        return c.json({ ...shownIncoming(hook), path: `/in/${secret}/` }, 201);
      },
    )
    .get(
      "/incoming-hooks",
      known,
      operation({
        scope: "hooks",
        summary: "List incoming hooks",
        about: "The oldest first, without their addresses. Revoked ones remain in the list.",
        answers: { 200: v.array(INCOMING_HOOK) },
      }),
      async (c) => c.json((await incoming.list()).map(shownIncoming), 200),
    )
    .delete(
      "/incoming-hooks/:hook",
      known,
      operation({
        scope: "hooks",
        summary: "Revoke an incoming hook",
        about: "Its address does not work any more, within seconds, and its person leaves the room.",
        params: { hook: v.pipe(v.string(), v.description("The hook's id.")) },
        query: ORDER,
        answers: { 204: null },
        refusals: ["not_found"],
      }),
      async (c) => {
        const id = c.req.param("hook");
        if (!v.is(UUID, id)) throw new Refusal("not_found");
        const hook = await incoming.revoke(id, orderOf(c, c.req.valid("query")));
        // Somebody may have removed them, or the room.
        await setMember("out", hook, c).catch((error: unknown) => {
          if (!(error instanceof Refusal)) throw error;
        });
        return c.body(null, 204);
      },
    )
    .post(
      "/in/:secret",
      bySecret,
      described(async (_, next) => next(), { json: POST, example: { text: "Build 7 has passed." } }),
      operation({
        summary: "Post with an incoming hook",
        about:
          "JSON with text, or Slack's form with a payload. 200 if this Idempotency-Key or clientId was committed before.",
        params: { secret: v.pipe(v.string(), v.description("The secret of the hook.")) },
        sends: { "Idempotency-Key": "Identifies the message, however often it is sent." },
        cost: { budget: "messages" },
        answers: { 201: POSTED, 200: POSTED },
        refusals: [
          "not_found",
          "forbidden",
          "muted",
          "archived",
          "client_id_reused",
          "message_refused",
          "message_unchecked",
          "malformed",
          "invalid",
          "unsupported_media_type",
          "request_timeout",
        ],
      }),
      async (c) => {
        const { text: content, clientId: given } = readInput(POST, await bodyOf(c));
        const key = given ?? clientIdOf(c.req.header("idempotency-key"));
        const name = c.get("hookedRoom");
        const draft = draftOf({
          ...{ clientId: key, content, data: null, replyTo: null, thread: null, alsoRoom: false },
        });
        const ack = await chat.submit(c.get("identity"), name, draft, c.var.address).catch(ofText);
        return c.json({ ...shown(name, key, ack), timestamp: ack.timestamp }, ack.duplicate ? 200 : 201);
      },
    );
}

/** The field is called `text` here. */
function ofText(error: unknown): never {
  const content = error instanceof Refusal && error.code === "invalid" && error.more.errors?.content;
  throw content ? invalid({ text: content }) : error;
}

/** Returns the object that somebody posts: the body, or what Slack's form has as `payload`. @throws {Refusal} */
async function bodyOf(c: Context<Env>): Promise<object> {
  if (!FORM.test(c.req.header("content-type") ?? "")) return jsonObject(c);
  const payload = new URLSearchParams(await textBody(c)).get("payload");
  if (payload === null) throw invalid({ payload: ["is required"] });
  return parseObject(payload, "The payload");
}

/** Returns the UUID that stands for an idempotency key, and a new one if there is none. @throws {Refusal} invalid. */
function clientIdOf(key: string | undefined): string {
  if (key === undefined) return crypto.randomUUID();
  if (key.length > KEY_MAX)
    throw new Refusal("invalid", { detail: `Idempotency-Key must have at most ${KEY_MAX} characters.` });
  // A UUID of one's own making (RFC 9562, version 8).
  const digest = hash("sha256", key, "hex");
  const variant = "89ab"[Number.parseInt(digest[16] ?? "0", 16) & 3] ?? "8";
  return `${digest.slice(0, 8)}-${digest.slice(8, 12)}-8${digest.slice(13, 16)}-${variant}${digest.slice(17, 20)}-${digest.slice(20, 32)}`;
}
