import type { Target } from "./click.ts";

/** The types of the DOM lack Trusted Types. */
interface TypesWindow {
  readonly trustedTypes?: {
    createPolicy(
      name: string,
      rules: { createScriptURL(url: string): string },
    ): { createScriptURL(url: string): unknown };
  };
}

const ADDRESS = "/sw.js";

/** The page's policy allows this one policy of Trusted Types, which allows only the worker. */
function workerAddress(page: TypesWindow): string {
  const policy = page.trustedTypes?.createPolicy("worker", {
    createScriptURL(url) {
      if (url === ADDRESS) return url;
      throw new TypeError("Only the page's own worker can be started.");
    },
  });
  return (policy ? policy.createScriptURL(ADDRESS) : ADDRESS) as string;
}

/** Starts the service worker. Does nothing without HTTPS, where browsers have none. */
export function startWorker(page: Window & TypesWindow): void {
  const workers = page.navigator.serviceWorker as ServiceWorkerContainer | undefined;
  if (!workers) return;
  workers.addEventListener("message", ({ data }: MessageEvent<Target>) => {
    page.location.hash = data.href;
  });
  // If it cannot be started, the page works as before.
  workers.register(workerAddress(page), { updateViaCache: "none" }).catch(() => {});
}
