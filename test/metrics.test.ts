import { expect, test } from "bun:test";
import { createMetrics } from "../src/metrics.ts";

// Bun answers for the spaces of V8's heap by walking its own: a scrape of a large server held up all deliveries for 100 ms.
test("the process' figures are shown, but for those that a scrape would stop the event loop for", async () => {
  const metrics = createMetrics();
  metrics.collectProcess();
  const text = await metrics.registry.metrics();
  expect(text).toContain("process_resident_memory_bytes ");
  expect(text).toContain("nodejs_eventloop_lag_p99_seconds ");
  expect(text).toContain("nodejs_heap_size_used_bytes ");
  expect(text).not.toContain("nodejs_heap_space_");
  expect(text).not.toContain("process_heap_bytes");
});
