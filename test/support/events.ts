/** A message of a stream of server-sent events. */
export interface ServerSent {
  readonly id: string;
  /** Undefined: it has no name. */
  readonly event?: string;
  /** The parsed data; undefined: there are none, and the message only moves the cursor. */
  readonly data?: { readonly [field: string]: unknown };
}

export interface EventStream {
  readonly status: number;
  /** Everything that arrived so far. */
  readonly all: readonly ServerSent[];
  /** Only what has data and no name. */
  readonly events: readonly Readonly<Record<string, unknown>>[];
  /** The id of the last message: where to continue. */
  readonly cursor: string;
  /** Resolves when the stream has ended, however it did. */
  readonly ended: Promise<void>;
  /** Ends it from this side. */
  close(): void;
}

interface StreamOptions {
  readonly token: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly cursor?: string | undefined;
  /** Is called with each message. */
  heard?(message: ServerSent): void;
}

/** Opens `/events/` as a stream, like a browser's EventSource. Resolves when the response begins. */
export async function streamEvents(
  server: { readonly url: string },
  { token, query = {}, cursor = "", heard }: StreamOptions,
): Promise<EventStream> {
  const abort = new AbortController();
  const response = await fetch(`${server.url}/events/?${new URLSearchParams(query)}`, {
    signal: abort.signal,
    headers: {
      authorization: `Bearer ${token}`,
      accept: "text/event-stream",
      ...(cursor && { "last-event-id": cursor }),
    },
  });
  const all: ServerSent[] = [];
  let at = cursor;
  const take = (block: string) => {
    const fields = new Map(
      block.split("\n").map((line): [string, string] => {
        const colon = line.indexOf(": ");
        return [line.slice(0, colon), line.slice(colon + 2)];
      }),
    );
    at = fields.get("id") ?? at;
    const data = fields.get("data");
    const event = fields.get("event");
    const message = { id: at, ...(event && { event }), ...(data && { data: JSON.parse(data) }) };
    all.push(message);
    heard?.(message);
  };
  const read = async () => {
    let rest = "";
    const decoder = new TextDecoder();
    for await (const part of response.body ?? []) {
      const blocks = (rest + decoder.decode(part, { stream: true })).split("\n\n");
      rest = blocks.pop() ?? "";
      blocks.forEach(take);
    }
  };
  return {
    status: response.status,
    all,
    get events() {
      return all.flatMap(({ event, data }) => (data && event === undefined ? [data] : []));
    },
    get cursor() {
      return at;
    },
    ended: read().catch(() => {}),
    close: () => abort.abort(),
  };
}
