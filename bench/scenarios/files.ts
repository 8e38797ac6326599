import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { deflateSync } from "node:zlib";
import { freePort } from "../../test/support/port.ts";
import { png } from "../../test/support/pictures.ts";
import type { Contender } from "../contender.ts";
import type { Crew } from "../crew.ts";
import type { Person } from "../people.ts";
import type { Scenario } from "../scenario.ts";
import { seat } from "../stage.ts";
import { percentile } from "../statistics.ts";
import { latencies, openSockets } from "../traffic.ts";

const MIB = 1024 * 1024;
const PART = 256 * 1024;
const LARGE_MIB = { full: 1024, quick: 128 } as const;
const DOWNLOAD_MIB = { full: 200, quick: 50 } as const;
const TIMES = { full: 9, quick: 3 } as const;
const ROOMS = 20;
const ROOM = "calm-0";

/** What uploads and downloads cost, and whether pictures delay messages. */
export const files: Scenario = {
  name: "files",
  does: "On a disk: an upload of 1 GiB; pictures of 12 megapixels, one after another, while people talk; downloads of 200 MiB, in turns with nginx from the same folder.",
  kinds: ["parley"],
  sockets: 2 * ROOMS,
  bars: [
    {
      what: "memory above idle during the upload",
      unit: "MiB",
      value: ({ parley }) => parley.uploadMemory ?? NaN,
      atMost: 50,
    },
    {
      what: "previews of a picture",
      unit: "ms",
      value: ({ parley }) => parley.previewP50 ?? NaN,
      atMost: 300,
    },
    {
      what: "delivery p99 while pictures are encoded, relative to before",
      unit: "×",
      value: ({ parley }) => (parley.p99Pictures ?? NaN) / (parley.p99Calm ?? NaN),
      atMost: 1.5,
    },
    {
      what: "download rate relative to nginx",
      unit: "×",
      value: ({ parley }) => (parley.downloadRate ?? NaN) / (parley.nginxRate ?? NaN),
      atLeast: 0.5,
    },
  ],
  async measure(stage, kind) {
    const form = stage.quick ? "quick" : "full";
    const folder = mkdtempSync(join(tmpdir(), "parley-bench-files-"));
    const settings = { FILES_URL: pathToFileURL(folder).href, FILE_MAX: "4GiB", FILE_QUOTA: "99GiB" };
    const people = await stage.people.first(2 * ROOMS);
    const [person] = people as [Person];
    try {
      return await stage.play({ kind, settings }, async (server, crew) => {
        await openSockets(
          crew,
          server,
          "v1",
          people.map((one, at) => seat(kind, one, `calm-${at % ROOMS}`, true)),
        );
        await crew.all({ do: "talk", pace: { perSecond: 100 } });
        const photo = await newPhoto();
        // The same bytes, which nobody takes for a picture.
        const plain = photo.slice();
        plain[0] = 0;
        for (let warm = 0; warm < 3; warm++) await upload(server, person, photo);
        await Bun.sleep(2_000);

        const p99Calm = await p99(crew, Bun.sleep(stage.quick ? 1_500 : 6_000));
        const taken = { photo: [] as number[], plain: [] as number[] };
        const p99Pictures = await p99(
          crew,
          (async () => {
            for (let time = 0; time < TIMES[form]; time++) {
              taken.photo.push((await upload(server, person, photo)).ms);
              taken.plain.push((await upload(server, person, plain)).ms);
            }
          })(),
        );
        const problems = [...(await crew.settle())];
        await crew.all({ do: "leave" });

        await Bun.sleep(2_000);
        const idle = server.residentBytes();
        let peak = idle;
        const watch = setInterval(() => (peak = Math.max(peak, server.residentBytes())), 50);
        const large = await upload(server, person, LARGE_MIB[form] * MIB);
        clearInterval(watch);

        const shared = await upload(server, person, DOWNLOAD_MIB[form] * MIB);
        const rates = await compare(server, person, folder, shared.id, TIMES[form]);
        return {
          figures: {
            uploadMemory: (peak - idle) / MIB,
            uploadRate: LARGE_MIB[form] / (large.ms / 1000),
            previewP50: percentile(taken.photo, 0.5) - percentile(taken.plain, 0.5),
            p99Calm,
            p99Pictures,
            ...rates,
          },
          problems,
          ...(rates.nginxRate === undefined && { notes: ["no comparison: nginx is not installed"] }),
        };
      });
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
};

async function p99(crew: Crew, during: Promise<unknown>): Promise<number> {
  await crew.mark();
  await during;
  return latencies(await crew.mark()).p99;
}

/** A photograph of 12 megapixels, as far as its size and encoding go: gradients with noise, as JPEG. */
async function newPhoto(): Promise<Uint8Array<ArrayBuffer>> {
  const [width, height] = [4_000, 3_000];
  const pixels = Buffer.alloc((width * 3 + 1) * height);
  const noise = crypto.getRandomValues(new Uint8Array(65_536));
  let at = 0;
  for (let y = 0; y < height; y++) {
    pixels[at++] = 0;
    for (let x = 0; x < 3 * width; x++) {
      pixels[at] = ((x >> 6) + (y >> 4) + ((noise[(at * 31) & 65_535] ?? 0) >> 4)) & 255;
      at++;
    }
  }
  const image = new Bun.Image(png(width, height, deflateSync(pixels, { level: 1 })));
  return (await image.jpeg({ quality: 85 }).bytes()) as Uint8Array<ArrayBuffer>;
}

/** Uploads bytes, or as many as a number says, part by part. */
async function upload(
  { port }: Contender,
  { token }: Person,
  content: Uint8Array<ArrayBuffer> | number,
): Promise<{ readonly id: string; readonly ms: number }> {
  const part = new Uint8Array(PART).fill(7);
  let left = typeof content === "number" ? content : 0;
  const body =
    typeof content === "number"
      ? new ReadableStream<Uint8Array>({
          pull(controller) {
            if (left <= 0) return controller.close();
            controller.enqueue(part.subarray(0, left));
            left -= PART;
          },
        })
      : content;
  const begun = performance.now();
  const response = await fetch(`http://127.0.0.1:${port}/rooms/${ROOM}/files/${crypto.randomUUID()}/`, {
    method: "PUT",
    headers: { authorization: `Bearer ${token}` },
    body,
  });
  if (!response.ok) throw new Error(`an upload was refused: ${response.status} ${await response.text()}`);
  const { id } = (await response.json()) as { id: string };
  return { id, ms: performance.now() - begun };
}

/** Returns how many MiB a second Parley and nginx serve of one file, in turns: the median. */
async function compare(
  { port }: Contender,
  { token }: Person,
  folder: string,
  id: string,
  times: number,
): Promise<{ downloadRate: number; nginxRate?: number }> {
  const offered = await fetch(`http://127.0.0.1:${port}/rooms/${ROOM}/files/?ids=${id}`, {
    headers: { authorization: `Bearer ${token}` },
  });
  const [found] = (await offered.json()) as { urls: { original: string } }[];
  const path = new URL(found?.urls.original ?? "", "http://x");
  const ours = `http://127.0.0.1:${port}${path.pathname}${path.search}`;
  const nginx = await startNginx(folder);
  const rates = { ours: [] as number[], theirs: [] as number[] };
  try {
    for (let time = 0; time <= times; time++) {
      const own = await rateOf(ours);
      const theirs = nginx && (await rateOf(`${nginx.url}/${id.slice(0, 2)}/${id}.original`));
      if (time === 0) continue; // until the file is in the cache
      rates.ours.push(own);
      if (theirs !== undefined) rates.theirs.push(theirs);
    }
  } finally {
    nginx?.stop();
  }
  return {
    downloadRate: percentile(rates.ours, 0.5),
    ...(nginx && { nginxRate: percentile(rates.theirs, 0.5) }),
  };
}

/** Downloads in a process of its own, in MiB a second. */
async function rateOf(url: string): Promise<number> {
  const child = Bun.spawn(["curl", "-sf", "-o", "/dev/null", "-w", "%{speed_download}", url], {
    stderr: "inherit",
  });
  const printed = await new Response(child.stdout).text();
  if ((await child.exited) !== 0) throw new Error(`a download failed: ${url}`);
  return Number(printed) / MIB;
}

/** Serves a folder with nginx. Undefined if it is not installed. */
async function startNginx(folder: string): Promise<{ readonly url: string; stop(): void } | undefined> {
  const program = Bun.which("nginx", { PATH: `${process.env.PATH}:/usr/sbin` });
  if (!program) return undefined;
  const port = await freePort();
  const own = mkdtempSync(join(tmpdir(), "parley-bench-nginx-"));
  for (const name of ["body", "proxy", "fastcgi", "uwsgi", "scgi"]) mkdirSync(join(own, name));
  const user = process.getuid?.() === 0 ? "user root;" : "";
  await Bun.write(
    join(own, "nginx.conf"),
    `${user} daemon off; worker_processes 1; pid ${own}/pid; error_log ${own}/error.log;
    events {}
    http {
      access_log off; sendfile on; default_type application/octet-stream;
      client_body_temp_path ${own}/body; proxy_temp_path ${own}/proxy; fastcgi_temp_path ${own}/fastcgi;
      uwsgi_temp_path ${own}/uwsgi; scgi_temp_path ${own}/scgi;
      server { listen 127.0.0.1:${port}; root ${folder}; }
    }`,
  );
  const child = Bun.spawn([program, "-c", join(own, "nginx.conf"), "-e", join(own, "error.log")], {
    stdio: ["ignore", "ignore", "ignore"],
  });
  const url = `http://127.0.0.1:${port}`;
  while (child.exitCode === null && !(await fetch(url).then(Boolean, () => false))) await Bun.sleep(20);
  if (child.exitCode !== null)
    throw new Error(`nginx did not start: ${await Bun.file(join(own, "error.log")).text()}`);
  return {
    url,
    stop() {
      child.kill();
      rmSync(own, { recursive: true, force: true });
    },
  };
}
