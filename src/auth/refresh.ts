import { createHmac, timingSafeEqual } from "node:crypto";

/** What a refresh token claims: a session, and the token's generation within it (1, 2, 3 …). */
export interface RefreshClaim {
  readonly sessionId: string;
  readonly generation: number;
}

const FORM = /^([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\.([1-9]\d{0,14})\.([\w-]{43})$/;

/** Returns `<session>.<generation>.<HMAC-SHA256 of both>`. */
export function refreshToken({ sessionId, generation }: RefreshClaim, secret: Buffer): string {
  const claim = `${sessionId}.${generation}`;
  return `${claim}.${sign(claim, secret).toString("base64url")}`;
}

/** Returns the claim of a token signed with one of the secrets, otherwise undefined. */
export function readRefreshToken(token: string, secrets: readonly Buffer[]): RefreshClaim | undefined {
  const [, sessionId, generation, mac] = FORM.exec(token) ?? [];
  if (!sessionId || !generation || !mac) return undefined;
  const given = Buffer.from(mac, "base64url");
  const made = secrets.some((secret) => timingSafeEqual(given, sign(`${sessionId}.${generation}`, secret)));
  return made ? { sessionId, generation: Number(generation) } : undefined;
}

const sign = (claim: string, secret: Buffer) => createHmac("sha256", secret).update(claim).digest();
