import { type Context, Hono } from "hono";
import * as v from "valibot";
import type { Origin } from "../auth/accounts.ts";
import type { Auth } from "../auth/auth.ts";
import { email } from "../auth/emails.ts";
import { givenPassword, newPassword } from "../auth/passwords.ts";
import { usernameOf } from "../auth/usernames.ts";
import { Refusal } from "../errors.ts";
import { readFields } from "../protocol/fields.ts";
import { text } from "../protocol/text.ts";
import { bearer, type Env, jsonObject, readJson } from "./request.ts";

const USERNAME_RULE =
  "must be 1 to 32 letters and digits of one script, _, - or ., not beginning with a dot or with deleted-";

const LOGIN = v.object({ email, password: givenPassword });

const REGISTRATION = v.pipe(
  v.object({
    email,
    password: newPassword,
    password2: v.string("must be a string"),
    username: v.optional(
      v.pipe(
        v.string("must be a string"),
        v.rawTransform(({ dataset, addIssue, NEVER }) => {
          const name = usernameOf(dataset.value);
          if (name !== null) return name;
          addIssue({ message: USERNAME_RULE });
          return NEVER;
        }),
      ),
    ),
  }),
  v.forward(
    v.partialCheck(
      [["password"], ["password2"]],
      ({ password, password2 }) => password === password2,
      "must be the same",
    ),
    ["password2"],
  ),
);

const PASSWORD_CHANGE = v.pipe(
  v.object({ password: givenPassword, new: newPassword, new2: v.string("must be a string") }),
  v.forward(
    v.partialCheck([["new"], ["new2"]], (change) => change.new === change.new2, "must be the same"),
    ["new2"],
  ),
);

const REFRESH = v.object({ refresh: text({ min: 1, max: 512 }) });
const SESSION_ID = v.pipe(v.string(), v.uuid(), v.toLowerCase());

/** Accounts and sessions: `/account/…`. */
export function accountRoutes(auth: Pick<Auth, "accounts" | "sessions" | "authenticate">): Hono<Env> {
  const { accounts, sessions } = auth;
  const routes = new Hono<Env>({ strict: false }).basePath("/account");
  const known = bearer(auth);

  routes.use(async (c, next) => {
    await next();
    c.header("cache-control", "no-store"); // tokens and personal data (RFC 6749, section 5.1)
  });

  routes.post("/reg", async (c) => {
    const body = await jsonObject(c);
    // Who names neither a second password nor a username has an account and wants to log in.
    if (!("password2" in body || "username" in body))
      return c.json(await accounts.login(valid(LOGIN, body), originOf(c)));
    const signedIn = await accounts.register(valid(REGISTRATION, body), originOf(c));
    return c.json({ message: "Visitor registered successfully", ...signedIn }, 201);
  });

  routes.post("/login", async (c) => c.json(await accounts.login(await readJson(c, LOGIN), originOf(c))));

  routes.post("/refresh", async (c) => c.json(await sessions.refresh((await readJson(c, REFRESH)).refresh)));

  routes.post("/logout", async (c) => {
    await sessions.logout((await readJson(c, REFRESH)).refresh);
    return c.body(null, 204);
  });

  routes.post("/password", known, async (c) => {
    const { password, new: next } = await readJson(c, PASSWORD_CHANGE);
    await accounts.changePassword(c.var.identity, { password, next }, c.var.address);
    return c.body(null, 204);
  });

  routes.get("/me", known, async (c) => c.json(await accounts.me(c.var.identity)));

  routes.delete("/me", known, async (c) => {
    await accounts.remove(c.var.identity);
    return c.body(null, 204);
  });

  routes.get("/sessions", known, async (c) => c.json(await sessions.list(c.var.identity)));

  routes.delete("/sessions", known, async (c) => {
    await sessions.endOthers(c.var.identity);
    return c.body(null, 204);
  });

  routes.delete("/sessions/:id", known, async (c) => {
    const id = v.safeParse(SESSION_ID, c.req.param("id"));
    if (!id.success) throw new Refusal("not_found");
    await sessions.end(c.var.identity, id.output);
    return c.body(null, 204);
  });

  return routes;
}

function valid<S extends v.GenericSchema>(schema: S, body: object): v.InferOutput<S> {
  const { fields, errors } = readFields(schema, body);
  if (errors) throw new Refusal("invalid", { errors });
  return fields;
}

const originOf = (c: Context<Env>): Origin => ({
  address: c.var.address,
  userAgent: c.req.header("user-agent") ?? "",
});
