import { shape } from "../frames.ts";
import type { HttpCall } from "../http.ts";
import type { Person } from "../message.ts";
import type { Session } from "../session.ts";

/** What a person with an account may say about themselves. Null takes it away, and what is missing stays. */
export interface Profile {
  /** The display name: at most 64 characters, not unique. */
  readonly name?: string | null;
  /** The https URL of a picture. */
  readonly picture?: string | null;
}

/** A profile as the server has it. */
export interface Stored {
  readonly user: Person;
  readonly picture: string | null;
}

/** Stores a profile, and renews the token, which says what its person is called. @throws {ChatError} */
export async function setProfile(
  session: Session,
  profile: Profile,
  call?: HttpCall,
): Promise<Stored | undefined> {
  const { body } = await session.request("PATCH", "account/me/", { ...call, body: profile });
  await session.token(await session.token());
  return isStored(body) ? (body as unknown as Stored) : undefined;
}

const isStored = shape("user:person picture:note");
