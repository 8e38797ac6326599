import { expect, test } from "bun:test";
import { createPasswords, hashPassword } from "../../src/auth/passwords.ts";

const ME = ["known", "192.0.2.1", "192.0.2.1", "ada"];
const passwords = createPasswords({ parallel: 1 });
const compare = (password: string, hash: string | null | undefined) => passwords.verify(password, hash, ME);

test("a password is hashed with argon2id at OWASP's cost", async () => {
  expect(await hashPassword("correct horse")).toStartWith("$argon2id$v=19$m=19456,t=2,p=1$");
});

test("only the right password matches, and nothing matches without a hash", async () => {
  const hash = await passwords.hash("correct horse", ME);
  expect(await compare("correct horse", hash)).toEqual({ matches: true });
  expect(await compare("correct hors", hash)).toEqual({ matches: false });
  expect(await compare("correct horse", null)).toEqual({ matches: false });
  expect(await compare("correct horse", undefined)).toEqual({ matches: false });
});

test("comparing takes equally long if there is no account", async () => {
  const hash = await passwords.hash("correct horse", ME);
  const quickest = async (against: string | null) => {
    const times: number[] = [];
    for (let round = 0; round < 7; round++) {
      const began = performance.now();
      await compare("wrong horse", against);
      times.push(performance.now() - began);
    }
    return Math.min(...times);
  };
  const ratio = (await quickest(null)) / (await quickest(hash));
  // Without the comparison the ratio would be about 0.001.
  expect(ratio).toBeWithin(0.2, 5);
});

const [COMPOSED, DECOMPOSED] = ["gr\u00fcne \u00c4pfel", "gru\u0308ne A\u0308pfel"] as const;

test("a password that one keyboard composes and another does not is the same password", async () => {
  for (const [first, second] of [
    [COMPOSED, DECOMPOSED],
    [DECOMPOSED, COMPOSED],
  ] as const)
    expect(await compare(second, await passwords.hash(first, ME))).toEqual({ matches: true });
});

test("a hash from before passwords were normalised still matches, and is renewed so that every keyboard does", async () => {
  const old = await Bun.password.hash(DECOMPOSED, {
    algorithm: "argon2id",
    memoryCost: 19 * 1024,
    timeCost: 2,
  });
  expect(await compare(COMPOSED, old)).toEqual({ matches: false });
  const { matches, renewed } = await compare(DECOMPOSED, old);
  expect(matches).toBeTrue();
  expect(await compare(COMPOSED, renewed)).toEqual({ matches: true });
});

test("a hash of another cost is renewed if the password matches, and only then", async () => {
  const dearer = createPasswords({ parallel: 1, cost: { memoryCost: 20 * 1024, timeCost: 2 } });
  const old = await hashPassword("correct horse");
  const verify = (password: string) => dearer.verify(password, old, ME);
  expect(await verify("wrong horse")).toEqual({ matches: false });
  const { matches, renewed } = await verify("correct horse");
  expect(matches).toBeTrue();
  expect(renewed).toStartWith("$argon2id$v=19$m=20480,t=2,p=1$");
});
