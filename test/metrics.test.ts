import { expect, test } from "bun:test";
import { createMetrics } from "../src/metrics.ts";

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
