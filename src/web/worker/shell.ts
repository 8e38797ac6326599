import { type RequestEvent, scope } from "./scope.ts";

/** What the server says about the version of the page that this worker belongs to. */
export interface PageVersion {
  readonly name: string;
  /** The paths of its files, besides `/`. */
  readonly files: readonly string[];
  /** The hash of `/`, as in Subresource Integrity. */
  readonly integrity: string;
}

/** The server writes it before the worker's code. */
declare const PAGE_VERSION: PageVersion;

const PREFIX = "parley page ";
const CACHE = PREFIX + PAGE_VERSION.name;
/** After this time without a response from the server, the stored page is shown, in milliseconds. */
const PATIENCE_MS = 3_000;
const FILE = /^\/[^/]+\.(?:js|css|svg|png)$/;

/**
 * Stores every file of the version. An open tab of this version can then load its later parts, even if the server has a
 * newer one by then. Fails if the server sends another version's page: the browser tries again with the next visit.
 */
export async function store(): Promise<void> {
  const cache = await caches.open(CACHE);
  const page = new Request("/", { integrity: PAGE_VERSION.integrity, cache: "no-cache" });
  await cache.addAll([page, ...PAGE_VERSION.files]);
}

/** Removes the files of other versions. The browser starts a version's worker when all tabs of the earlier one are closed. */
export async function takeOver(): Promise<void> {
  const names = (await caches.keys()).filter((name) => name.startsWith(PREFIX) && name !== CACHE);
  await Promise.all(names.map((name) => caches.delete(name)));
  await scope.clients.claim();
}

/** Responds to requests for the page and its files. All others, such as those of the API, go past the worker. */
export function respond(event: RequestEvent): void {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (request.method !== "GET" || origin !== scope.location.origin) return;
  if (pathname === "/" && request.mode === "navigate") event.respondWith(page(event));
  else if (FILE.test(pathname) && pathname !== "/sw.js") event.respondWith(file(request));
}

/** The server's page, or the stored one if the server cannot be reached, is late, or fails. */
async function page(event: RequestEvent): Promise<Response> {
  const fresh = fetch(event.request);
  const late = new Promise<undefined>((resolve) => setTimeout(resolve, PATIENCE_MS, undefined));
  const response = await Promise.race([fresh.catch(() => undefined), late]);
  const stored = await (await caches.open(CACHE)).match("/", { ignoreVary: true });
  // The browser may have removed the files because it needed their space.
  if (response?.ok && !stored) event.waitUntil(store().catch(() => {}));
  if (response && response.status < 500) return response;
  return stored ?? fresh;
}

const file = async (request: Request): Promise<Response> =>
  (await caches.match(request, { ignoreVary: true })) ?? fetch(request);
