import { expect, test } from "bun:test";
import { createMetrics } from "../src/metrics.ts";
import { needs } from "./support/needs.ts";

// For the spaces of V8's heap Bun walks its own heap: on a large server a scrape blocked all deliveries for
// 100 ms.
test("process metrics are exported, except those that would block the event loop during a scrape", async () => {
  const metrics = createMetrics();
  metrics.collectProcess();
  const text = await metrics.registry.metrics();
  expect(text).toContain("process_resident_memory_bytes ");
  expect(text).toContain("nodejs_eventloop_lag_p99_seconds ");
  expect(text).toContain("nodejs_heap_size_used_bytes ");
  expect(text).not.toContain("nodejs_heap_space_");
  expect(text).not.toContain("process_heap_bytes");
});

test("only counters have names that end in _total, as OpenMetrics requires", async () => {
  const metrics = createMetrics();
  metrics.collectProcess();
  const wrong = (await metrics.registry.getMetricsAsJSON())
    .filter(({ name, type }) => name.endsWith("_total") !== (String(type) === "counter"))
    .map(({ name, type }) => `${type} ${name}`);
  expect(wrong).toEqual([]);
});

needs("promtool")("Prometheus' own checker", () => {
  test("accepts every metric", async () => {
    const metrics = createMetrics();
    metrics.collectProcess();
    const checker = Bun.spawn(["promtool", "check", "metrics"], {
      stdin: new Blob([await metrics.registry.metrics()]),
      stdout: "pipe",
      stderr: "pipe",
    });
    const [out, err] = await Promise.all([
      new Response(checker.stdout).text(),
      new Response(checker.stderr).text(),
    ]);
    expect(out + err).toBe("");
    expect(await checker.exited).toBe(0);
  });
});
