import { expect, test } from "bun:test";
import { engines } from "../../package.json";
import { bunProblem, MINIMUM_BUN } from "../../src/cli/bun-version.ts";

test("the oldest supported Bun is the one that package.json requires", () => {
  expect(engines.bun).toBe(`>=${MINIMUM_BUN}`);
});

test.each(["1.4.0", "1.4.5", "1.10.0", "2.0.0", Bun.version])("Bun %s is supported", (version) => {
  expect(bunProblem(version)).toBeUndefined();
});

test.each([["1.3.9"], ["1.0.0"], ["0.8.1"], [undefined]])(
  "Bun %p gets one line that says what to do",
  (version) => {
    const problem = bunProblem(version);
    expect(problem).toContain("npm install -g bun");
    expect(problem).not.toContain("\n");
  },
);
