import { createHmac } from "node:crypto";

/** A request that a receiver got. */
export interface Delivery {
  readonly id: string;
  readonly headers: Headers;
  /** The body as it came, and parsed. */
  readonly text: string;
  readonly body: {
    readonly type: string;
    readonly data: {
      readonly room: string;
      readonly after: number;
      readonly upto: number;
      readonly changes: readonly Record<string, unknown>[];
    };
  };
}

export interface Receiver {
  readonly url: string;
  /** Everything that came, accepted or not. */
  readonly got: readonly Delivery[];
  /** Returns the response to a delivery. Accepts everything by default. */
  respond: (delivery: Delivery) => Response | Promise<Response>;
  /** What changes say that came for a room: `created hello`, or the kind of a notice. */
  said(room: string): string[];
  stop(): Promise<void>;
}

/** Starts a receiver of webhooks. */
export function startReceiver(): Receiver {
  const got: Delivery[] = [];
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    async fetch(request) {
      const { headers } = request;
      const text = await request.text();
      const delivery = { id: headers.get("webhook-id") ?? "", headers, text, body: JSON.parse(text) };
      got.push(delivery);
      return receiver.respond(delivery);
    },
  });
  const receiver: Receiver = {
    url: server.url.href,
    got,
    respond: () => new Response(null, { status: 204 }),
    said: (room) =>
      got.flatMap(({ body }) => (body.data.room === room ? body.data.changes.map(sayingOf) : [])),
    stop: () => server.stop(true),
  };
  return receiver;
}

const sayingOf = ({ type, change, content, notice }: Record<string, unknown>): string =>
  type === "message" ? `${change} ${content}` : String((notice as { type: string }).type);

/** Returns the signature of a delivery, as a receiver computes it. */
export function signatureOf(secret: string, { headers, text }: Pick<Delivery, "headers" | "text">): string {
  const key = Buffer.from(secret.replace("whsec_", ""), "base64");
  const signed = `${headers.get("webhook-id")}.${headers.get("webhook-timestamp")}.${text}`;
  return `v1,${createHmac("sha256", key).update(signed).digest("base64")}`;
}
