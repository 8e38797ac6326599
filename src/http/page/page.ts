import { DATA_HEADERS } from "../../headers.ts";
import type { PageVersion } from "../../web/worker/shell.ts";
import { isFixed, type PageFile, pageFiles, WORKER } from "./files.ts";

/** Nothing may embed the page, or be loaded that is not named. */
const NOTHING = ["default-src 'none'", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"];

/**
 * Allows only the page's own files and scripts, and forbids scripts to turn text into HTML (Content Security
 * Policy Level 3; Trusted Types). The policy `worker` allows the address of the service worker.
 */
const policyWith = (pictures: readonly string[], files: string | undefined) =>
  [
    ...NOTHING,
    "script-src 'self'",
    "style-src 'self'",
    ["img-src 'self' data:", ...pictures, ...(files ? [files] : [])].join(" "),
    `media-src ${files ?? "'self'"}`,
    "connect-src 'self'",
    "worker-src 'self'",
    "manifest-src 'self'",
    "require-trusted-types-for 'script'",
    "trusted-types worker",
  ].join("; ");

/** The service worker only fetches the page's files. */
const WORKER_POLICY = [
  ...NOTHING,
  "img-src 'self'",
  "connect-src 'self'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join("; ");

/** For files with a content hash in their names, which never change (RFC 8246). */
const IMMUTABLE = "public, max-age=31536000, immutable";
const ASSET = /^\/[^/]+\.(?:js|css|svg|png|webmanifest)$/;

interface Served {
  readonly type: string;
  readonly plain: Uint8Array<ArrayBuffer>;
  readonly gzip: Uint8Array<ArrayBuffer>;
  readonly tag: string;
  readonly cache: string;
  readonly policy: string;
}

export interface Page {
  /** Responds to a request for the page or one of its files. Returns undefined for any other request. */
  answer(request: Request, path: string): Promise<Response> | undefined;
}

interface PageOptions {
  /** Who can register. */
  readonly registration?: string;
  /** Whether this server sends mails. */
  readonly mails?: boolean;
  /** The origins whose pictures of people the page shows. */
  readonly pictures?: readonly string[] | undefined;
  /** The origin of what people upload, if it is not the page's. */
  readonly files?: string | undefined;
}

/** The page at `/`, which says what the operator has set. Its files are loaded on the first request. */
export function createPage(options: PageOptions = {}, files = pageFiles): Page {
  let loading: Promise<ReadonlyMap<string, Served>> | undefined;
  const load = () => (loading ??= files().then((all) => serve(all, options)));

  return {
    answer(request, path) {
      if (path !== "/" && !ASSET.test(path)) return undefined;
      if (request.method !== "GET" && request.method !== "HEAD") return undefined;
      return load().then((all) => {
        const file = all.get(path);
        if (file) return respond(request, file);
        return new Response("File not found.", { status: 404, headers: DATA_HEADERS });
      });
    },
  };
}

function respond(request: Request, { type, plain, gzip, tag, cache, policy }: Served): Response {
  const zipped = /\bgzip\b(?!\s*;\s*q=0(?:\.0*)?\s*(?:,|$))/.test(
    request.headers.get("accept-encoding") ?? "",
  );
  const etag = zipped ? `"${tag}-gzip"` : `"${tag}"`;
  const headers = {
    "content-type": type,
    "cache-control": cache,
    vary: "Accept-Encoding",
    etag,
    "content-security-policy": policy,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    ...(zipped && { "content-encoding": "gzip" }),
  };
  const known =
    request.headers
      .get("if-none-match")
      ?.split(",")
      .map((known) => known.trim()) ?? [];
  if (known.includes(etag) || known.includes(`W/${etag}`))
    return new Response(null, { status: 304, headers });
  return new Response(zipped ? gzip : plain, { headers });
}

function serve(
  files: readonly PageFile[],
  { registration = "open", pictures = [], mails = false, files: origin }: PageOptions,
): ReadonlyMap<string, Served> {
  const all = new Map<string, Served>();
  const policy = policyWith(pictures, origin);
  const settings = `<html data-registration="${registration}" data-pictures="${pictures.join(" ")}"${mails ? " data-mails" : ""}`;
  const add = ({ name, content }: PageFile) =>
    all.set(pathOf(name), servedAs(name, content, name === WORKER ? WORKER_POLICY : policy));
  for (const file of files)
    if (file.name !== WORKER)
      add(isHtml(file.name) ? { ...file, content: withSettings(file.content, settings) } : file);
  const worker = files.find(({ name }) => name === WORKER);
  if (worker) add({ ...worker, content: withVersion(worker.content, all) });
  return all;
}

function servedAs(name: string, plain: Uint8Array<ArrayBuffer>, policy: string): Served {
  return {
    type: typeOf(name),
    plain,
    gzip: Bun.gzipSync(plain, { level: 9 }),
    tag: new Bun.CryptoHasher("sha256").update(plain).digest("base64url").slice(0, 22),
    cache: isFixed(name) ? "no-cache" : IMMUTABLE,
    policy,
  };
}

/** Tells the worker which version of the page it belongs to, so that it changes whenever a file does. */
function withVersion(worker: Uint8Array<ArrayBuffer>, all: ReadonlyMap<string, Served>) {
  const hash = new Bun.CryptoHasher("sha256");
  for (const [path, { tag }] of all) hash.update(`${path} ${tag}\n`);
  const html = all.get("/")?.plain ?? new Uint8Array();
  const version: PageVersion = {
    name: hash.digest("base64url").slice(0, 16),
    files: [...all.keys()].filter((path) => path !== "/" && !NOT_OFFLINE.test(path)),
    integrity: `sha256-${new Bun.CryptoHasher("sha256").update(html).digest("base64")}`,
  };
  return encode(`const PAGE_VERSION = ${JSON.stringify(version)};\n${new TextDecoder().decode(worker)}`);
}

/** What only the installation needs. */
const NOT_OFFLINE = /^\/(?:.*\.webmanifest|.*-(?:180|512)\.png)$/;

const withSettings = (html: Uint8Array<ArrayBuffer>, settings: string) =>
  encode(new TextDecoder().decode(html).replace("<html", () => settings));

const encode = (text: string) => new TextEncoder().encode(text);
const isHtml = (name: string) => name.endsWith(".html");
const pathOf = (name: string) => (isHtml(name) ? "/" : `/${name}`);

const TYPES: Readonly<Record<string, string>> = {
  html: "text/html; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  css: "text/css; charset=utf-8",
  svg: "image/svg+xml; charset=utf-8",
  png: "image/png",
  webmanifest: "application/manifest+json; charset=utf-8",
};
const typeOf = (name: string) => TYPES[name.split(".").at(-1) ?? ""] ?? "application/octet-stream";
