import { type Context, Hono } from "hono";
import { etag, RETAINED_304_HEADERS } from "hono/etag";
import type { RouterRoute } from "hono/types";
import * as v from "valibot";
import { operation } from "../operation.ts";
import type { Env } from "../request.ts";

interface DocumentRoutes {
  readonly version: string;
  /** Returns all routes of the server. Called on the first request. */
  readonly routes: () => readonly RouterRoute[];
}

interface Document {
  readonly text: string;
  readonly headers: Readonly<Record<string, string>>;
}

const CACHEABLE = {
  sends: { "If-None-Match": "The ETag of an earlier response: 304 if nothing has changed." },
  headers: { ETag: "For If-None-Match." },
} as const;
const OPENAPI = v.objectWithRest({ openapi: v.string() }, v.unknown());
const ASYNCAPI = v.objectWithRest({ asyncapi: v.string() }, v.unknown());

/**
 * Serves `/openapi.json`, `/asyncapi.json` and, for people, `/docs`. Each is generated from the served routes
 * on the first request, and its generator is loaded only then, to keep startup fast.
 */
export function documentRoutes({ version, routes }: DocumentRoutes) {
  const openapi = once(async () => (await import("./openapi.ts")).openApiOf(routes(), version));
  const asyncapi = once(async () => (await import("./asyncapi.ts")).asyncApiOf(version));
  const openapiJson = once(async () => documentOf("application/json", JSON.stringify(await openapi())));
  const asyncapiJson = once(async () => documentOf("application/json", JSON.stringify(await asyncapi())));
  const page = once(async () => {
    const { pageOf, pagePolicy } = await import("./page.tsx");
    return documentOf("text/html; charset=utf-8", pageOf(await openapi(), await asyncapi()), {
      "content-security-policy": pagePolicy(),
    });
  });

  const respond = (c: Context<Env>, { text, headers }: Document) => c.body(text, 200, headers);

  return new Hono<Env>({ strict: false })
    .get(
      "/openapi.json",
      operation({
        summary: "This OpenAPI document",
        about: "It describes what this server offers: what its settings turn off is missing.",
        answers: { 200: OPENAPI, 304: null },
        ...CACHEABLE,
      }),
      etag(),
      async (c) => respond(c, await openapiJson()),
    )
    .get(
      "/asyncapi.json",
      operation({
        summary: "The AsyncAPI document of the sockets",
        about: "The commands of chat.v1 with their replies, its events, and the plain protocol.",
        answers: { 200: ASYNCAPI, 304: null },
        ...CACHEABLE,
      }),
      etag(),
      async (c) => respond(c, await asyncapiJson()),
    )
    .get(
      "/docs",
      operation({
        summary: "Both documents as a page for people",
        about: "HTML without scripts, which loads nothing from other hosts.",
        answers: { 200: "text/html", 304: null },
        ...CACHEABLE,
      }),
      // Browsers apply the policy of a 304 response to the cached page.
      etag({ retainedHeaders: [...RETAINED_304_HEADERS, "content-security-policy"] }),
      async (c) => respond(c, await page()),
    );
}

function documentOf(type: string, text: string, headers: Readonly<Record<string, string>> = {}): Document {
  const hash = new Bun.CryptoHasher("sha256").update(text).digest("base64url");
  return {
    text,
    headers: { "content-type": type, "cache-control": "public, no-cache", etag: `"${hash}"`, ...headers },
  };
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => (made ??= make());
}
