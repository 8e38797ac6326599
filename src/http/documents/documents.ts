import { type Context, Hono } from "hono";
import { etag, RETAINED_304_HEADERS } from "hono/etag";
import type { RouterRoute } from "hono/types";
import * as v from "valibot";
import { operation } from "../operation.ts";
import type { Env } from "../request.ts";

interface DocumentRoutes {
  readonly version: string;
  /** All routes that are served; asked for at the first request. */
  readonly routes: () => readonly RouterRoute[];
}

interface Document {
  readonly text: string;
  readonly headers: Readonly<Record<string, string>>;
}

const KEPT = { ETag: "For If-None-Match." } as const;
const OPENAPI = v.objectWithRest({ openapi: v.string() }, v.unknown());
const ASYNCAPI = v.objectWithRest({ asyncapi: v.string() }, v.unknown());

/**
 * `/openapi.json`, `/asyncapi.json` and, for people, `/docs`: made from what is served, once. What makes them is loaded
 * when someone asks, so that the start does not wait for it.
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

  const answer = (c: Context<Env>, { text, headers }: Document) => c.body(text, 200, headers);

  return new Hono<Env>({ strict: false })
    .get(
      "/openapi.json",
      operation({ summary: "This document", answers: { 200: OPENAPI, 304: null }, headers: KEPT }),
      etag(),
      async (c) => answer(c, await openapiJson()),
    )
    .get(
      "/asyncapi.json",
      operation({
        summary: "The document of the sockets",
        answers: { 200: ASYNCAPI, 304: null },
        headers: KEPT,
      }),
      etag(),
      async (c) => answer(c, await asyncapiJson()),
    )
    .get(
      "/docs",
      operation({
        summary: "Both documents, for people",
        answers: { 200: "text/html", 304: null },
        headers: KEPT,
      }),
      // A browser takes the policy of a 304 for the page that it has kept.
      etag({ retainedHeaders: [...RETAINED_304_HEADERS, "content-security-policy"] }),
      async (c) => answer(c, await page()),
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
