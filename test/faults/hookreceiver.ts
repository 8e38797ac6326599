import { type Delivery, signatureOf } from "../hooks/receiver.ts";
import { freePort } from "../support/port.ts";
import { between } from "./scenario.ts";

/** How many of the responses are slow, and how slow, in milliseconds. */
const SLOW = { share: 0.05, least: 100, most: 1_000 } as const;

/** A room of which nothing came for so long may have failed meanwhile. */
const SILENCE_MS = 1_000;

/** A receiver of webhooks that is ill. It remembers what it took, as a real one remembers what it has done. */
export interface IllReceiver {
  readonly url: string;
  /** Everything that it took, in this order, also if the server could not learn of it. */
  readonly taken: readonly Delivery[];
  /** Everything that came. */
  readonly got: readonly Delivery[];
  readonly refused: number;
  /** How often the sender was gone before it got its response. */
  readonly unheard: number;
  /** How many requests wait for their response. */
  readonly open: number;
  /** Begins to verify signatures. */
  secret: string;
  readonly unsigned: number;
  /** Stops listening and cuts all its connections. */
  die(): Promise<void>;
  /** Listens again at the same address. */
  rise(): void;
}

/**
 * Starts a receiver that fails at first for a third of all batches: it refuses half of these, and of the others its response is
 * lost after it has taken them. Some responses are slow. It fails for no room that may have failed before on its way, because the
 * third failure in a row makes a room wait for half a minute.
 */
export async function startIllReceiver(): Promise<IllReceiver> {
  const port = await freePort();
  const taken: Delivery[] = [];
  const got: Delivery[] = [];
  const known = new Set<string>();
  /** When something came of each room. */
  const heard = new Map<string, number>();
  const counts = { refused: 0, unheard: 0, open: 0, unsigned: 0 };

  const respond = async (request: Request): Promise<Response> => {
    const { headers } = request;
    const text = await request.text();
    const delivery = { id: headers.get("webhook-id") ?? "", headers, text, body: JSON.parse(text) };
    got.push(delivery);
    const signatures = headers.get("webhook-signature")?.split(" ") ?? [];
    if (!signatures.includes(signatureOf(receiver.secret, delivery))) counts.unsigned++;
    const { room } = delivery.body.data;
    const isNew = !known.has(delivery.id) && performance.now() - (heard.get(room) ?? 0) < SILENCE_MS;
    known.add(delivery.id);
    heard.set(room, performance.now());
    const failure = isNew && Math.random() < 1 / 3 && (Math.random() < 0.5 ? "refused" : "lost");
    if (failure !== "refused") taken.push(delivery);
    if (Math.random() < SLOW.share) await Bun.sleep(between(SLOW.least, SLOW.most));
    if (request.signal.aborted) counts.unheard++;
    if (failure) counts.refused++;
    return new Response(null, { status: failure ? 503 : 204 });
  };
  const listen = () =>
    Bun.serve({
      port,
      hostname: "127.0.0.1",
      async fetch(request) {
        counts.open++;
        return respond(request).finally(() => counts.open--);
      },
    });
  let server = listen();

  const receiver: IllReceiver = {
    url: `http://127.0.0.1:${port}/`,
    taken,
    got,
    secret: "",
    get refused() {
      return counts.refused;
    },
    get unheard() {
      return counts.unheard;
    },
    get open() {
      return counts.open;
    },
    get unsigned() {
      return counts.unsigned;
    },
    die: () => server.stop(true),
    rise: () => void (server = listen()),
  };
  return receiver;
}
