import { Hono } from "hono";
import * as v from "valibot";
import type { Auth } from "../auth/auth.ts";
import { email } from "../auth/emails.ts";
import { givenPassword, newPassword, repeatedPassword } from "../auth/passwords.ts";
import type { MailSettings, Recovery } from "../auth/recovery.ts";
import { text } from "../protocol/text.ts";
import { bearer } from "./bearer.ts";
import { operation } from "./operation.ts";
import { type Env, originOf } from "./request.ts";

const token = v.pipe(text({ min: 1, max: 256 }), v.description("The token of a link in a mail."));
const TOKEN = v.object({ token });

const RESET = v.pipe(
  v.object({ token, new: newPassword, new2: repeatedPassword }),
  v.forward(
    v.partialCheck([["new"], ["new2"]], (given) => given.new === given.new2, "must match the new password"),
    ["new2"],
  ),
);

const MAIL = v.object({
  email: v.pipe(v.string(), v.metadata({ format: "idn-email" })),
  verified: v.pipe(v.boolean(), v.description("Whether the person has proved that they read mails to it.")),
  digest: v.pipe(v.boolean(), v.description("Whether they want mails about what they have not read.")),
}) satisfies v.GenericSchema<MailSettings>;

const COST = { budget: "mails" } as const;

/** Routes for what people do with mails: `/account/reset`, `/account/verify`, `/account/email`, `/account/mail`. */
export function recoveryRoutes({
  auth,
  recovery,
}: {
  readonly auth: Pick<Auth, "authenticate" | "knows">;
  readonly recovery: Recovery;
}) {
  const routes = new Hono<Env>({ strict: false }).basePath("/account");
  const known = bearer(auth);

  routes.use(async (c, next) => {
    await next();
    c.header("cache-control", "no-store");
  });

  return routes
    .post(
      "/reset",
      operation({
        summary: "Have a link sent that sets a new password",
        about:
          "The response is the same for every address. A mail is sent if the address is that of an account: at most three in an hour, and the links in them work for an hour.",
        json: v.object({ email }),
        example: { email: "ada@example.com" },
        cost: COST,
        answers: { 202: null },
      }),
      async (c) => {
        await recovery.requestReset(c.req.valid("json").email);
        return c.body(null, 202);
      },
    )
    .post(
      "/reset/password",
      operation({
        summary: "Set a new password with a link from a mail",
        about: "Ends all sessions and voids all other links. Logs nobody in.",
        json: RESET,
        answers: { 204: null },
        refusals: ["link_invalid", "rate_limited"],
      }),
      async (c) => {
        const { token, new: password } = c.req.valid("json");
        await recovery.reset({ token, password }, originOf(c));
        return c.body(null, 204);
      },
    )
    .post(
      "/verify",
      operation({
        summary: "Confirm an email address with a link from a mail",
        about: "If the link is for a new address, that becomes the address of the account.",
        json: TOKEN,
        answers: { 200: v.object({ email: MAIL.entries.email }) },
        refusals: ["link_invalid", "email_taken"],
      }),
      async (c) => c.json(await recovery.verify(c.req.valid("json").token, originOf(c)), 200),
    )
    .post(
      "/email",
      known,
      operation({
        summary: "Change your email address",
        about:
          "A link is sent to the new address. Your address changes when the link is used, and the old one gets a mail that says so. If the new one is that of another account, nothing is sent.",
        json: v.object({ email, password: givenPassword }),
        cost: COST,
        answers: { 202: null },
        refusals: ["forbidden", "rate_limited"],
      }),
      async (c) => {
        await recovery.changeEmail(c.var.identity, c.req.valid("json"), originOf(c));
        return c.body(null, 202);
      },
    )
    .get(
      "/mail",
      known,
      operation({
        summary: "Your email address, and which mails you get",
        answers: { 200: MAIL },
        refusals: ["forbidden"],
      }),
      async (c) => c.json(await recovery.settings(c.var.identity), 200),
    )
    .patch(
      "/mail",
      known,
      operation({
        summary: "Choose which mails you get",
        json: v.object({ digest: MAIL.entries.digest }),
        answers: { 200: MAIL },
        refusals: ["forbidden"],
      }),
      async (c) => c.json(await recovery.setDigest(c.var.identity, c.req.valid("json").digest), 200),
    )
    .post(
      "/mail/verification",
      known,
      operation({
        summary: "Have a link sent that confirms your email address",
        about: "Nothing is sent if the address is confirmed already, or after five mails in a day.",
        cost: COST,
        answers: { 202: null },
        refusals: ["forbidden"],
      }),
      async (c) => {
        await recovery.requestVerification(c.var.identity);
        return c.body(null, 202);
      },
    )
    .post(
      "/mail/unsubscribe",
      operation({
        summary: "End mails about unread messages with the link in one of them",
        about: "For mail programs (RFC 8058). It needs no login, and its body is ignored.",
        query: TOKEN,
        answers: { 204: null },
        refusals: ["link_invalid"],
      }),
      async (c) => {
        await recovery.unsubscribe(c.req.valid("query").token);
        return c.body(null, 204);
      },
    )
    .get(
      "/mail/unsubscribe",
      operation({
        summary: "The page on which a person ends mails about unread messages",
        about: "Changes nothing: programs open links too.",
        query: TOKEN,
        answers: { 303: null },
        headers: { Location: "The page." },
      }),
      (c) => c.redirect(`/#/unsubscribe/${encodeURIComponent(c.req.valid("query").token)}`, 303),
    );
}
