import { createServer } from "node:net";

/**
 * Ports below the ephemeral range. Otherwise a client that retries while a server is down could get the server's port
 * as its own local port.
 */
const FIRST = 20_000;
const COUNT = 12_000;

/** Returns a free port of 127.0.0.1. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = FIRST + Math.floor(Math.random() * COUNT);
    const free = await new Promise<boolean>((resolve) => {
      const probe = createServer();
      probe.once("error", () => resolve(false));
      probe.listen(port, "127.0.0.1", () => probe.close(() => resolve(true)));
    });
    if (free) return port;
  }
}
