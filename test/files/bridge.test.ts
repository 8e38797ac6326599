import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import { systemClock } from "../../src/clock.ts";
import { createScanner } from "../../src/files/scanner.ts";
import { memoryFolder } from "../support/folder.ts";
import { freePort } from "../support/port.ts";
import { until } from "../support/until.ts";

setDefaultTimeout(20_000);

// The bridge to clamd in OPERATIONS.md, with something that speaks clamd's protocol.

const folder = memoryFolder();
let clamd: Server;
let bridge: Bun.Subprocess;
let url: string;
let says: string;
let received: Buffer;

beforeAll(async () => {
  clamd = createServer((socket) => {
    let bytes = Buffer.alloc(0);
    socket.on("data", (part: Buffer) => {
      bytes = Buffer.concat([bytes, part]);
      // A command, and parts after their lengths up to an empty one.
      const parts: Buffer[] = [];
      for (let at = "zINSTREAM\0".length; at + 4 <= bytes.length;) {
        const length = bytes.readUInt32BE(at);
        if (length === 0) {
          received = Buffer.concat(parts);
          return socket.end(`${says}\0`);
        }
        parts.push(bytes.subarray(at + 4, (at += 4 + length)));
      }
    });
  });
  await new Promise<void>((resolve) => clamd.listen(0, "127.0.0.1", resolve));
  const page = await Bun.file(join(import.meta.dir, "../../docs/OPERATIONS.md")).text();
  const [, source = ""] = /^### Scanning$[^]*?^```ts\n([^]*?)^```$/m.exec(page) ?? [];
  const path = join(folder.path, "bridge.ts");
  await Bun.write(path, source);
  const port = await freePort();
  url = `http://127.0.0.1:${port}/`;
  bridge = Bun.spawn([process.execPath, path], {
    env: {
      ...process.env,
      PORT: String(port),
      CLAMD_PORT: String((clamd.address() as { port: number }).port),
    },
  });
  says = "stream: OK";
  await until(
    () =>
      fetch(url, { method: "POST" }).then(
        () => true,
        () => false,
      ),
    15_000,
  );
});
afterAll(async () => {
  bridge.kill();
  await bridge.exited;
  clamd.close();
  folder.remove();
});

test.each([
  ["stream: OK", "clean"],
  ["stream: Eicar-Signature FOUND", "infected"],
  ["INSTREAM size limit exceeded. ERROR", "the scanner responded with status 503"],
])("clamd says %p: %s", async (answer, verdict) => {
  says = answer;
  const content = new Uint8Array(300_000).fill(7);
  const found = await createScanner(url, systemClock)(new Blob([content]), content.length).catch(
    (error: Error) => error.message,
  );
  expect(found).toBe(verdict);
  expect(received.equals(content)).toBe(true);
});
