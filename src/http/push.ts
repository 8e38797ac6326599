import { Hono } from "hono";
import * as v from "valibot";
import type { Auth } from "../auth/auth.ts";
import { timestamp } from "../protocol/frames.ts";
import { text } from "../protocol/text.ts";
import type { Push } from "../push/push.ts";
import { isZone, minutesOf, timeOf } from "../push/quiet.ts";
import { bearer } from "./bearer.ts";
import { operation } from "./operation.ts";
import type { Env } from "./request.ts";

/** The longest address of a push service, and of a page, in characters. */
const ADDRESS_MAX = 1024;
const base64url = (length: number) =>
  v.pipe(text({ min: 1, max: length + 4 }), v.regex(/^[\w-]+=*$/, "must be base64url"));

const time = v.pipe(v.string(), v.regex(/^(?:[01]\d|2[0-3]):[0-5]\d$/, "must be a time such as 22:00"));
const QUIET = v.object({
  from: time,
  to: v.pipe(time, v.description("Hours may go over midnight. If both times are equal, there are none.")),
  zone: v.pipe(
    text({ min: 1, max: 64 }),
    v.check(isZone, "must be a time zone such as Europe/Berlin"),
    v.description("A time zone of the IANA database."),
  ),
});

const DEVICE = v.object({
  id: v.string(),
  name: v.pipe(v.string(), v.description("What the browser or program calls itself: its User-Agent.")),
  service: v.pipe(v.string(), v.description("The host of its push service.")),
  createdAt: timestamp,
  usedAt: v.pipe(timestamp, v.description("When it last subscribed.")),
});

const STATE = v.object({
  key: v.pipe(v.string(), v.description("The applicationServerKey for PushManager.subscribe().")),
  content: v.pipe(v.boolean(), v.description("Whether pushes contain texts and names.")),
  quietHours: v.nullable(v.object({ from: v.string(), to: v.string(), zone: v.string() })),
  devices: v.array(DEVICE),
});

const SUBSCRIPTION = v.object({
  endpoint: v.pipe(
    text({ min: 1, max: ADDRESS_MAX }),
    v.description("As in PushSubscription.toJSON(). It must begin with https://."),
  ),
  keys: v.object({ p256dh: base64url(87), auth: base64url(22) }),
  page: v.pipe(
    v.optional(
      v.pipe(
        text({ min: 1, max: ADDRESS_MAX }),
        v.check(
          (page) => ["https:", "http:"].includes(URL.parse(page)?.protocol ?? ""),
          "must be the URL of a page",
        ),
      ),
    ),
    v.description(
      "Where a click leads. {room} and {message} stand for the room's name and the message's id. Defaults to the page of this server.",
    ),
  ),
});

const ID = v.pipe(v.string(), v.description("The id of a device."));

/** Devices that get pushes, and hours in which they do not. */
export function pushRoutes({ auth, push }: { readonly auth: Auth; readonly push: Push }) {
  const known = bearer(auth);
  return new Hono<Env>({ strict: false })
    .get(
      "/push",
      known,
      operation({
        summary: "Read what a device needs to subscribe, and your devices",
        answers: { 200: STATE },
      }),
      async (c) => {
        const [hours, devices] = await Promise.all([
          push.quiet(c.var.identity),
          push.devices(c.var.identity),
        ]);
        const quietHours = hours && { from: timeOf(hours.begins), to: timeOf(hours.ends), zone: hours.zone };
        c.header("cache-control", "private, no-cache");
        return c.json({ key: push.key, content: push.content, quietHours, devices: [...devices] }, 200);
      },
    )
    .put(
      "/push",
      known,
      operation({
        summary: "Subscribe a device to pushes",
        about:
          "The body is what PushSubscription.toJSON() returns. The device belongs to the person and the session of the token from then on, and to nobody else; it ends with that session. Of more than 20 devices, those that subscribed longest ago are removed.",
        json: SUBSCRIPTION,
        example: {
          endpoint: "https://push.example.com/send/abc",
          keys: {
            p256dh: "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
            auth: "BTBZMqHH6r4Tts7J_aSIgg",
          },
        },
        answers: { 200: v.object({ id: v.string() }) },
        refusals: ["invalid"],
      }),
      async (c) => {
        const { endpoint, keys, page = "" } = c.req.valid("json");
        const agent = c.req.header("user-agent") ?? "";
        const id = await push.subscribe(c.var.identity, { endpoint, ...keys, page }, agent);
        return c.json({ id }, 200);
      },
    )
    .delete(
      "/push/:id",
      known,
      operation({
        summary: "End the pushes to one of your devices",
        about: "If there is no such device, nothing changes.",
        params: { id: ID },
        answers: { 204: null },
      }),
      async (c) => {
        await push.unsubscribe(c.var.identity, (c.req.param("id") ?? "").slice(0, 64));
        return c.body(null, 204);
      },
    )
    .put(
      "/account/me/quiet-hours",
      known,
      operation({
        summary: "Set the hours in which you get no pushes",
        about:
          "By the clock of a time zone, on all your devices. Pushes wait until the hours end: then there is one for each room with messages that you have not read.",
        json: QUIET,
        example: { from: "22:00", to: "07:00", zone: "Europe/Berlin" },
        answers: { 204: null },
        refusals: ["invalid"],
      }),
      async (c) => {
        const { from, to, zone } = c.req.valid("json");
        await push.setQuiet(c.var.identity, { begins: minutesOf(from), ends: minutesOf(to), zone });
        return c.body(null, 204);
      },
    )
    .delete(
      "/account/me/quiet-hours",
      known,
      operation({ summary: "Have no quiet hours", answers: { 204: null } }),
      async (c) => {
        await push.setQuiet(c.var.identity, null);
        return c.body(null, 204);
      },
    );
}
