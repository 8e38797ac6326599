import { type Context, Hono } from "hono";
import * as v from "valibot";
import type { Auth } from "../auth/auth.ts";
import { email } from "../auth/emails.ts";
import { givenPassword, newPassword, repeatedPassword } from "../auth/passwords.ts";
import { username } from "../auth/usernames.ts";
import { Refusal } from "../errors.ts";
import { displayName, NAME_MAX, picture } from "../protocol/names.ts";
import { text } from "../protocol/text.ts";
import { PROFILE, REGISTERED, SESSION, SIGNED_IN, TOKENS } from "./answers.ts";
import { bearer } from "./bearer.ts";
import { operation } from "./operation.ts";
import { type Env, originOf } from "./request.ts";

const LOGIN = v.object({ email, password: givenPassword });

const REGISTRATION = v.pipe(
  v.object({
    email,
    password: newPassword,
    password2: repeatedPassword,
    invite: v.pipe(
      v.optional(text({ min: 1, max: 256 })),
      v.description("The token of a registration link, which a server with REGISTRATION=invite needs."),
    ),
    username: v.optional(username),
  }),
  v.forward(
    v.partialCheck(
      [["password"], ["password2"]],
      ({ password, password2 }) => password === password2,
      "must match the password",
    ),
    ["password2"],
  ),
);

const PASSWORD_CHANGE = v.pipe(
  v.object({ password: givenPassword, new: newPassword, new2: repeatedPassword }),
  v.forward(
    v.partialCheck(
      [["new"], ["new2"]],
      (change) => change.new === change.new2,
      "must match the new password",
    ),
    ["new2"],
  ),
);

const PROFILE_CHANGE = v.object({
  name: v.pipe(
    v.optional(v.nullable(displayName)),
    v.description("The display name. Null: the username is shown."),
  ),
  picture: v.optional(v.nullable(picture)),
});

const DELETION = v.object({ password: v.optional(givenPassword) });

/** A body without `password2`, `username` and `invite` is a login. */
const ENTRY = v.union([REGISTRATION, LOGIN]);
const entryFor = (body: object) =>
  ["password2", "username", "invite"].some((field) => field in body) ? REGISTRATION : LOGIN;

const REFRESH = v.object({ refresh: text({ min: 1, max: 512 }) });
const LOGIN_REFUSALS = ["invalid_credentials", "account_disabled", "rate_limited"] as const;
const SESSION_ID = v.pipe(v.string(), v.uuid(), v.toLowerCase());

/** Routes for accounts and sessions: `/account/…`. */
export function accountRoutes(auth: Pick<Auth, "accounts" | "sessions" | "authenticate" | "knows">) {
  const { accounts, sessions } = auth;
  const routes = new Hono<Env>({ strict: false }).basePath("/account");
  const known = bearer(auth);

  routes.use(async (c, next) => {
    await next();
    c.header("cache-control", "no-store"); // Tokens and personal data (RFC 6749, section 5.1).
  });

  /** Accounts that have logged in from this network lately pay for their own logins. */
  const account = (entry: { email: string }, c: Context<Env>) =>
    "password2" in entry ? Promise.resolve(undefined) : accounts.knownAs(entry.email, c.var.address);
  /** A refresh token that the server has made pays for itself. */
  const session = async ({ refresh }: { refresh: string }) => sessions.idOf(refresh);

  return routes
    .post(
      "/reg",
      operation({
        summary: "Register",
        about: "A body without password2, username and invite is a login.",
        json: ENTRY,
        example: {
          email: "ada@example.com",
          password: "correct horse battery",
          password2: "correct horse battery",
        },
        choose: entryFor,
        insider: account,
        answers: { 201: REGISTERED, 200: SIGNED_IN },
        refusals: [
          "registration_off",
          "invite_required",
          "invite_invalid",
          "email_taken",
          "username_taken",
          ...LOGIN_REFUSALS,
        ],
      }),
      async (c) => {
        const entry = c.req.valid("json");
        if (!("password2" in entry)) return c.json(await accounts.login(entry, originOf(c)), 200);
        const signedIn = await accounts.register(entry, originOf(c));
        return c.json({ message: "Visitor registered successfully", ...signedIn }, 201);
      },
    )
    .post(
      "/login",
      operation({
        summary: "Log in",
        about:
          "Begins a session. The response has an access token and a refresh token, which gets the next pair. A wrong password and an unknown address get the same error.",
        json: LOGIN,
        example: { email: "ada@example.com", password: "correct horse battery" },
        insider: account,
        answers: { 200: SIGNED_IN },
        refusals: LOGIN_REFUSALS,
      }),
      async (c) => c.json(await accounts.login(c.req.valid("json"), originOf(c)), 200),
    )
    .post(
      "/refresh",
      operation({
        summary: "Exchange a refresh token for a new pair",
        about:
          "If the response was lost, send the same token again: for 60 seconds it returns the current pair.",
        json: REFRESH,
        insider: session,
        answers: { 200: TOKENS },
        refusals: ["refresh_invalid", "refresh_reused", "session_ended", "account_disabled"],
      }),
      async (c) => c.json(await sessions.refresh(c.req.valid("json").refresh, originOf(c)), 200),
    )
    .post(
      "/logout",
      operation({
        summary: "End the session of a refresh token",
        about: "Its access tokens no longer work, and its sockets are closed.",
        json: REFRESH,
        insider: session,
        answers: { 204: null },
        refusals: ["refresh_invalid"],
      }),
      async (c) => {
        await sessions.logout(c.req.valid("json").refresh, originOf(c));
        return c.body(null, 204);
      },
    )
    .post(
      "/password",
      known,
      operation({
        summary: "Change your password",
        about: "Ends your other sessions.",
        json: PASSWORD_CHANGE,
        answers: { 204: null },
        refusals: ["forbidden", "rate_limited"],
      }),
      async (c) => {
        const { password, new: next } = c.req.valid("json");
        await accounts.changePassword(c.var.identity, { password, next }, originOf(c));
        return c.body(null, 204);
      },
    )
    .get(
      "/me",
      known,
      operation({
        summary: "Your profile",
        about: "The person of the token, as others see them, with their email address.",
        answers: { 200: PROFILE },
      }),
      async (c) => c.json(await accounts.me(c.var.identity), 200),
    )
    .patch(
      "/me",
      known,
      operation({
        summary: "Set your display name and your picture",
        about: `The name has at most ${NAME_MAX} characters and need not be unique. Fields that are missing stay as they are. Your next token has them, and so do your messages from then on.`,
        json: PROFILE_CHANGE,
        example: { name: "Ada Lovelace", picture: "https://example.com/ada.png" },
        answers: { 200: PROFILE },
        refusals: ["forbidden"],
      }),
      async (c) => c.json(await accounts.setProfile(c.var.identity, c.req.valid("json")), 200),
    )
    .delete(
      "/me",
      known,
      operation({
        summary: "Delete your account",
        about:
          "Ends your sessions at once. Needs your password, unless you logged in within the last ten minutes. After " +
          "some days (DELETE_AFTER) the account is erased: email, password and sessions. Your messages stay, under " +
          "the name deleted-…. Until then, the operator can restore the account.",
        json: DELETION,
        bodyless: true,
        answers: { 204: null },
        refusals: ["reauthentication_required", "forbidden", "rate_limited"],
      }),
      async (c) => {
        await accounts.remove(c.var.identity, c.req.valid("json").password, originOf(c));
        return c.body(null, 204);
      },
    )
    .get(
      "/sessions",
      known,
      operation({
        summary: "Your sessions",
        about: "Where you are logged in, with the name of each browser or program.",
        answers: { 200: v.array(SESSION) },
      }),
      async (c) => c.json(await sessions.list(c.var.identity), 200),
    )
    .delete(
      "/sessions",
      known,
      operation({
        summary: "End your other sessions",
        about: "Logs you out everywhere else: those tokens no longer work, and their sockets are closed.",
        answers: { 204: null },
      }),
      async (c) => {
        await sessions.endOthers(c.var.identity, originOf(c));
        return c.body(null, 204);
      },
    )
    .delete(
      "/sessions/:id",
      known,
      operation({
        summary: "End one of your sessions",
        about: "Its tokens no longer work, and its sockets are closed.",
        params: { id: SESSION_ID },
        answers: { 204: null },
        refusals: ["not_found"],
      }),
      async (c) => {
        const id = v.safeParse(SESSION_ID, c.req.param("id"));
        if (!id.success) throw new Refusal("not_found");
        await sessions.end(c.var.identity, id.output, originOf(c));
        return c.body(null, 204);
      },
    );
}
