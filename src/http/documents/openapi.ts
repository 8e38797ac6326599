import type { RouterRoute } from "hono/types";
import type * as v from "valibot";
import { type ErrorCode, ERRORS } from "../../protocol/codes.ts";
import * as answers from "../answers.ts";
import { ADDRESSES, FILE } from "../fileanswers.ts";
import {
  HOOK,
  HOOK_ATTEMPT,
  HOOK_WITH_SECRET,
  INCOMING_HOOK,
  KEPT_ATTEMPT,
  NEW_INCOMING_HOOK,
} from "../hookanswers.ts";
import { type JsonSchema, jsonSchemaOf, type Named, refOf } from "./jsonschema.ts";
import { type Answer, type Description, descriptionOf } from "../operation.ts";
import { AS, SECURITY, withAs } from "./security.ts";
import { TAG_OF, TAGS } from "./tags.ts";
import { webhooksOf } from "./webhooks.ts";

/** Schemas that have a name in the document, and in the types that tools generate from it. */
const NAMED: Named = {
  Problem: answers.PROBLEM,
  Tokens: answers.TOKENS,
  SignedIn: answers.SIGNED_IN,
  Registered: answers.REGISTERED,
  Profile: answers.PROFILE,
  Session: answers.SESSION,
  Message: answers.MESSAGE,
  Notice: answers.NOTICE,
  Posted: answers.POSTED,
  Changed: answers.CHANGED,
  Removed: answers.REMOVED,
  Room: answers.ROOM,
  File: FILE,
  FileAddresses: ADDRESSES,
  RoomChanged: answers.RULED,
  Member: answers.MEMBER,
  Ban: answers.BAN,
  Person: answers.PERSON,
  Invitation: answers.INVITATION,
  NewInvitation: answers.INVITED,
  Redeemed: answers.REDEEMED,
  Block: answers.BLOCK,
  Report: answers.REPORT,
  User: answers.USER,
  Purged: answers.PURGED,
  Key: answers.KEY,
  RevokedKey: answers.REVOKED,
  ApiKey: answers.API_KEY,
  NewApiKey: answers.NEW_API_KEY,
  RegistrationLink: answers.REGISTRATION_LINK,
  AuditEntry: answers.AUDIT_ENTRY,
  Hook: HOOK,
  NewHook: HOOK_WITH_SECRET,
  HookAttempt: HOOK_ATTEMPT,
  KeptHookAttempt: KEPT_ATTEMPT,
  IncomingHook: INCOMING_HOOK,
  NewIncomingHook: NEW_INCOMING_HOOK,
};

/** Error codes of every route. */
const ALWAYS = ["internal", "busy", "unavailable", "too_large"] as const;
const WITH_BODY = ["malformed", "invalid", "unsupported_media_type", "request_timeout"] as const;

const PROBLEM_REF = { $ref: refOf("Problem") };

/** One operation, as OpenAPI defines it. */
export interface OpenApiOperation {
  readonly operationId: string;
  readonly summary: string;
  readonly description?: string;
  readonly tags: readonly string[];
  /** What a key must be allowed. */
  readonly "x-scope"?: string;
  /** Empty if the operation needs no token. */
  readonly security: readonly Readonly<Record<string, readonly string[]>>[];
  readonly parameters?: readonly OpenApiParameter[];
  readonly requestBody?: { readonly required: boolean; readonly content: Content };
  readonly responses: Readonly<Record<string, OpenApiResponse>>;
}

export interface OpenApiParameter {
  readonly name: string;
  readonly in: "path" | "query" | "header";
  readonly description?: string;
  readonly required: boolean;
  readonly schema: JsonSchema;
}

export interface OpenApiResponse {
  readonly description: string;
  readonly headers?: Readonly<Record<string, unknown>>;
  readonly content?: Content;
}

type Content = Readonly<Record<string, { readonly schema: JsonSchema; readonly example?: unknown }>>;
type Methods = Readonly<Record<string, OpenApiOperation>>;

export interface OpenApi {
  readonly openapi: string;
  readonly info: { readonly title: string; readonly version: string; readonly description: string };
  readonly tags: readonly { readonly name: string; readonly description: string }[];
  /** By path, as the routes are registered. */
  readonly paths: Readonly<Record<string, Methods>>;
  readonly components: { readonly schemas: Readonly<Record<string, JsonSchema>> };
  readonly [more: string]: unknown;
}

/** Returns the OpenAPI 3.1 document of the served routes. @throws {Error} if a route has no description. */
export function openApiOf(routes: readonly RouterRoute[], version: string): OpenApi {
  const paths: Record<string, Record<string, OpenApiOperation>> = {};
  const used = new Set<keyof typeof SECURITY>();
  for (const [route, description] of describedRoutes(routes)) {
    const { method, path } = route;
    if (description.unlisted) continue;
    for (const kind of description.security ?? []) used.add(kind);
    (paths[templateOf(path)] ??= {})[method.toLowerCase()] = operationOf(method, path, description);
  }
  const json = JSON.stringify(paths);
  const schemas = componentsOf(json);
  return {
    openapi: "3.1.0",
    info: {
      title: "Parley",
      version,
      contact: { name: "Whoever runs this server" },
      license: { name: "MIT", identifier: "MIT" },
      description:
        "The HTTP API of a chat server. Paths work with and without a trailing slash. /asyncapi.json describes the sockets. If an error is retryable, the unchanged request may succeed later.",
    },
    servers: [{ url: "/" }],
    tags: Object.entries(TAGS)
      .filter(([name]) => json.includes(`"tags":["${name}"]`))
      .map(([name, description]) => ({ name, description })),
    paths,
    ...(paths["/hooks"] && { webhooks: webhooksOf(NAMED) }),
    components: {
      schemas,
      securitySchemes: Object.fromEntries([...used].map((name) => [name, SECURITY[name]])),
    },
  } as OpenApi;
}

/** Returns the named schemas that a text refers to, and those that they refer to. */
function componentsOf(text: string): Record<string, JsonSchema> {
  const all = Object.entries(NAMED).map(([name, schema]) => {
    const { [name]: _, ...others } = NAMED;
    return [name, jsonSchemaOf(schema, others)] as const;
  });
  const within = (json: string) => all.filter(([name]) => json.includes(`"${refOf(name)}"`));
  let found = within(text);
  for (;;) {
    const more = within(text + JSON.stringify(found));
    if (more.length === found.length) return Object.fromEntries(found);
    found = more;
  }
}

/**
 * Returns each route once, with the merged descriptions of its handlers and of middleware on parent paths.
 */
function describedRoutes(routes: readonly RouterRoute[]): [RouterRoute, Description][] {
  const above = (path: string) =>
    routes.filter(
      (other) =>
        other.method === "ALL" && other.path.endsWith("/*") && `${path}/`.startsWith(other.path.slice(0, -1)),
    );
  const own = Map.groupBy(
    routes.filter(({ method }) => method !== "ALL"),
    ({ method, path }) => `${method} ${path}`,
  );
  return [...own.values()].flatMap((handlers): [RouterRoute, Description][] => {
    const [route] = handlers;
    if (!route) return [];
    const parts = [...above(route.path), ...handlers].flatMap(({ handler }) => descriptionOf(handler) ?? []);
    const refusals = parts.flatMap((part) => part.refusals ?? []);
    if (!parts.some(({ answers }) => answers))
      throw new Error(`no description of ${route.method} ${route.path}`);
    return [[route, Object.assign({}, ...parts, { refusals })]];
  });
}

function operationOf(method: string, path: string, description: Description): OpenApiOperation {
  const { summary = "", about, params = {}, query, sends = {}, json, bodyless, example } = description;
  const { file, security = [], acts } = description;
  const scope = security.includes("key") ? (description.scope ?? "admin") : undefined;
  const told = [about, scope && `A key needs the scope ${scope}.`].filter(Boolean).join(" ");
  return {
    operationId:
      method.toLowerCase() + path.replace(/[^a-z]+([a-z])?/g, (_, first = "") => first.toUpperCase()),
    summary,
    ...(told && { description: told }),
    tags: [TAG_OF[path.split("/")[1] ?? ""] ?? "server"],
    security: security.map((kind) => ({ [kind]: [] })),
    ...(scope && { "x-scope": scope }),
    parameters: [
      ...parametersOf("path", params),
      ...parametersOf("query", query?.entries ?? {}),
      ...(acts ? [AS] : []),
      ...Object.entries(sends).map(([name, text]) => headerOf(name, text)),
    ],
    ...(file && { requestBody: FILE_BODY }),
    ...(json && {
      requestBody: {
        required: !bodyless,
        content: {
          "application/json": {
            schema: acts ? withAs(schemaOf(json)) : schemaOf(json),
            ...(example && { example }),
          },
        },
      },
    }),
    responses: responsesOf(description),
  };
}

const FILE_BODY = { required: true, content: { "application/octet-stream": { schema: {} } } } as const;
const schemaOf = (schema: v.GenericSchema) => jsonSchemaOf(schema, NAMED);

const parametersOf = (where: "path" | "query", entries: v.ObjectEntries): OpenApiParameter[] =>
  Object.entries(entries).map(([name, schema]) => ({
    name,
    in: where,
    required: where === "path" || schema.type !== "optional",
    schema: schemaOf(schema as v.GenericSchema),
  }));

const headerOf = (name: string, description: string): OpenApiParameter => ({
  name,
  in: "header",
  description,
  required: false,
  schema: { type: "string" },
});

function responsesOf(description: Description): Record<string, OpenApiResponse> {
  const { answers = {}, headers = {}, query, json, params = {}, refusals = [], limited } = description;
  const forms = (description.forms ?? []).map((type): [string, Content[string]] => [type, TEXT]);
  const codes = new Set<ErrorCode>([
    ...refusals,
    ...(limited ? (["rate_limited"] as const) : []),
    ...(json ? WITH_BODY : []),
    ...(query ? (["invalid"] as const) : []),
    ...("room" in params ? (["bad_room"] as const) : []),
    ...ALWAYS,
  ]);
  const responses: Record<string, OpenApiResponse> = {};
  for (const [status, answer] of Object.entries(answers))
    responses[status] = {
      description: STATUS[status] ?? "",
      ...(Object.keys(headers).length > 0 && { headers: headersOf(headers) }),
      ...(answer !== null && { content: { ...contentOf(answer), ...Object.fromEntries(forms) } }),
    };
  for (const [status, some] of Map.groupBy(codes, (code) => String(ERRORS[code].status))) {
    const code = { type: "string", enum: some };
    const schema = { allOf: [PROBLEM_REF, { properties: { code }, required: ["code"] }] };
    const sent = REFUSAL_HEADERS[status];
    responses[status] = {
      description: some.join(", "),
      ...(sent && { headers: headersOf(sent) }),
      content: { ...responses[status]?.content, "application/problem+json": { schema } },
    };
  }
  return responses;
}

/** Headers of refusals, by status. */
const REFUSAL_HEADERS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  401: { "WWW-Authenticate": "The scheme is Bearer; `error` is there if a token was sent." },
  429: { "Retry-After": "The same as retryAfterMs, in whole seconds." },
};

const TEXT = { schema: { type: "string" } } as const;

const contentOf = (answer: Exclude<Answer, null>): Content =>
  typeof answer === "string" ? { [answer]: TEXT } : { "application/json": { schema: schemaOf(answer) } };

const headersOf = (headers: Readonly<Record<string, string>>) =>
  Object.fromEntries(
    Object.entries(headers).map(([name, description]) => [name, { description, schema: { type: "string" } }]),
  );

const templateOf = (path: string) => path.replace(/:(\w+)/g, "{$1}");

const STATUS: Readonly<Record<string, string>> = {
  200: "Success.",
  206: "A part of the file.",
  201: "Created.",
  202: "Accepted: it is done, and waits for something.",
  204: "Success, without a body.",
  304: "Not modified: the client's copy is current.",
  503: "Not available right now.",
};
