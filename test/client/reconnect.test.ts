import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { afterClose, backoff, serverDelay } from "../../src/client/reconnect.ts";
import { CLOSE } from "../../src/protocol/codes.ts";

const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

describe("the wait before an attempt", () => {
  test("is random, up to a cap that doubles from 0.5 to 30 seconds", () => {
    fc.assert(
      fc.property(fc.nat(2_000), chance, (attempt, random) => {
        const cap = Math.min(30_000, 500 * 2 ** attempt);
        const ms = backoff(attempt, random);
        expect(ms).toBeGreaterThanOrEqual(0);
        expect(ms).toBeLessThanOrEqual(cap);
        expect(ms).toBeCloseTo(cap * random, 6);
      }),
    );
  });

  test("that a server asks for is limited to 10 minutes", () => {
    expect([250, 0, -1, NaN, Infinity, 1e300, "5", null, undefined].map(serverDelay)).toEqual([
      250,
      undefined,
      undefined,
      undefined,
      600_000,
      600_000,
      undefined,
      undefined,
      undefined,
    ]);
  });
});

describe("a close code", () => {
  test("is handled by its range, whether it is known or not", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 70_000 }), (code) => {
        const renews = code === CLOSE.token_expired || code === CLOSE.token_invalid;
        const stays = code === 1000 || (code >= 4500 && code <= 4999);
        expect(afterClose(code)).toBe(renews ? "renew" : stays ? "stay" : "back");
      }),
      { examples: [[1000], [1006], [4000], [4001], [4499], [4500], [4501], [4999], [5000]] },
    );
  });
});
