import { calculateJwkThumbprint, exportJWK, generateKeyPair, SignJWT } from "jose";

export const ISSUER = "https://bench.example";
const HOURS = 12;

export interface Person {
  readonly id: number;
  readonly username: string;
  readonly token: string;
}

/** People who exist as database rows, and the server's key, which signs their tokens. */
export interface People {
  /** The server's `JWT_PRIVATE_KEY`. */
  readonly privateKey: string;
  /** Returns the first `count` people. Tokens are signed on first use. */
  first(count: number): Promise<readonly Person[]>;
}

export const usernameOf = (id: number) => `p${String(id).padStart(5, "0")}`;
const uidOf = (id: number) => `u_${usernameOf(id)}`;
export const sessionOf = (id: number) => `00000000-0000-4000-8000-${String(id).padStart(12, "0")}`;

/** Returns SQL that inserts the people 1 to `count`, each with a session. */
export const peopleSql = (count: number) => [
  `insert into users (username, username_fold, uid)
    select n, n, 'u_' || n from (select 'p' || lpad(i::text, 5, '0') as n from generate_series(1, ${count}) i order by i) s`,
  `insert into sessions (id, user_id, expires_at)
    select ('00000000-0000-4000-8000-' || lpad(id::text, 12, '0'))::uuid, id, now() + interval '1 day' from users where id > 0`,
];

export async function createPeople(): Promise<People> {
  const { privateKey } = await generateKeyPair("EdDSA", { extractable: true });
  const jwk = await exportJWK(privateKey);
  const kid = await calculateJwkThumbprint(jwk);
  const people: Person[] = [];

  const sign = (id: number) => {
    const now = Math.floor(Date.now() / 1000);
    return new SignJWT({ sid: sessionOf(id), name: usernameOf(id), uid: uidOf(id) })
      .setProtectedHeader({ alg: "EdDSA", typ: "at+jwt", kid })
      .setIssuer(ISSUER)
      .setAudience("parley")
      .setSubject(String(id))
      .setIssuedAt(now)
      .setExpirationTime(now + HOURS * 3600)
      .setJti(crypto.randomUUID())
      .sign(privateKey);
  };

  return {
    privateKey: JSON.stringify(jwk),
    async first(count) {
      for (let id = people.length + 1; id <= count; id++)
        people.push({ id, username: usernameOf(id), token: await sign(id) });
      return people.slice(0, count);
    },
  };
}
