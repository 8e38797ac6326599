import { type Context, Hono } from "hono";
import * as v from "valibot";
import type { Auth } from "../auth/auth.ts";
import { username } from "../auth/usernames.ts";
import type { User } from "../auth/users.ts";
import { personOf } from "../person.ts";
import { displayName, picture } from "../protocol/names.ts";
import type { SecurityLog } from "../security.ts";
import { USER } from "./answers.ts";
import { ORDER, orderOf } from "./orders.ts";
import { operation } from "./operation.ts";
import { type Env, originOf } from "./request.ts";

const PERSON = v.pipe(
  v.string(),
  v.description("The person's id, percent-encoded; or `@username`, or `mailto:` and the email address."),
);
const PARAMS = { user: PERSON };

const PROFILE = v.object({
  name: v.pipe(
    v.optional(v.nullable(displayName)),
    v.description("The display name. Null: the username is shown."),
  ),
  username: v.optional(username),
  picture: v.optional(v.nullable(picture)),
});

interface AdminPeopleRoutes {
  readonly auth: Pick<Auth, "people">;
  readonly security: Pick<SecurityLog, "record">;
}

/** Routes under `/admin/users` with which a backend describes its people, before their first visit too. */
export function adminPeopleRoutes({ auth: { people }, security }: AdminPeopleRoutes) {
  const shown = (user: User) => ({
    username: user.username,
    user: personOf(user),
    picture: user.picture,
    email: user.email,
    createdAt: user.createdAt.toISOString(),
    disabledAt: user.disabledAt?.toISOString() ?? null,
    deletedAt: user.deletedAt?.toISOString() ?? null,
  });
  const referenceOf = (c: Context<Env>) => c.req.param("user") ?? "";

  return new Hono<Env>({ strict: false })
    .get(
      "/users/:user",
      operation({
        summary: "Show a person",
        scope: "admin:people",
        about: "As operators see them: with the email address, and whether they are disabled or deleted.",
        params: PARAMS,
        answers: { 200: USER },
        refusals: ["not_found"],
      }),
      async (c) => c.json(shown(await people.get(referenceOf(c))), 200),
    )
    .put(
      "/users/:user",
      operation({
        summary: "Create or update a person",
        scope: "admin:people",
        about:
          "If nobody has the id, it creates the person of your identity provider whose subject it is (AUTH_ISSUER), so " +
          "that others can refer to them before their first visit. Fields that are missing stay as they are. A name or " +
          "a picture in the person's next token replaces these.",
        params: PARAMS,
        query: ORDER,
        json: PROFILE,
        example: { name: "Bob's Shop & Co." },
        bodyless: true,
        answers: { 200: USER, 201: USER },
        refusals: ["not_found", "username_taken"],
      }),
      async (c) => {
        const order = orderOf(c, c.req.valid("query"));
        const { user, outcome } = await people.put(referenceOf(c), c.req.valid("json"), order);
        if (outcome !== "same")
          security.record("user.set", { userId: user.id, actor: c.var.key.name, origin: originOf(c) });
        return outcome === "created" ? c.json(shown(user), 201) : c.json(shown(user), 200);
      },
    );
}
