import { join } from "node:path";
import { openDisk } from "../../src/files/disk.ts";
import { note } from "./recorder.ts";

// Stores files in a folder, some at the same time: `bun --preload recorder.ts storing.ts`, in POWER_ROOT. Notes each once it is
// acknowledged.

const FILES = 24;

const blobs = await openDisk(join(process.env.POWER_ROOT ?? "", "files"));
const store = async (_: unknown, index: number) => {
  const id = crypto.randomUUID();
  const parts = Array.from({ length: index % 4 }, () =>
    crypto.getRandomValues(new Uint8Array(3_000 * index)),
  );
  await blobs.write(
    id,
    "original",
    (async function* () {
      yield* parts;
    })(),
  );
  note({ stored: { id, hash: new Bun.CryptoHasher("sha256").update(Buffer.concat(parts)).digest("hex") } });
};
for (let from = 0; from < FILES; from += 3)
  await Promise.all(Array.from({ length: 3 }, (_, at) => store(_, from + at)));
