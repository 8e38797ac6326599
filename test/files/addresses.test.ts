import { expect, test } from "bun:test";
import * as fc from "fast-check";
import { createAddresses, WINDOW_MS } from "../../src/files/addresses.ts";

const addresses = createAddresses("a secret");
const ID = "6ffa1f28-1f0b-4b5b-8b6b-0f8f4a8c9e01";
const NOW = 1_800_000_123_456;

/** What a request with this address is checked by. */
function parts(address: string) {
  const { pathname, searchParams } = new URL(address, "http://localhost");
  const [, , id = "", variant = ""] = pathname.split("/");
  return { id, variant, exp: searchParams.get("exp") ?? "", sig: searchParams.get("sig") ?? "" };
}
const accepts = ({ id, variant, ...query }: ReturnType<typeof parts>, now = NOW) =>
  addresses.accepts(id, variant, query, now);

test("an address works again and again until it ends, five to ten minutes later", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 * WINDOW_MS }), (later) => {
      const now = NOW + later;
      const endsAt = addresses.ending(now);
      expect(endsAt - now).toBeWithin(WINDOW_MS, 2 * WINDOW_MS + 1);
      const address = parts(addresses.of(ID, "preview", endsAt));
      expect(accepts(address, now)).toBe(true);
      expect(accepts(address, endsAt - 1)).toBe(true);
      expect(accepts(address, endsAt)).toBe(false);
    }),
  );
});

test("everyone gets the same address within a window, so that browsers keep what they loaded", () => {
  const start = Math.ceil(NOW / WINDOW_MS) * WINDOW_MS;
  const at = (now: number) => addresses.of(ID, "large", addresses.ending(now));
  expect(at(start + WINDOW_MS - 1)).toBe(at(start));
  expect(at(start + WINDOW_MS)).not.toBe(at(start));
});

test("an address for one file, form or time does not open another one", () => {
  const good = parts(addresses.of(ID, "preview", addresses.ending(NOW)));
  expect(accepts({ ...good, id: crypto.randomUUID() })).toBe(false);
  expect(accepts({ ...good, variant: "original" })).toBe(false);
  expect(accepts({ ...good, exp: String(Number(good.exp) + 1) })).toBe(false);
  expect(accepts({ ...good, exp: `${good.exp}0` })).toBe(false);
  expect(accepts({ ...good, exp: "Infinity" })).toBe(false);
  // What stands on one side of a separator must not move to the other.
  expect(accepts({ ...good, id: `${ID} preview`, variant: "" })).toBe(false);
});

test("a signature cannot be left out, shortened, or made with another secret", () => {
  const good = parts(addresses.of(ID, "preview", addresses.ending(NOW)));
  for (const sig of ["", good.sig.slice(0, -1), `${good.sig}A`, good.sig.toLowerCase(), "é".repeat(43)])
    expect(accepts({ ...good, sig })).toBe(false);
  const other = createAddresses("another secret");
  expect(accepts(parts(other.of(ID, "preview", other.ending(NOW))))).toBe(false);
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (sig) => sig === good.sig || !accepts({ ...good, sig })),
  );
});
