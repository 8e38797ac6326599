import type { JSONWebKeySet } from "jose";
import type { Identity } from "../identity.ts";

/** Who: accounts, sessions, tokens. What the rest of the program asks of this folder. */
export interface Auth {
  /**
   * The person behind an access token, ours or an outside identity's, whose session and account are alive.
   * @throws {Refusal} token_invalid, token_expired, session_ended, account_disabled; unavailable where it cannot be known now.
   */
  authenticate(token: string): Promise<Identity>;
  /** Our public keys, as a JWK Set (RFC 7517): current ones and those whose tokens may still be alive. */
  jwks(): Promise<JSONWebKeySet>;
}
