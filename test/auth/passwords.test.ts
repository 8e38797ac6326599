import { expect, test } from "bun:test";
import { createPasswords, hashPassword } from "../../src/auth/passwords.ts";
import { codeOf } from "./node.ts";

test("a password is hashed with argon2id at OWASP's cost", async () => {
  expect(await hashPassword("correct horse")).toStartWith("$argon2id$v=19$m=19456,t=2,p=1$");
});

test("only the right password matches, and nothing matches without a hash", async () => {
  const passwords = createPasswords({ parallel: 1 });
  const hash = await passwords.hash("correct horse");
  expect(await passwords.verify("correct horse", hash)).toBeTrue();
  expect(await passwords.verify("correct hors", hash)).toBeFalse();
  expect(await passwords.verify("correct horse", null)).toBeFalse();
  expect(await passwords.verify("correct horse", undefined)).toBeFalse();
});

test("comparing takes equally long if there is no account", async () => {
  const passwords = createPasswords({ parallel: 1 });
  const hash = await passwords.hash("correct horse");
  const quickest = async (against: string | null) => {
    const times: number[] = [];
    for (let round = 0; round < 7; round++) {
      const began = performance.now();
      await passwords.verify("wrong horse", against);
      times.push(performance.now() - began);
    }
    return Math.min(...times);
  };
  const ratio = (await quickest(null)) / (await quickest(hash));
  // Without the comparison the ratio would be about 0.001.
  expect(ratio).toBeWithin(0.2, 5);
});

test("one comparison runs, 64 wait, and the next is rejected with a retry time", async () => {
  const passwords = createPasswords({ parallel: 1 });
  const gate = Promise.withResolvers<void>();
  let [working, most] = [0, 0];
  const admit = async () => {
    most = Math.max(most, ++working);
    await gate.promise;
    working--;
    throw new Error("admitted"); // 65 real comparisons would only cost time
  };
  const taken = Array.from({ length: 65 }, () => passwords.verify("x", null, admit).catch(() => "done"));
  const refused = await passwords.verify("x", null, admit).catch((error) => error);
  expect(refused.code).toBe("busy");
  expect(refused.more.retryAfterMs).toBeWithin(2000, 5000);
  gate.resolve();
  expect(await Promise.all(taken)).toEqual(Array(65).fill("done"));
  expect(most).toBe(1);
  expect(await codeOf(passwords.verify("x", null))).toBe(false); // the queue has room again
});
