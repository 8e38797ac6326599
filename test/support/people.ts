import { api } from "./api.ts";

export const PASSWORD = "correct horse battery";

/** A person with an account, signed in. */
export interface Person {
  readonly username: string;
  readonly email: string;
  /** The access token. */
  readonly token: string;
  readonly refresh: string;
}

/** Registers a person with this username. */
export async function register(
  server: { url: string },
  name: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<Person> {
  const email = `${name}@example.com`;
  const { status, text, body } = await api(server, "POST /account/reg/", {
    body: { email, password: PASSWORD, password2: PASSWORD, username: name },
    headers,
  });
  if (status !== 201) throw new Error(`${name} could not register: ${status} ${text}`);
  const { access, refresh, username } = body as { access: string; refresh: string; username: string };
  return { username, email, token: access, refresh };
}
