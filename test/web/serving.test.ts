import { beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { checkWeight } from "../../scripts/weight.ts";
import { buildPage, WORKER } from "../../src/http/page/files.ts";
import { house, START_MS } from "../support/house.ts";

setDefaultTimeout(START_MS);

interface Manifest {
  readonly icons: readonly {
    readonly src: string;
    readonly sizes: string;
    readonly type: string;
    readonly purpose?: string;
  }[];
}

/** Files that the page links to, and that keep their names. */
const FIXED = new Set(["/manifest.webmanifest", "/icon-180.png"]);

let url: string;
beforeAll(async () => {
  ({ url } = (await house()).server);
});

const get = (path: string, headers: Record<string, string> = {}, method = "GET") =>
  fetch(url + path, { method, headers: { "accept-encoding": "identity", ...headers }, decompress: false });

async function assets(): Promise<string[]> {
  const html = await (await get("/")).text();
  return [...html.matchAll(/(?:src|href)="(\/[^"]+)"/g)].map(([, path]) => path ?? "");
}

describe("the page", () => {
  test("is served at / without caching, and confirms a copy that is current", async () => {
    const page = await get("/");
    expect(page.status).toBe(200);
    expect(page.headers.get("content-type")).toBe("text/html; charset=utf-8");
    expect(page.headers.get("cache-control")).toBe("no-cache");
    const etag = page.headers.get("etag") ?? "";
    const again = await get("/", { "if-none-match": etag });
    expect(again.status).toBe(304);
    expect(await again.text()).toBe("");
    expect((await get("/", { "if-none-match": '"another"' })).status).toBe(200);
  });

  test("responds to HEAD without a body, and only to GET and HEAD", async () => {
    const head = await get("/", {}, "HEAD");
    expect(head.status).toBe(200);
    expect(await head.text()).toBe("");
    expect((await get("/", {}, "POST")).status).toBe(404);
  });

  test("allows only its own scripts, and no HTML from text", async () => {
    const policy = (await get("/")).headers.get("content-security-policy") ?? "";
    const directives = new Set(policy.split("; "));
    for (const directive of [
      "default-src 'none'",
      "script-src 'self'",
      "style-src 'self'",
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
      "require-trusted-types-for 'script'",
      "trusted-types worker",
    ])
      expect(directives).toContain(directive);
    expect(policy).not.toContain("unsafe");
    const workers = (await get("/sw.js")).headers.get("content-security-policy") ?? "";
    expect(workers).toContain("default-src 'none'");
    expect(workers).toContain("trusted-types 'none'");
    expect(workers).not.toMatch(/script-src|unsafe/);
    const html = await (await get("/")).text();
    expect(html).not.toMatch(/<script(?![^>]*\bsrc=)|<style|\son\w+=|\sstyle=/);
  });

  test("names its files by their content, so that they can be cached for ever", async () => {
    const paths = (await assets()).filter((path) => !FIXED.has(path));
    expect(new Set(paths.map((path) => path.split(".").at(-1)))).toEqual(new Set(["css", "js", "svg"]));
    for (const path of paths) {
      const file = await get(path);
      expect(file.status).toBe(200);
      expect(file.headers.get("cache-control")).toBe("public, max-age=31536000, immutable");
      expect(file.headers.get("x-content-type-options")).toBe("nosniff");
      expect(file.headers.get("content-type")).toEndWith("; charset=utf-8");
    }
  });

  test("asks again for files whose names stay the same: the worker, the manifest and the icons", async () => {
    for (const path of ["/sw.js", ...FIXED]) {
      const file = await get(path);
      expect([path, file.status, file.headers.get("cache-control")]).toEqual([path, 200, "no-cache"]);
      const etag = file.headers.get("etag") ?? "";
      expect((await get(path, { "if-none-match": etag })).status).toBe(304);
    }
    expect((await get("/sw.js")).headers.get("content-type")).toBe("text/javascript; charset=utf-8");
    expect((await get("/manifest.webmanifest")).headers.get("content-type")).toBe(
      "application/manifest+json; charset=utf-8",
    );
  });

  test("has a manifest with icons of the sizes that it names", async () => {
    const { icons, ...manifest } = (await (await get("/manifest.webmanifest")).json()) as Manifest;
    expect(manifest).toMatchObject({ name: "Parley", start_url: "/", scope: "/", display: "standalone" });
    expect(icons.filter(({ purpose }) => purpose === "maskable")).toHaveLength(1);
    expect(icons.map(({ sizes }) => sizes)).toEqual(expect.arrayContaining(["192x192", "512x512"]));
    for (const { src, sizes, type } of icons) {
      const icon = await get(src);
      expect(icon.headers.get("content-type")).toBe(type);
      const { width, height } = await new Bun.Image(await icon.bytes()).metadata();
      expect(`${width}x${height}`).toBe(sizes);
    }
  });

  test("responds with 404 to an unknown file", async () => {
    expect((await get("/chunk-gone.js")).status).toBe(404);
  });

  test("is compressed for clients that accept gzip, with the same content", async () => {
    for (const path of ["/", ...(await assets())]) {
      const plain = await get(path);
      const zipped = await get(path, { "accept-encoding": "br, gzip" });
      expect(plain.headers.get("content-encoding")).toBeNull();
      expect(zipped.headers.get("content-encoding")).toBe("gzip");
      expect(zipped.headers.get("vary")).toBe("Accept-Encoding");
      expect(zipped.headers.get("etag")).not.toBe(plain.headers.get("etag"));
      expect(Bun.gunzipSync(await zipped.bytes())).toEqual(await plain.bytes());
      const refused = await get(path, { "accept-encoding": "gzip;q=0" });
      expect(refused.headers.get("content-encoding")).toBeNull();
    }
  });

  test("is as light as it promises, and loads the rest later", async () => {
    const files = await buildPage();
    const { first, whole } = checkWeight(files);
    expect(first).toBeGreaterThan(1024);
    expect(whole).toBeGreaterThan(first);
  });

  test("is built the same each time, so that all nodes have the same files", async () => {
    const names = async () => (await buildPage()).map(({ name }) => name).sort();
    expect(await names()).toEqual(await names());
  });

  test("serves the parts that it loads later", async () => {
    const later = (await buildPage()).filter(({ name, first }) => !first && name !== WORKER);
    expect(later.length).toBeGreaterThan(0);
    for (const { name, content } of later) expect(await (await get(`/${name}`)).bytes()).toEqual(content);
  });
});
