import { onAbort } from "../abort.ts";
import type { Address } from "../address.ts";
import { ChatError, passing } from "../errors.ts";
import { type HttpResponse, readResponse } from "../http.ts";
import type { Ports } from "../ports.ts";

/** An upload in which nothing moves for so long has failed, in milliseconds. */
const STALL_MS = 60_000;

interface Put {
  readonly path: string;
  /** Defaults to PUT. */
  readonly method?: string | undefined;
  /** Those of a request of tus, whose response has no body. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly token: string;
  readonly body: Blob | undefined;
  readonly signal: AbortSignal;
  /** So many bytes have left, if the platform can tell. */
  progress(loaded: number): void;
}

/**
 * Sends a request with a blob once.
 * @throws {ChatError} the error in the response; `unreachable`; `bad_answer`. @throws the reason of `signal`.
 */
export type Putter = (put: Put) => Promise<HttpResponse>;

type Sender = (put: Omit<Put, "path"> & { readonly url: string }) => Promise<Response>;

export interface PutOptions {
  readonly address: Address;
  readonly ports: Pick<Ports, "fetch" | "clock">;
  /** The product has replaced `fetch`. */
  readonly ownFetch: boolean;
}

export function createPut({ address: { base }, ports: { fetch, clock }, ownFetch }: PutOptions): Putter {
  const { XMLHttpRequest, process } = globalThis as {
    XMLHttpRequest?: unknown;
    process?: { readonly versions?: { readonly node?: string } };
  };
  // Browsers can send a stream only over HTTP/2. In Node and Bun, what `fetch` takes from a stream counts as sent.
  const streams = !ownFetch && !XMLHttpRequest && !!process?.versions?.node;
  const byFetch: Sender = ({ url, method = "PUT", headers, token, body, signal, progress }) =>
    fetch(url, {
      method,
      headers: {
        ...headers,
        authorization: `Bearer ${token}`,
        ...(streams && body && { "content-length": String(body.size) }),
      },
      body: (streams && body ? counted(body, progress) : body) ?? null,
      ...(streams && body && { duplex: "half" }),
      signal,
    });
  const send = !ownFetch && XMLHttpRequest ? byRequest : byFetch;
  const tells = streams || send === byRequest;

  return async ({ path, body, signal, progress, ...put }) => {
    const control = new AbortController();
    const abort = () => control.abort();
    const off = onAbort(signal, abort);
    let cancel = () => {};
    const wait = () => {
      cancel();
      // Without news of progress, an upload gets the time that the slowest one takes that the server bears with.
      cancel = clock.after(STALL_MS + (tells ? 0 : (body?.size ?? 0)), abort);
    };
    wait();
    try {
      const response = await send({
        ...put,
        url: new URL(path, base).href,
        body,
        signal: control.signal,
        progress(loaded) {
          wait();
          progress(loaded);
        },
      });
      return put.headers && response.ok ? response : await readResponse(response);
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof ChatError) throw error;
      throw passing("unreachable", `${base.host} cannot be reached.`);
    } finally {
      cancel();
      off();
    }
  };
}

/** Browsers tell the progress of an upload only here. */
const byRequest: Sender = ({ url, method = "PUT", headers: given, token, body, signal, progress }) =>
  new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const off = onAbort(signal, () => request.abort());
    request.open(method, url);
    for (const [name, value] of Object.entries(given ?? {})) request.setRequestHeader(name, value);
    request.setRequestHeader("authorization", `Bearer ${token}`);
    request.upload.onprogress = ({ loaded }) => progress(loaded);
    request.onloadend = () => {
      off();
      const { status, responseText } = request;
      const headers = new Headers();
      for (const name of ["retry-after", "upload-offset"]) {
        const value = request.getResponseHeader(name);
        if (value !== null) headers.set(name, value);
      }
      if (status === 0) reject(new TypeError("no response"));
      else resolve(new Response(responseText || null, { status, headers }));
    };
    request.send(body ?? null);
  });

/** Returns the blob as a stream that says how much of it was taken. */
function counted(body: Blob, progress: (loaded: number) => void): ReadableStream<Uint8Array> {
  const reader = body.stream().getReader();
  let loaded = 0;
  return new ReadableStream({
    async pull(controller) {
      const { done, value } = await reader.read();
      if (done) return controller.close();
      loaded += value.byteLength;
      controller.enqueue(value);
      progress(loaded);
    },
    cancel: (reason) => reader.cancel(reason),
  });
}
