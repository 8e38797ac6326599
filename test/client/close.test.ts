import { expect, test } from "bun:test";
import type { Clock } from "../../src/client/index.ts";
import { createRig, message } from "./rig.ts";

test("a closed chat leaves no timer, which would keep a process alive", async () => {
  const timers = new Set<object>();
  const clock: Clock = {
    now: Date.now,
    monotonic: () => performance.now(),
    after() {
      const timer = {};
      timers.add(timer);
      return () => void timers.delete(timer);
    },
  };
  const rig = createRig({ ports: { clock } });
  const [hall, kept] = [rig.chat.room("hall", { history: 0 }), rig.chat.room("kept", { history: 0 })];
  const offs = [hall.subscribe(() => {}), kept.subscribe(() => {}), rig.chat.rooms().subscribe(() => {})];
  await rig.settle();
  rig.wire.welcome();
  rig.wire.admit("hall");
  rig.wire.say(message("hall", 1));
  hall.send("Hello").catch(() => {});
  offs[0]?.();
  await rig.settle();
  expect(timers.size).toBeGreaterThan(0);
  await rig.chat.close();
  for (const off of offs) off();
  await rig.settle();
  expect(timers.size).toBe(0);
});
