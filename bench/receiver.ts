const PROGRAM = `
  let changes = 0, bytes = 0;
  const server = Bun.serve({ port: 0, hostname: "127.0.0.1", async fetch(request) {
    if (request.method === "GET") return Response.json({ changes, bytes });
    const text = await request.text();
    bytes += text.length;
    changes += JSON.parse(text).data.changes?.length ?? 0;
    return new Response(null, { status: 204 });
  } });
  console.log(server.url.href);`;

/** Accepts all webhooks, in a process of its own. */
export interface Receiver {
  readonly url: string;
  /** Returns how many changes and bytes came so far. */
  received(): Promise<{ readonly changes: number; readonly bytes: number }>;
  stop(): void;
}

export async function startReceiver(): Promise<Receiver> {
  const child = Bun.spawn([process.execPath, "-e", PROGRAM], { stdout: "pipe" });
  const { value } = await child.stdout.getReader().read();
  const url = new TextDecoder().decode(value).trim();
  return {
    url,
    received: async () => (await (await fetch(url)).json()) as { changes: number; bytes: number },
    stop: () => child.kill(),
  };
}
