import { expect, test } from "bun:test";
import { createStorage } from "../../src/web/page/storage.ts";

/** A browser's window with a storage that can be blocked, full or absent. */
function browser() {
  const items = new Map<string, string>();
  const page = new EventTarget() as EventTarget & { fault?: "blocked" | "full" | "read-only" | "absent" };
  const check = (...faults: unknown[]) => {
    if (faults.includes(page.fault)) throw new DOMException("no", "QuotaExceededError");
  };
  const area = () => {
    check("blocked");
    if (page.fault === "absent") return null;
    return Object.assign(Object.fromEntries(items), {
      getItem: (key: string) => items.get(key) ?? null,
      setItem(key: string, value: string) {
        check("full", "read-only");
        items.set(key, value);
      },
      removeItem(key: string) {
        check("read-only");
        items.delete(key);
      },
    });
  };
  Object.defineProperty(page, "localStorage", { get: area });
  return { page, items, storage: createStorage(page as never) };
}

test("what the page keeps outlives it", () => {
  const { page, items, storage } = browser();
  expect(storage.setItem("parley theme", "dark")).toBe(true);
  expect([storage.getItem("parley theme"), createStorage(page as never).getItem("parley theme")]).toEqual([
    "dark",
    "dark",
  ]);
  storage.setItem("parley draft b", "2");
  expect(storage.keys("parley draft ")).toEqual(["parley draft b"]);
  storage.removeItem("parley draft b");
  expect([storage.lasting, [...items.keys()]]).toEqual([true, ["parley theme"]]);
});

for (const fault of ["blocked", "full", "read-only", "absent"] as const)
  test(`a storage that is ${fault} never throws, and what is written lives as long as the page`, () => {
    const { page, storage } = browser();
    storage.setItem("parley theme", "light");
    page.fault = fault;
    expect(storage.setItem("parley theme", "dark")).toBe(false);
    expect(storage.getItem("parley theme")).toBe("dark");
    expect(storage.getItem("parley other")).toBeNull();
    expect(storage.keys("parley ")).toEqual(["parley theme"]);
    expect(storage.lasting).toBe(false);
    storage.removeItem("parley theme");
    expect([storage.getItem("parley theme"), storage.keys("parley ")]).toEqual([null, []]);

    // Once it works again, the next write is stored.
    delete page.fault;
    expect(storage.setItem("parley theme", "dark")).toBe(true);
    expect([storage.lasting, createStorage(page as never).getItem("parley theme")]).toEqual([true, "dark"]);
  });

test("what another tab stores replaces what this one could not store", () => {
  const { page, items, storage } = browser();
  page.fault = "full";
  storage.setItem("parley outbox", "mine");
  items.set("parley outbox", "theirs");
  page.dispatchEvent(Object.assign(new Event("storage"), { key: "parley outbox" }));
  expect(storage.getItem("parley outbox")).toBe("theirs");
});
