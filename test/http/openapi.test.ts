import { beforeAll, expect, test } from "bun:test";
import { createConfig, lintFromString } from "@redocly/openapi-core";
import spectral, { type RulesetDefinition } from "@stoplight/spectral-core";
import { oas } from "@stoplight/spectral-rulesets";
import { api } from "../support/api.ts";
import { START_MS } from "../support/house.ts";
import { startTestServer } from "../support/server.ts";

// What tools that read OpenAPI find wrong with the document of a server that offers everything.

let text: string;
beforeAll(async () => {
  const server = await startTestServer({ ADMIN_TOKEN: "a".repeat(32), METRICS_TOKEN: "m".repeat(32) });
  ({ text } = await api(server, "GET /openapi.json"));
  await server.stop();
}, START_MS);

/** Returns the findings of `redocly lint` with its recommended rules. */
async function redocly(source: string): Promise<string[]> {
  const config = await createConfig({ extends: ["recommended"] });
  const problems = await lintFromString({ source, absoluteRef: "/openapi.json", config });
  return problems.map(({ ruleId, message, location }) => `${ruleId}: ${message} ${location[0]?.pointer}`);
}

/** Returns the findings of `spectral lint` with the recommended rules of `spectral:oas`. */
async function spectralOas(source: string): Promise<string[]> {
  const linter = new spectral.Spectral();
  linter.setRuleset({ extends: [oas as RulesetDefinition] });
  const problems = await linter.run(JSON.parse(source) as Record<string, unknown>);
  return problems.map(({ code, message, path }) => `${code}: ${message} ${path.join("/")}`);
}

test("redocly finds no errors and nothing to warn of", async () => {
  expect(await redocly(text)).toEqual([]);
}, 60_000);

test("Spectral finds no errors and nothing to warn of", async () => {
  expect(await spectralOas(text)).toEqual([]);
}, 60_000);

test("both find what is wrong with a document", async () => {
  const { paths, ...rest } = JSON.parse(text) as { paths: Record<string, object>; components: object };
  const {
    security: _,
    description: __,
    ...open
  } = (paths["/account/login"] as { post: Record<string, unknown> }).post;
  const wrong = JSON.stringify({ ...rest, paths: { "/account/login": { post: open } } });
  expect((await redocly(wrong)).join("\n")).toContain("security-defined");
  expect((await spectralOas(wrong)).join("\n")).toContain("operation-description");
}, 60_000);

test("every operation is named, explained and tagged, and every response with a body has a schema", () => {
  const { paths } = JSON.parse(text) as { paths: Record<string, Record<string, Operation>> };
  for (const [path, methods] of Object.entries(paths))
    for (const [method, { operationId, summary, description, tags, responses }] of Object.entries(methods)) {
      const empty = [operationId, summary, description, tags[0]].filter((one) => !one);
      expect([method, path, ...empty]).toEqual([method, path]);
      for (const [status, { content = {} }] of Object.entries(responses))
        for (const { schema } of Object.values(content))
          expect([method, path, status, Object.keys(schema).length > 0]).toEqual([
            method,
            path,
            status,
            true,
          ]);
    }
});

interface Operation {
  readonly operationId: string;
  readonly summary: string;
  readonly description: string;
  readonly tags: readonly string[];
  readonly responses: Record<string, { content?: Record<string, { schema: object }> }>;
}
