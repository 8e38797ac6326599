import { expect, test } from "bun:test";
import * as v from "valibot";
import { portsOf } from "../../src/client/ports.ts";
import { clientId } from "../../src/protocol/values.ts";

/** Creates ids in a runtime with this `crypto`. */
function idsWith(crypto: unknown): string[] {
  const { uuid } = portsOf({ url: "https://chat.example.com" });
  const original = Object.getOwnPropertyDescriptor(globalThis, "crypto") as PropertyDescriptor;
  Object.defineProperty(globalThis, "crypto", { value: crypto, configurable: true });
  try {
    return Array.from({ length: 1_000 }, uuid);
  } finally {
    Object.defineProperty(globalThis, "crypto", original);
  }
}

test.each([
  ["crypto", globalThis.crypto],
  ["no crypto", undefined],
])("with %s, ids are different UUIDs that begin with the time", (_, crypto) => {
  const before = Date.now();
  const ids = idsWith(crypto);
  expect(new Set(ids).size).toBe(ids.length);
  for (const id of ids) {
    expect(v.is(clientId, id)).toBe(true);
    expect(id[14]).toBe("7");
    const time = Number.parseInt(id.replace("-", "").slice(0, 12), 16);
    expect(time).toBeWithin(before, Date.now() + 1);
  }
});
