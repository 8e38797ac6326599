import { calculateJwkThumbprint, importJWK, type JWK } from "jose";
import * as v from "valibot";

// A key set from outside (JWKS, RFC 7517), of which one bad member must not spoil the others.

/** What each algorithm needs. Asymmetric ones only: anyone who can verify with a shared secret can also forge. */
const NEEDS: Readonly<Record<string, { readonly kty: string; readonly crv?: string }>> = {
  EdDSA: { kty: "OKP", crv: "Ed25519" },
  Ed25519: { kty: "OKP", crv: "Ed25519" },
  ES256: { kty: "EC", crv: "P-256" },
  ES384: { kty: "EC", crv: "P-384" },
  ES512: { kty: "EC", crv: "P-521" },
  RS256: { kty: "RSA" },
  RS384: { kty: "RSA" },
  RS512: { kty: "RSA" },
  PS256: { kty: "RSA" },
  PS384: { kty: "RSA" },
  PS512: { kty: "RSA" },
};
export const ALGORITHMS = Object.keys(NEEDS);

/** The most members of a set that are read. */
const MEMBERS_MAX = 100;
/** The most keys that are tried for one token. */
const TRIES_MAX = 8;
/** The bytes of an RSA modulus: 2048 to 8192 bits. Longer ones take long to import and to use. */
const MODULUS = { min: 256, max: 1024 } as const;
const PRIVATE = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

const MEMBER = v.looseObject({
  kty: v.string(),
  kid: v.optional(v.pipe(v.string(), v.maxLength(512))),
  crv: v.optional(v.string()),
  alg: v.optional(v.string()),
  use: v.optional(v.string()),
  key_ops: v.optional(v.array(v.string())),
});
type Member = v.InferOutput<typeof MEMBER>;

/** A key that verifies tokens. */
export interface OutsideKey {
  /** Its thumbprint (RFC 7638). */
  readonly id: string;
  readonly kid: string | undefined;
  /** Whether it can verify tokens of this algorithm. */
  fits(alg: string): boolean;
  /** Imports it for an algorithm that it fits. */
  of(alg: string): Promise<CryptoKey>;
}

/** A key set cannot be used. The message says why, and quotes nothing of it. */
export class BadKeySet extends Error {
  override readonly name = "BadKeySet";
}

/** A member that cannot be used, by its place in the set, and why. */
export interface Skipped {
  readonly at: number;
  readonly why: string;
}

/**
 * Reads a key set. Members that cannot be used are skipped and reported. Members that are meant for something else, such as
 * encryption, are skipped without a report.
 * @throws {BadKeySet} if the text is not a key set, or none of its members can be used.
 */
export async function readKeySet(text: string): Promise<{ keys: OutsideKey[]; skipped: Skipped[] }> {
  const members = membersOf(text);
  const keys = new Map<string, OutsideKey>();
  const skipped: Skipped[] = [];
  for (const [at, member] of members.entries()) {
    const key = at < MEMBERS_MAX ? await readMember(member) : `is beyond the first ${MEMBERS_MAX}`;
    if (typeof key === "string") skipped.push({ at, why: key });
    // A set may contain the same key twice.
    else if (key) keys.set(`${key.id} ${key.kid ?? ""}`, key);
  }
  if (keys.size === 0 && skipped.length > 0) throw new BadKeySet(`the first key ${skipped[0]?.why}`);
  return { keys: [...keys.values()], skipped };
}

function membersOf(text: string): unknown[] {
  try {
    return v.parse(v.object({ keys: v.array(v.unknown()) }), JSON.parse(text)).keys;
  } catch {
    throw new BadKeySet("it is not a key set in JSON");
  }
}

/** Returns the keys that may have signed a token, the likeliest first, at most 8. */
export function candidatesFor(
  keys: readonly OutsideKey[],
  { alg, kid }: { readonly alg: string; readonly kid: string | undefined },
): OutsideKey[] {
  const fitting = keys.filter((key) => key.fits(alg));
  const named = fitting.filter((key) => key.kid === kid);
  // A token without an id may be of any key, and a key without an id may have signed any token.
  const others = fitting.filter((key) => key.kid !== kid && (kid === undefined || key.kid === undefined));
  return [...named, ...others].slice(0, TRIES_MAX);
}

/** Returns a member's key; undefined if it is meant for something else; or what is wrong with it. */
async function readMember(member: unknown): Promise<OutsideKey | string | undefined> {
  const parsed = v.safeParse(MEMBER, member);
  if (!parsed.success) return "is not a key";
  const { kty, kid, crv, alg, use, key_ops: ops } = parsed.output;
  if ((use ?? "sig") !== "sig" || (ops && !ops.includes("verify"))) return undefined;
  if (PRIVATE.some((part) => part in parsed.output)) return "has private parts";
  const fits = (other: string) => {
    const needs = NEEDS[other];
    return needs?.kty === kty && needs.crv === (kty === "RSA" ? undefined : crv) && (alg ?? other) === other;
  };
  const usual = ALGORITHMS.find(fits);
  if (usual === undefined) return "is of a kind that signs no tokens";
  const bytes = kty === "RSA" ? modulusBytes(parsed.output) : MODULUS.min;
  if (bytes < MODULUS.min || bytes > MODULUS.max) return "has fewer than 2048 or more than 8192 bits";
  try {
    const jwk = parsed.output as JWK;
    const imported = new Map([[usual, importKey(jwk, usual)]]);
    await imported.get(usual);
    const of = (wanted: string) => imported.getOrInsertComputed(wanted, () => importKey(jwk, wanted));
    return { id: await calculateJwkThumbprint(jwk), kid, fits, of };
  } catch {
    return "cannot be imported";
  }
}

/** The length of an RSA modulus without leading zeros. */
function modulusBytes({ n }: Member): number {
  const bytes = Buffer.from(typeof n === "string" ? n : "", "base64url");
  const first = bytes.findIndex((byte) => byte !== 0);
  return first === -1 ? 0 : bytes.length - first;
}

/** Only the parts that make up the key: others, such as certificates, are not ours to read. */
async function importKey({ kty, crv, x, y, n, e }: JWK, alg: string): Promise<CryptoKey> {
  const parts = { kty, crv, x, y, n, e };
  const key = await importJWK(
    Object.fromEntries(Object.entries(parts).filter(([, part]) => part !== undefined)),
    alg,
  );
  if (key instanceof Uint8Array) throw new Error("not an asymmetric key");
  return key;
}
