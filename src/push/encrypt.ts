import type { Subscription } from "./ports.ts";

// Message encryption for Web Push (RFC 8291), in one record of aes128gcm (RFC 8188).

/** What a push service takes (RFC 8030, section 7.2), in bytes. */
const BODY_MAX = 4096;
const SALT = 16;
const KEY = 65;
const HEADER = SALT + 4 + 1 + KEY;
const TAG = 16;
/** The longest text that fits, in bytes. */
export const TEXT_MAX = BODY_MAX - HEADER - TAG - 1;
/** Texts are padded to multiples of this, so that their length says little about them. */
const PADDED = 512;

const CURVE = { name: "ECDH", namedCurve: "P-256" } as const;
const bytes = (text: string) => new TextEncoder().encode(text);
const bytesOf = (base64url: string) => new Uint8Array(Buffer.from(base64url, "base64url"));

/** What makes one encryption different from others. For tests against the example in RFC 8291. */
export interface Chance {
  readonly salt: Uint8Array;
  readonly pair: CryptoKeyPair;
  readonly padded: number;
}

const chance = async (): Promise<Chance> => ({
  salt: crypto.getRandomValues(new Uint8Array(SALT)),
  pair: (await crypto.subtle.generateKey(CURVE, true, ["deriveBits"])) as CryptoKeyPair,
  padded: PADDED,
});

async function derive(secret: Uint8Array, salt: Uint8Array, info: Uint8Array, length: number) {
  const key = await crypto.subtle.importKey("raw", secret as BufferSource, "HKDF", false, ["deriveBits"]);
  const how = { name: "HKDF", hash: "SHA-256", salt: salt as BufferSource, info: info as BufferSource };
  return new Uint8Array(await crypto.subtle.deriveBits(how, key, length * 8));
}

/** Whether a device's keys are a point of the curve and a secret of the right length. */
export async function areKeys({ p256dh, auth }: Pick<Subscription, "p256dh" | "auth">): Promise<boolean> {
  if (bytesOf(auth).length !== 16 || bytesOf(p256dh).length !== KEY) return false;
  return crypto.subtle.importKey("raw", bytesOf(p256dh), CURVE, false, []).then(
    () => true,
    () => false,
  );
}

/** Encrypts a text of at most {@link TEXT_MAX} bytes for a device. @throws if the keys are none. */
export async function encrypt(
  text: Uint8Array,
  { p256dh, auth }: Pick<Subscription, "p256dh" | "auth">,
  given?: Chance,
): Promise<Uint8Array> {
  const { salt, pair, padded } = given ?? (await chance());
  const theirs = bytesOf(p256dh);
  const theirKey = await crypto.subtle.importKey("raw", theirs, CURVE, false, []);
  const ours = new Uint8Array(await crypto.subtle.exportKey("raw", pair.publicKey));
  const shared = new Uint8Array(
    await crypto.subtle.deriveBits({ name: "ECDH", public: theirKey }, pair.privateKey, 256),
  );
  const info = Buffer.concat([bytes("WebPush: info\0"), theirs, ours]);
  const secret = await derive(shared, bytesOf(auth), info, 32);
  const key = await derive(secret, salt, bytes("Content-Encoding: aes128gcm\0"), 16);
  const nonce = await derive(secret, salt, bytes("Content-Encoding: nonce\0"), 12);

  // The last record ends with a 2, and zeros after it (RFC 8188, section 2).
  const plain = new Uint8Array(Math.min(TEXT_MAX, Math.ceil((text.length + 1) / padded) * padded - 1) + 1);
  plain.set(text);
  plain[text.length] = 2;
  const aes = await crypto.subtle.importKey("raw", key, "AES-GCM", false, ["encrypt"]);
  const sealed = new Uint8Array(await crypto.subtle.encrypt({ name: "AES-GCM", iv: nonce }, aes, plain));

  const header = new DataView(new ArrayBuffer(HEADER));
  new Uint8Array(header.buffer).set(salt);
  header.setUint32(SALT, BODY_MAX);
  header.setUint8(SALT + 4, KEY);
  new Uint8Array(header.buffer).set(ours, SALT + 5);
  return Buffer.concat([new Uint8Array(header.buffer), sealed]);
}
