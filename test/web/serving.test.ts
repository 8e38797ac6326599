import { beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { createPage } from "../../src/http/page/page.ts";
import { house, START_MS } from "../support/house.ts";

setDefaultTimeout(START_MS);

/** The most that script and style may weigh together, in bytes after gzip. */
const WEIGHT_MAX = 60 * 1024;

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
      "trusted-types 'none'",
    ])
      expect(directives).toContain(directive);
    expect(policy).not.toContain("unsafe");
    const html = await (await get("/")).text();
    expect(html).not.toMatch(/<script(?![^>]*\bsrc=)|<style|\son\w+=|\sstyle=/);
  });

  test("names its files by their content, so that they can be cached for ever", async () => {
    const paths = await assets();
    expect(paths.map((path) => path.split(".").at(-1)).toSorted()).toEqual(["css", "js", "svg"]);
    for (const path of paths) {
      const file = await get(path);
      expect(file.status).toBe(200);
      expect(file.headers.get("cache-control")).toBe("public, max-age=31536000, immutable");
      expect(file.headers.get("x-content-type-options")).toBe("nosniff");
      expect(file.headers.get("content-type")).toEndWith("; charset=utf-8");
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

  test("weighs at most 60 KB, script and style together", async () => {
    let weight = 0;
    for (const path of await assets())
      if (!path.endsWith(".svg"))
        weight += (await (await get(path, { "accept-encoding": "gzip" })).bytes()).length;
    expect(weight).toBeGreaterThan(1024);
    expect(await createPage().weigh()).toBe(weight);
    expect(weight).toBeLessThanOrEqual(WEIGHT_MAX);
  });
});
