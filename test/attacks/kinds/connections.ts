import type { Attack } from "../target.ts";
import { ask, head, pause, relative, repeat, tcp } from "../tools.ts";

const WRONG = "chat.v1, bearer.not-a-token";
const upgrade = {
  Upgrade: "websocket",
  Connection: "Upgrade",
  "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
  "Sec-WebSocket-Version": "13",
} as const;

export const connections: readonly Attack[] = [
  {
    name: "refused handshakes whose sockets stay open",
    play: (means) =>
      repeat(means, 20, async () => {
        const line = await tcp(means);
        line.write(head(means.target, "GET /ws/ HTTP/1.1", { ...upgrade, "Sec-WebSocket-Protocol": WRONG }));
        means.tally.count("handshakes");
        await pause(means.over, 20);
      }),
  },
  {
    name: "refused handshakes from all networks of one site",
    play: (means) =>
      repeat(means, 40, async () => {
        const line = await tcp(means);
        line.write(
          head(means.target, "GET /ws/ HTTP/1.1", {
            ...upgrade,
            "Sec-WebSocket-Protocol": WRONG,
            "X-Forwarded-For": relative(),
          }),
        );
        means.tally.count("handshakes");
        await pause(means.over, 5);
      }),
  },
  {
    name: "500 connections that send headers slowly",
    play: (means) =>
      repeat(means, 500, async () => {
        const line = await tcp(means);
        line.write(`POST /account/login/ HTTP/1.1\r\nHost: 127.0.0.1\r\n`);
        while (!means.over.aborted && !line.destroyed) {
          await pause(means.over, 500);
          line.write("x-slow: 1\r\n");
        }
      }),
  },
  {
    name: "500 connections that send bodies slowly",
    play: (means) =>
      repeat(means, 500, async () => {
        const line = await tcp(means);
        line.write(
          head(means.target, "POST /account/login/ HTTP/1.1", {
            "Content-Type": "application/json",
            "Content-Length": "60000",
          }),
        );
        while (!means.over.aborted && !line.destroyed) {
          line.write(" ");
          await pause(means.over, 500);
        }
      }),
  },
  {
    name: "600 large bodies that stop before their end, from one site",
    play: (means) =>
      repeat(means, 600, async () => {
        const line = await tcp(means);
        line.write(
          head(means.target, "POST /account/login/ HTTP/1.1", {
            "Content-Type": "application/json",
            "Content-Length": "64000",
            "X-Forwarded-For": relative(),
          }) + " ".repeat(63_999),
        );
        means.tally.count("bodies");
        while (!means.over.aborted && !line.destroyed) await pause(means.over, 500);
      }),
  },
  {
    name: "bodies that break off",
    play: (means) =>
      repeat(means, 20, async (_, round) => {
        const line = await tcp(means);
        line.write(
          round % 2
            ? `${head(means.target, "POST /account/login/ HTTP/1.1", { "Content-Type": "application/json", "Content-Length": "100" })}{"email":`
            : `${head(means.target, "POST /account/login/ HTTP/1.1", { "Content-Type": "application/json", "Transfer-Encoding": "chunked" })}5\r\nhello\r\nxyz\r\n`,
        );
        await pause(means.over, 5);
        line.destroy();
      }),
  },
  {
    name: "a body without an end",
    play: (means) =>
      repeat(means, 8, () => {
        const chunk = new Uint8Array(64 * 1024).fill(32);
        const body = new ReadableStream({
          async pull(controller) {
            if (means.over.aborted) return controller.close();
            controller.enqueue(chunk);
            await pause(means.over, 1);
          },
        });
        return ask(means, "/account/login/", {
          method: "POST",
          body,
          headers: { "content-type": "application/json" },
        });
      }),
  },
  {
    name: "requests in a pipeline whose responses nobody reads",
    play: (means) =>
      repeat(means, 20, async () => {
        const line = await tcp(means);
        line.pause();
        const one = head(means.target, "GET /openapi.json HTTP/1.1");
        while (!means.over.aborted && !line.destroyed) {
          if (!line.write(one.repeat(200)))
            await Promise.race([
              new Promise((resolve) => line.once("drain", resolve)),
              pause(means.over, 500),
            ]);
          means.tally.count("requests", 200);
        }
      }),
  },
  {
    name: "probes, documents and pages that do not exist",
    play: (means) => {
      const paths = ["/readyz", "/healthz", "/openapi.json", "/docs/", "/nothing", "/", "/metrics"];
      return repeat(means, 40, async (_, round) => {
        await (await ask(means, paths[round % paths.length] ?? "/")).bytes();
      });
    },
  },
];
