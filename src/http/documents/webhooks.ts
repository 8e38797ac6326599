import * as v from "valibot";
import { SERVER_FRAMES } from "../../protocol/frames.ts";
import { timestamp } from "../../protocol/values.ts";
import { type JsonSchema, jsonSchemaOf, type Named } from "./jsonschema.ts";

const { prev: _, replay: __, ...message } = SERVER_FRAMES.message.entries;
const { prev: ___, replay: ____, ...notice } = SERVER_FRAMES.notice.entries;
const version = v.pipe(v.number(), v.integer(), v.minValue(0));

const { username, user, content, data } = message;
const { replyTo, thread } = message;
const question = {
  room: v.string(),
  change: v.picklist(["post", "edit"]),
  id: v.pipe(v.optional(version), v.description("The message that an edit is about.")),
  clientId: v.string(),
  username: v.optional(username),
  user: v.optional(user),
  key: v.pipe(v.optional(v.string()), v.description("The name of the key that posts.")),
  content,
  replyTo,
  thread,
  data,
  mentions: v.pipe(v.optional(v.array(v.string())), v.description("As the sender wrote them.")),
  everyone: v.optional(v.boolean()),
  files: v.optional(
    v.array(v.object({ name: v.string(), type: v.string(), size: version, alt: v.optional(v.string()) })),
  ),
};

/** What webhooks get, and what the endpoint that checks messages is asked. */
export const WEBHOOKS = {
  changes: v.object({
    type: v.literal("changes"),
    timestamp,
    data: v.object({
      room: v.string(),
      after: v.pipe(version, v.description("The room's version before these changes.")),
      upto: v.pipe(version, v.description("The room's version after them.")),
      changes: v.pipe(
        v.array(v.union([v.object(message), v.object(notice)])),
        v.minLength(1),
        v.description("In the room's order, each message in its latest state."),
      ),
    }),
  }),
  ping: v.object({ type: v.literal("ping"), timestamp, data: v.object({}) }),
  check: v.object({ type: v.literal("check"), timestamp, data: v.object(question) }),
} as const;

const ABOUT = {
  changes: ["Changes of a room", "A batch of what happened in one room, as chat.v1 shows it."],
  ping: ["A ping", "Somebody tries the webhook."],
  check: [
    "A question about a message",
    "MESSAGE_HOOK_URL is asked about each message and edit before it is committed. See WEBHOOKS.md for its answers.",
  ],
} as const;

const HEADERS = {
  "webhook-id": "The same whenever this delivery is repeated.",
  "webhook-timestamp": "When it was sent, in seconds since 1970.",
  "webhook-signature":
    "Signatures separated by spaces, each `v1,` and the HMAC-SHA-256 of id, timestamp and body, with dots between them, in base64.",
} as const;

const RESPONSES = {
  "200": { description: "Accepted. Any other 2xx means the same." },
  "410": { description: "The receiver wants nothing more: the webhook is turned off." },
  "500": { description: "Not accepted, like any other status: it comes again." },
} as const;

const ANSWER = v.variant("action", [
  v.object({ action: v.literal("allow") }),
  v.object({ action: v.literal("refuse"), reason: v.optional(v.string()) }),
  v.object({
    action: v.literal("change"),
    content: v.string(),
    mentions: question.mentions,
    everyone: question.everyone,
  }),
]);
const answers = (named: Named) => ({
  "200": {
    description: "What becomes of the message.",
    content: { "application/json": { schema: jsonSchemaOf(ANSWER, named) } },
  },
  "204": { description: "The message is allowed." },
  "500": { description: "No answer, like any other status: MESSAGE_HOOK_FAILURE decides." },
});

/** The webhooks of the OpenAPI document. */
export const webhooksOf = (named: Named): JsonSchema =>
  Object.fromEntries(
    Object.entries(WEBHOOKS).map(([name, schema]) => {
      const [summary, description] = ABOUT[name as keyof typeof WEBHOOKS];
      return [
        name,
        {
          post: {
            operationId: `webhook${name[0]?.toUpperCase()}${name.slice(1)}`,
            summary,
            description,
            tags: ["hooks"],
            security: [],
            parameters: Object.entries(HEADERS).map(([header, about]) => ({
              name: header,
              in: "header",
              required: true,
              description: about,
              schema: { type: "string" },
            })),
            requestBody: {
              required: true,
              content: { "application/json": { schema: jsonSchemaOf(schema, named) } },
            },
            responses: name === "check" ? answers(named) : RESPONSES,
          },
        },
      ];
    }),
  );
