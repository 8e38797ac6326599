import { expect, test } from "bun:test";
import { Hono } from "hono";
import type { Identity } from "../../src/identity.ts";
import type { Env } from "../../src/http/request.ts";
import { untilTaken } from "../../src/http/taken.ts";
import { until } from "../support/until.ts";

// A reader that asks for many large responses and takes none holds the memory of two.

function serve(text: string) {
  let started = 0;
  const app = new Hono<Env>();
  app.use(async (c, next) => {
    c.set("identity", { userId: Number(c.req.header("user")) } as Identity);
    await next();
  });
  app.get("/", untilTaken(), (c) => {
    started++;
    return c.text(text, 200, { link: "</next>" });
  });
  const get = (user: number, method = "GET") =>
    Promise.resolve(app.request("/", { method, headers: { user: String(user) } }));
  return { get, started: () => started };
}

const LARGE = "x".repeat(300_000);

test("the third large response begins when one of the first two was read, or its client is gone", async () => {
  const { get, started } = serve(LARGE);
  const [first, second] = await Promise.all([get(1), get(1)]);
  const third = get(1);
  const fourth = get(1);
  expect((await get(2)).status).toBe(200); // someone else does not wait
  expect(started()).toBe(3);
  expect(first.headers.get("link")).toBe("</next>");
  expect(await first.text()).toBe(LARGE);
  expect((await third).status).toBe(200);
  expect(started()).toBe(4);
  await second.body?.cancel();
  await until(() => started() === 5);
  expect(await (await fourth).text()).toBe(LARGE);
});

test("small responses and HEAD take no place, and are not split", async () => {
  const small = serve("hello");
  for (let count = 0; count < 5; count++) await small.get(1);
  expect(small.started()).toBe(5);
  const large = serve(LARGE);
  for (let count = 0; count < 5; count++) await large.get(1, "HEAD");
  expect(large.started()).toBe(5);
});
