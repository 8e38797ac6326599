import { type Context, Hono, type MiddlewareHandler } from "hono";
import * as v from "valibot";
import type { Auth } from "../auth/auth.ts";
import { invalid, Refusal } from "../errors.ts";
import type { Hooks } from "../hooks/hooks.ts";
import type { KeyHolder } from "../scopes.ts";
import { keyBearer } from "./bearer.ts";
import {
  HOOK,
  HOOK_ATTEMPT,
  HOOK_WITH_SECRET,
  KEPT_ATTEMPT,
  shownAttempt,
  shownHook,
} from "./hookanswers.ts";
import { CHANGE, CREATE, ROTATE } from "./hookinputs.ts";
import { operation } from "./operation.ts";
import { ORDER, orderOf } from "./orders.ts";
import { decimal, type Env, readInput } from "./request.ts";
import { requireScope } from "./scope.ts";

const unstored: MiddlewareHandler<Env> = async (c, next) => {
  await next();
  c.header("cache-control", "no-store");
};

const ON_HOOK = {
  params: { hook: v.pipe(v.string(), v.description("The hook's id.")) },
  refusals: ["not_found"],
} as const;

interface HookRoutes {
  readonly auth: Pick<Auth, "apiKeys" | "people">;
  readonly hooks: Hooks;
}

/** Webhooks, `/hooks/…`: URLs of others that get what changes in rooms. */
export function hookRoutes({ auth: { apiKeys, people }, hooks }: HookRoutes) {
  const known = keyBearer(apiKeys);
  const routes = new Hono<Env>({ strict: false }).basePath("/hooks");

  /** Returns the public ids of people. @throws {Refusal} invalid if somebody is not known. */
  const idsOf = async <M extends readonly string[] | null | undefined>(names: M): Promise<M> => {
    if (!names) return names;
    const found = await people.find(names, { emails: true });
    if (found.includes(undefined)) throw invalid({ mentions: ["names somebody who is not known here"] });
    return [...new Set(found.map((user) => (user as { uid: string }).uid))] as unknown as M;
  };

  /** Returns the id of the hook in the path. @throws {Refusal} not_found, scope_missing. */
  const reached = async (c: Context<Env>): Promise<string> => {
    const { id, rooms } = await hooks.get(hookParam(c));
    requireReach(c, rooms);
    return id;
  };

  return routes
    .post(
      "/",
      known,
      unstored,
      operation({
        scope: "hooks",
        summary: "Create a webhook",
        about:
          "It gets what is committed from now on, signed with the secret in the response. The key must be able to read its rooms: with rooms:read, or admin.",
        json: CREATE,
        example: { url: "https://shop.example.com/chat", rooms: ["order-*"], changes: ["created"] },
        query: ORDER,
        answers: { 201: HOOK_WITH_SECRET },
      }),
      async (c) => {
        const { mentions, ...hook } = c.req.valid("json");
        requireReach(c, hook.rooms);
        const created = await hooks.create(
          { ...hook, mentions: await idsOf(mentions) },
          orderOf(c, c.req.valid("query")),
        );
        return c.json({ ...shownHook(created.hook), secret: created.secret }, 201);
      },
    )
    .get(
      "/",
      known,
      unstored,
      operation({
        scope: "hooks",
        summary: "List webhooks",
        about: "The oldest first, without their secrets. Those whose rooms the key can read.",
        answers: { 200: v.array(HOOK) },
      }),
      async (c) => {
        const key = c.get("key");
        return c.json((await hooks.all()).filter(({ rooms }) => mayReach(key, rooms)).map(shownHook), 200);
      },
    )
    .get(
      "/:hook",
      known,
      unstored,
      operation({
        scope: "hooks",
        summary: "Read a webhook",
        about: "Its settings and its state.",
        ...ON_HOOK,
        answers: { 200: HOOK },
      }),
      async (c) => c.json(shownHook(await hooks.get(await reached(c))), 200),
    )
    .patch(
      "/:hook",
      known,
      unstored,
      operation({
        scope: "hooks",
        summary: "Change a webhook, pause it, or turn it on again",
        about: "All but its rooms. Servers use the new settings within seconds.",
        ...ON_HOOK,
        json: CHANGE,
        example: { state: "on" },
        query: ORDER,
        answers: { 200: HOOK },
      }),
      async (c) => {
        const { mentions, ...wish } = c.req.valid("json");
        const order = orderOf(c, c.req.valid("query"));
        return c.json(
          shownHook(
            await hooks.change(await reached(c), { ...wish, mentions: await idsOf(mentions) }, order),
          ),
          200,
        );
      },
    )
    .delete(
      "/:hook",
      known,
      unstored,
      operation({
        scope: "hooks",
        summary: "Delete a webhook",
        about: "Nothing is sent to it any more, within seconds.",
        ...ON_HOOK,
        query: ORDER,
        answers: { 204: null },
      }),
      async (c) => {
        await hooks.remove(await reached(c), orderOf(c, c.req.valid("query")));
        return c.body(null, 204);
      },
    )
    .post(
      "/:hook/secret",
      known,
      unstored,
      operation({
        scope: "hooks",
        summary: "Replace a webhook's secret",
        about: "For a while, the secret before signs too.",
        ...ON_HOOK,
        json: ROTATE,
        bodyless: true,
        query: ORDER,
        answers: { 200: HOOK_WITH_SECRET },
      }),
      async (c) => {
        const { overlap } = c.req.valid("json");
        const { hook, secret } = await hooks.rotate(
          await reached(c),
          overlap,
          orderOf(c, c.req.valid("query")),
        );
        return c.json({ ...shownHook(hook), secret }, 200);
      },
    )
    .post(
      "/:hook/ping",
      known,
      unstored,
      operation({
        scope: "hooks",
        summary: "Try a webhook",
        about: "Sends a delivery of the type ping, and responds with what came of it.",
        ...ON_HOOK,
        answers: { 200: HOOK_ATTEMPT },
      }),
      async (c) => c.json(shownAttempt(await hooks.ping(await reached(c))), 200),
    )
    .get(
      "/:hook/attempts",
      known,
      unstored,
      operation({
        scope: "hooks",
        summary: "List the latest requests to a webhook",
        about:
          "The latest 100 of the last week, the latest first, with the start of each response that failed.",
        ...ON_HOOK,
        answers: { 200: v.array(KEPT_ATTEMPT) },
      }),
      async (c) =>
        c.json(
          (await hooks.attempts(await reached(c))).map(({ id, ...one }) => ({ id, ...shownAttempt(one) })),
          200,
        ),
    )
    .post(
      "/:hook/attempts/:attempt/resend",
      known,
      unstored,
      operation({
        scope: "hooks",
        summary: "Send a delivery again",
        about: "With the same webhook-id, and with the messages as they are now.",
        ...ON_HOOK,
        params: { ...ON_HOOK.params, attempt: decimal(1, Number.MAX_SAFE_INTEGER) },
        answers: { 200: HOOK_ATTEMPT },
      }),
      async (c) => {
        const { attempt: id } = readInput(ATTEMPT_PARAMS, c.req.param());
        return c.json(shownAttempt(await hooks.resend(await reached(c), id)), 200);
      },
    );
}

const UUID = v.pipe(v.string(), v.uuid());
const ATTEMPT_PARAMS = v.object({ attempt: decimal(1, Number.MAX_SAFE_INTEGER) });

/** @throws {Refusal} not_found: what is not an id is nobody's. */
function hookParam(c: Context<Env>): string {
  const hook = c.req.param("hook") ?? "";
  if (!v.is(UUID, hook)) throw new Refusal("not_found");
  return hook;
}

/** A hook gets what is said in its rooms, so its keys must be able to read there. */
const mayReach = (key: KeyHolder, rooms: readonly string[]): boolean =>
  rooms.every((room) => key.allows("rooms:read", room));

/** @throws {Refusal} scope_missing for the first room that the key may not read. */
function requireReach(c: Context<Env>, rooms: readonly string[]): void {
  for (const room of rooms) requireScope(c.get("key"), "rooms:read", room);
}
