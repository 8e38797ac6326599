import type { Person } from "./target.ts";

/** Registers someone who comes from `address`. @throws {Error} if the server refuses. */
export async function registered(url: string, address: string): Promise<Person> {
  const email = `${crypto.randomUUID()}@example.com`;
  const password = crypto.randomUUID();
  const response = await fetch(`${url}/account/reg/`, {
    method: "POST",
    headers: { "content-type": "application/json", "x-forwarded-for": address },
    body: JSON.stringify({ email, password, password2: password }),
  });
  const { access, refresh } = (await response.json()) as { access?: string; refresh?: string };
  if (!access || !refresh) throw new Error(`registration failed with status ${response.status}`);
  return { email, password, token: access, refresh };
}
