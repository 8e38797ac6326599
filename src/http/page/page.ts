import { DATA_HEADERS } from "../../headers.ts";
import bundle from "../../web/index.html";

/**
 * Allows only the page's own files and scripts, and forbids scripts to turn text into HTML (Content Security
 * Policy Level 3; Trusted Types).
 */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join("; ");

/** For files with a content hash in their names, which never change (RFC 8246). */
const IMMUTABLE = "public, max-age=31536000, immutable";
const ASSET = /^\/[^/]+\.(?:js|css|svg)$/;

interface PageFile {
  readonly type: string;
  readonly plain: Uint8Array<ArrayBuffer>;
  readonly gzip: Uint8Array<ArrayBuffer>;
  readonly tag: string;
}

export interface Page {
  /** Responds to a request for the page or one of its files. Returns undefined for any other request. */
  answer(request: Request, path: string): Promise<Response> | undefined;
  /** Resolves to the total size of scripts and styles after gzip, in bytes. */
  weigh(): Promise<number>;
}

/** The page at `/`, which says who can register. Its files are loaded on the first request. */
export function createPage(registration = "open"): Page {
  let files: Promise<ReadonlyMap<string, PageFile>> | undefined;
  const load = () => (files ??= loadFiles(registration));

  return {
    answer(request, path) {
      if (path !== "/" && !ASSET.test(path)) return undefined;
      if (request.method !== "GET" && request.method !== "HEAD") return undefined;
      return load().then((all) => {
        const file = all.get(path);
        if (file) return respond(request, path, file);
        return new Response("File not found.", { status: 404, headers: DATA_HEADERS });
      });
    },
    async weigh() {
      const sizes = [...(await load())].map(([path, { gzip }]) =>
        /\.(?:js|css)$/.test(path) ? gzip.length : 0,
      );
      return sizes.reduce((sum, size) => sum + size, 0);
    },
  };
}

function respond(request: Request, path: string, { type, plain, gzip, tag }: PageFile): Response {
  const zipped = /\bgzip\b(?!\s*;\s*q=0(?:\.0*)?\s*(?:,|$))/.test(
    request.headers.get("accept-encoding") ?? "",
  );
  const etag = zipped ? `"${tag}-gzip"` : `"${tag}"`;
  const headers = {
    "content-type": type,
    "cache-control": path === "/" ? "no-cache" : IMMUTABLE,
    vary: "Accept-Encoding",
    etag,
    "content-security-policy": POLICY,
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

async function loadFiles(registration: string): Promise<ReadonlyMap<string, PageFile>> {
  const blobs = bundle.files ? builtFiles(bundle.files) : await buildFiles(bundle.index);
  const entries = blobs.map(async ([name, blob]) => {
    const isHtml = name.endsWith(".html");
    const html = isHtml && (await blob.text()).replace("<html", `<html data-registration="${registration}"`);
    const plain = html ? new TextEncoder().encode(html) : new Uint8Array(await blob.arrayBuffer());
    const tag = new Bun.CryptoHasher("sha256").update(plain).digest("base64url").slice(0, 22);
    const file: PageFile = { type: typeOf(name), plain, gzip: Bun.gzipSync(plain, { level: 9 }), tag };
    return [isHtml ? "/" : `/${name}`, file] as const;
  });
  return new Map(await Promise.all(entries));
}

type Named = readonly [name: string, blob: Blob];

/** The compiled binary embeds the built files. */
const builtFiles = (files: NonNullable<typeof bundle.files>): Named[] =>
  files.map(({ path }) => [nameOf(path), Bun.file(path)] as const).filter(([name]) => !name.endsWith(".map"));

/** A server that runs from source builds the files itself. */
async function buildFiles(index: string): Promise<Named[]> {
  const { outputs } = await Bun.build({
    entrypoints: [index],
    publicPath: "/",
    target: "browser",
    minify: true,
  });
  return outputs.map((output) => [nameOf(output.path), output] as const);
}

const nameOf = (path: string) => path.split("/").at(-1) ?? path;

const TYPES: Readonly<Record<string, string>> = {
  html: "text/html; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  css: "text/css; charset=utf-8",
  svg: "image/svg+xml; charset=utf-8",
};
const typeOf = (name: string) => TYPES[name.split(".").at(-1) ?? ""] ?? "application/octet-stream";
