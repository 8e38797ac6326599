import { createServer, type Server, type Socket } from "node:net";
import type { Means } from "./target.ts";
import { breach, pause } from "./tools.ts";

/** The server gives up after ten seconds. */
const LONGEST_MS = 13_000;
const CHUNK = "x".repeat(16 * 1024);
const OK = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n";

/** What a receiver does with a request, once its head has come. */
type Behaviour = (line: Socket, means: Means) => void;

/** Sends a body for as long as somebody reads it. */
const endless: Behaviour = (line) => {
  line.write(`${OK}Transfer-Encoding: chunked\r\n\r\n`);
  const more = () => {
    while (!line.destroyed && line.write(`${CHUNK.length.toString(16)}\r\n${CHUNK}\r\n`));
  };
  line.on("drain", more);
  more();
};

/** Sends a byte a second: of the body, or already of the head. */
const dripping =
  (text: string): Behaviour =>
  async (line, { over }) => {
    line.write(text);
    while (!line.destroyed && !over.aborted) {
      line.write("x");
      await pause(over, 1_000);
    }
  };

const redirecting =
  (to: () => string): Behaviour =>
  (line) =>
    line.end(`HTTP/1.1 307 Temporary Redirect\r\nLocation: ${to()}\r\nContent-Length: 0\r\n\r\n`);

/** Listens on a port of this machine. Returns its URL. */
function listen(means: Means, what: string, behave: Behaviour): Promise<string> {
  const server: Server = createServer((line) => {
    means.tally.count(what);
    line.on("error", () => {});
    const late = setTimeout(() => breach(means, `a receiver (${what}) is still waited for`), LONGEST_MS);
    line.on("close", () => clearTimeout(late));
    line.once("data", () => behave(line, means));
    line.resume();
  });
  return new Promise((resolve) =>
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      resolve(`http://127.0.0.1:${typeof address === "object" ? address?.port : ""}/`);
    }),
  );
}

/** Starts receivers of every bad kind. Returns their URLs. */
export async function badReceivers(means: Means): Promise<readonly string[]> {
  const inside = await listen(means, "inside", (line) => {
    breach(means, "a redirect was followed");
    line.destroy();
  });
  return Promise.all([
    listen(means, "hanging", () => {}),
    listen(means, "endless", endless),
    listen(
      means,
      "redirecting",
      redirecting(() => inside),
    ),
    listen(means, "dripping body", dripping(`${OK}Content-Length: 1000\r\n\r\n`)),
    listen(means, "dripping head", dripping("HTTP/1.1 200 OK\r\nX-Slow: ")),
    listen(means, "ended", (line) => line.destroy()),
  ]);
}
