import { createECDH, randomBytes } from "node:crypto";
import { describe, expect, test } from "bun:test";
import { jwtVerify, importJWK } from "jose";
import { areKeys, encrypt, TEXT_MAX } from "../../src/push/encrypt.ts";
import { createPushKey, createVapid } from "../../src/push/vapid.ts";
import { systemClock } from "../../src/clock.ts";
import { decrypt } from "../support/push-service.ts";

const device = () => {
  const keys = createECDH("prime256v1");
  keys.generateKeys();
  const auth = randomBytes(16);
  return { keys, auth, p256dh: keys.getPublicKey("base64url"), secret: auth.toString("base64url") };
};

describe("encryption", () => {
  test("makes of the example in RFC 8291 what is printed there", async () => {
    const publicKey = Buffer.from(
      "BP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A8",
      "base64url",
    );
    const jwk = {
      ...{ kty: "EC", crv: "P-256", d: "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw" },
      x: publicKey.subarray(1, 33).toString("base64url"),
      y: publicKey.subarray(33).toString("base64url"),
    };
    const curve = { name: "ECDH", namedCurve: "P-256" };
    const pair = {
      privateKey: await crypto.subtle.importKey("jwk", jwk, curve, true, ["deriveBits"]),
      publicKey: await crypto.subtle.importKey("raw", publicKey, curve, true, []),
    };
    const body = await encrypt(
      new TextEncoder().encode("When I grow up, I want to be a watermelon"),
      {
        p256dh: "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
        auth: "BTBZMqHH6r4Tts7J_aSIgg",
      },
      { salt: new Uint8Array(Buffer.from("DGv6ra1nlYgDCS1FRnbzlw", "base64url")), pair, padded: 1 },
    );
    expect(Buffer.from(body).toString("base64url")).toBe(
      "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN",
    );
  });

  test("is undone with the keys of the device, for texts of any length, and hides how long they are", async () => {
    const { keys, auth, p256dh, secret } = device();
    const sizes = new Set<number>();
    for (const text of ["", "a", "Käse 🧀", "x".repeat(400), "x".repeat(TEXT_MAX)]) {
      const body = await encrypt(new TextEncoder().encode(text), { p256dh, auth: secret });
      expect(decrypt(body, keys, auth)).toBe(text);
      sizes.add(body.length);
    }
    expect([...sizes]).toEqual([86 + 512 + 16, 4096]);
  });

  test("needs a point of the curve and a secret of 16 bytes", async () => {
    const { p256dh, secret } = device();
    expect(await areKeys({ p256dh, auth: secret })).toBe(true);
    const off = Buffer.from(p256dh, "base64url");
    off[64] = (off[64] ?? 0) ^ 1;
    for (const [key, auth] of [
      [off.toString("base64url"), secret],
      ["AA", secret],
      [p256dh, "AA"],
    ] as const)
      expect(await areKeys({ p256dh: key, auth })).toBe(false);
  });
});

describe("the signature", () => {
  test("is by the key that clients get, for the push service alone, and is made once for each", async () => {
    const key = await createPushKey();
    const vapid = await createVapid(key, "mailto:ops@example.com", systemClock);
    const header = await vapid.authorize("https://push.example.com/send/abc?d=e");
    expect(await vapid.authorize("https://push.example.com/other")).toBe(header);
    expect(await vapid.authorize("https://elsewhere.example.com/")).not.toBe(header);
    const [, token = ""] = /^vapid t=([\w.-]+), k=[\w-]+$/.exec(header) ?? [];
    expect(header.endsWith(`k=${vapid.publicKey}`)).toBe(true);
    const { d: _, ...known } = JSON.parse(key) as Record<string, string>;
    const { payload } = await jwtVerify(token, await importJWK(known, "ES256"), {
      audience: "https://push.example.com",
    });
    expect(payload.sub).toBe("mailto:ops@example.com");
    expect((payload.exp ?? 0) * 1000 - Date.now()).toBeLessThanOrEqual(24 * 3600_000);
  });
});
