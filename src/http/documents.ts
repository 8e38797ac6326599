import { Hono } from "hono";
import { etag } from "hono/etag";
import type { RouterRoute } from "hono/types";
import * as v from "valibot";
import { asyncApiOf } from "./asyncapi.ts";
import { openApiOf } from "./openapi.ts";
import { operation } from "./operation.ts";
import { pageOf, pagePolicy } from "./page.tsx";
import type { Env } from "./request.ts";

interface DocumentRoutes {
  readonly version: string;
  /** All routes that are served; asked for at the first request. */
  readonly routes: () => readonly RouterRoute[];
}

interface Document {
  readonly text: string;
  readonly etag: string;
}

const KEPT = { ETag: "For If-None-Match." } as const;
const OPENAPI = v.objectWithRest({ openapi: v.string() }, v.unknown());
const ASYNCAPI = v.objectWithRest({ asyncapi: v.string() }, v.unknown());

/** `/openapi.json`, `/asyncapi.json` and, for people, `/docs`: made once, when someone asks, from what is served. */
export function documentRoutes({ version, routes }: DocumentRoutes) {
  const openapi = once(() => openApiOf(routes(), version));
  const asyncapi = once(() => asyncApiOf(version));
  const openapiJson = once(() => documentOf(JSON.stringify(openapi())));
  const asyncapiJson = once(() => documentOf(JSON.stringify(asyncapi())));
  const page = once(() => documentOf(pageOf(openapi(), asyncapi())));

  const headers = (type: string, { etag: tag }: Document) => ({
    "content-type": type,
    "cache-control": "public, no-cache",
    etag: tag,
  });

  return new Hono<Env>({ strict: false })
    .get(
      "/openapi.json",
      operation({ summary: "This document", answers: { 200: OPENAPI, 304: null }, headers: KEPT }),
      etag(),
      (c) => c.body(openapiJson().text, 200, headers("application/json", openapiJson())),
    )
    .get(
      "/asyncapi.json",
      operation({
        summary: "The document of the sockets",
        answers: { 200: ASYNCAPI, 304: null },
        headers: KEPT,
      }),
      etag(),
      (c) => c.body(asyncapiJson().text, 200, headers("application/json", asyncapiJson())),
    )
    .get(
      "/docs",
      operation({
        summary: "Both documents, for people",
        answers: { 200: "text/html", 304: null },
        headers: KEPT,
      }),
      etag(),
      (c) => {
        c.header("content-security-policy", pagePolicy());
        return c.body(page().text, 200, headers("text/html; charset=utf-8", page()));
      },
    );
}

function documentOf(text: string): Document {
  return { text, etag: `"${new Bun.CryptoHasher("sha256").update(text).digest("base64url")}"` };
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}
