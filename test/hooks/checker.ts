/** A question that an endpoint got about a message. */
export interface Asked {
  readonly headers: Headers;
  readonly text: string;
  readonly body: {
    readonly type: string;
    readonly timestamp: string;
    readonly data: Readonly<Record<string, unknown>> & { readonly room: string; readonly content: string };
  };
}

/** An endpoint that decides about messages before they are committed. */
export interface Checker {
  readonly url: string;
  readonly asked: readonly Asked[];
  /** Returns the response to a question. Allows everything by default. */
  respond: (asked: Asked) => Response | Promise<Response>;
  /** What it was asked about in a room. */
  said(room: string): string[];
  /** Goes away, or comes back at the same address. */
  die(): Promise<void>;
  revive(): void;
}

export const HOOK_SECRET = `whsec_${Buffer.alloc(32, 7).toString("base64")}`;

export const allow = () => Response.json({ action: "allow" });
export const refuse = (reason?: string) => Response.json({ action: "refuse", reason });
export const change = (content: string, more: object = {}) =>
  Response.json({ action: "change", content, ...more });

export function startChecker(): Checker {
  const asked: Asked[] = [];
  const open = (port: number) =>
    Bun.serve({
      port,
      hostname: "127.0.0.1",
      idleTimeout: 60,
      async fetch(request) {
        const text = await request.text();
        const one = { headers: request.headers, text, body: JSON.parse(text) };
        asked.push(one);
        return checker.respond(one);
      },
    });
  let server = open(0);
  const { port = 0 } = server;
  const checker: Checker = {
    url: server.url.href,
    asked,
    respond: allow,
    said: (room) => asked.flatMap(({ body: { data } }) => (data.room === room ? [data.content] : [])),
    die: () => server.stop(true),
    revive: () => void (server = open(port)),
  };
  return checker;
}
