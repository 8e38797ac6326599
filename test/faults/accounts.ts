/** Registers `count` people at a server and returns their access tokens. */
export async function register(url: string, count: number): Promise<string[]> {
  const tokens: string[] = [];
  for (let person = 0; person < count; person++) {
    const password = crypto.randomUUID();
    const response = await fetch(`${url}/account/reg/`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ email: `${crypto.randomUUID()}@example.com`, password, password2: password }),
    });
    const { access } = (await response.json()) as { access?: string };
    if (!access) throw new Error(`registration failed with status ${response.status}`);
    tokens.push(access);
  }
  return tokens;
}
