import { afterEach, beforeEach, expect, jest, test } from "bun:test";
import { createPace } from "../../src/web/conversation/pace.ts";

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

test("what screen readers hear comes at a pace: the first at once, then the newest, and a count of the others", () => {
  const heard: [readonly string[], number][] = [];
  const pace = createPace((texts, more) => heard.push([texts, more]));
  for (const text of ["a", "b", "c", "d", "e"]) pace.add(text);
  expect(heard).toEqual([[["a"], 0]]);
  jest.advanceTimersByTime(3_000);
  expect(heard.slice(1)).toEqual([[["d", "e"], 2]]);
  pace.add("e");
  jest.advanceTimersByTime(3_000);
  expect(heard.slice(2)).toEqual([[["e"], 0]]);
  jest.advanceTimersByTime(3_000);
  pace.add("f");
  expect(heard.slice(3)).toEqual([[["f"], 0]]);
  pace.add("g");
  pace.stop();
  jest.advanceTimersByTime(10_000);
  expect(heard).toHaveLength(4);
});
