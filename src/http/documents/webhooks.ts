import * as v from "valibot";
import { SERVER_FRAMES } from "../../protocol/frames.ts";
import { timestamp } from "../../protocol/values.ts";
import { type JsonSchema, jsonSchemaOf, type Named } from "./jsonschema.ts";

const { prev: _, replay: __, ...message } = SERVER_FRAMES.message.entries;
const { prev: ___, replay: ____, ...notice } = SERVER_FRAMES.notice.entries;
const version = v.pipe(v.number(), v.integer(), v.minValue(0));

/** What webhooks get. */
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
} as const;

const ABOUT = {
  changes: ["Changes of a room", "A batch of what happened in one room, as chat.v1 shows it."],
  ping: ["A ping", "Somebody tries the webhook."],
} as const;

const HEADERS = {
  "webhook-id": "The same whenever this delivery is repeated.",
  "webhook-timestamp": "When it was sent, in seconds since 1970.",
  "webhook-signature":
    "Signatures separated by spaces, each `v1,` and the HMAC-SHA-256 of id, timestamp and body, with dots between them, in base64.",
} as const;

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
            responses: {
              "200": { description: "Accepted. Any other 2xx means the same." },
              "410": { description: "The receiver wants nothing more: the webhook is turned off." },
              "500": { description: "Not accepted, like any other status: it comes again." },
            },
          },
        },
      ];
    }),
  );
