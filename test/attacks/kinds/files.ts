import { gzipSync } from "node:zlib";
import { png } from "../../support/pictures.ts";
import { type Attack, type Means, type Person, ROOMS } from "../target.ts";
import { ask, breach, head, pause, repeat, tcp, uuid } from "../tools.ts";

interface Stored {
  readonly id: string;
  readonly name: string;
  readonly type: string;
  readonly width?: number;
  readonly height?: number;
}

/** More are not decoded. A strip of one pixel by 65,535 is no bomb. */
const PIXELS_MAX = 50e6;

const MIB = 1024 * 1024;
const first = ({ target: { people } }: Means) => people[0];
const second = ({ target: { people } }: Means) => people[1] ?? people[0];

/** Uploads a file. Undefined: the server refuses it. */
async function put(
  means: Means,
  body: Uint8Array<ArrayBuffer> | string,
  { person = first(means), name = "a", room = ROOMS.long as string } = {},
): Promise<Stored | undefined> {
  const response = await ask(means, `/rooms/${room}/files/${uuid()}/?name=${encodeURIComponent(name)}`, {
    method: "PUT",
    person,
    body,
  });
  if (response.status === 201) return (await response.json()) as Stored;
  await response.bytes();
  await pause(means.over, 20);
  return undefined;
}

/** The paths by which someone may load a file. */
async function pathsOf(
  means: Means,
  id: string,
  person: Person,
  room: string = ROOMS.long,
): Promise<string[]> {
  const response = await ask(means, `/rooms/${encodeURIComponent(room)}/files/?ids=${id}`, { person });
  const found: unknown = await response.json();
  if (!Array.isArray(found)) return [];
  return (found as { urls: Record<string, string> }[]).flatMap(({ urls }) =>
    Object.values(urls).map((url) => url.replace(/^https?:\/\/[^/]+/, "")),
  );
}

/** Pictures of 49 megapixels in 150 KB, others that claim 900, and archives that would be a hundred times as large. */
const BOMBS = () => [
  png(7_000, 7_000),
  png(30_000, 30_000, Buffer.alloc(100)),
  png(65_535, 1),
  new Uint8Array(gzipSync(Buffer.alloc(10 * MIB))),
  Buffer.concat([Buffer.from("PK\x03\x04", "latin1"), gzipSync(Buffer.alloc(10 * MIB))]),
];

/** What would run if a browser took it for what it says it is. */
const PRETENDERS = [
  "GIF89a/*<script>alert(1)</script>*/=1",
  '<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"><script>alert(1)</script></svg>',
  "<!doctype html><script>alert(1)</script>",
  "%PDF-1.7 <html><script>alert(1)</script>",
  "\xff\xd8\xff<html><body onload=alert(1)>",
  '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>',
] as const;

const NAMES = [
  "../../../etc/passwd",
  "..\\..\\boot.ini",
  "invoice\u202Efdp.exe",
  `a"; filename="b.html\r\nx-injected: 1`,
  "\0\u0001\u001b[31m",
  "a".repeat(10_000),
  `a${"\u0301".repeat(1_500)}`,
  "CON",
  ".htaccess",
] as const;

/** Loads a file, and reports what nobody may get out of this server. */
async function inspect(means: Means, path: string): Promise<void> {
  const response = await ask(means, path);
  await response.bytes();
  if (response.status !== 200) return;
  const of = (name: string) => response.headers.get(name) ?? "";
  if (/html|svg|xml|script/.test(of("content-type")))
    breach(means, `a file is served as ${of("content-type")}`);
  if (of("x-content-type-options") !== "nosniff") breach(means, "a file may be sniffed");
  if (!of("content-security-policy").includes("sandbox")) breach(means, "a file is not in a sandbox");
  const isInline = of("content-disposition").startsWith("inline");
  if (isInline && of("content-type") !== "image/webp")
    breach(means, "a file is shown that was not re-encoded");
  if (response.headers.has("x-injected")) breach(means, "a name became a header");
}

/** Uploads, and everything that is done with what was uploaded. */
export const files: readonly Attack[] = [
  {
    name: "pictures and archives that are bombs",
    async play(means) {
      const bombs = BOMBS();
      await repeat(means, 8, async (lane, round) => {
        const bomb = bombs[(lane + round) % bombs.length] as Uint8Array<ArrayBuffer>;
        const stored = await put(means, bomb, { person: lane % 2 ? first(means) : second(means) });
        const { width = 0, height = 0 } = stored ?? {};
        if (width * height > PIXELS_MAX) breach(means, "a bomb was decoded");
      });
    },
  },
  {
    name: "files that pretend to be something else, under names full of tricks",
    play: (means) =>
      repeat(means, 8, async (lane, round) => {
        const index = lane + 8 * round;
        const content = PRETENDERS[index % PRETENDERS.length] ?? "";
        const name = NAMES[index % NAMES.length] ?? "";
        const stored = await put(means, Buffer.from(content, "latin1"), { name });
        if (!stored) return;
        if ([...stored.name].length > 160 || /[\p{Cc}\p{Bidi_Control}/\\"]/u.test(stored.name))
          breach(means, `a file is called ${JSON.stringify(stored.name.slice(0, 100))}`);
        for (const path of await pathsOf(means, stored.id, first(means))) await inspect(means, path);
      }),
  },
  {
    name: "addresses of other people's files, guessed and altered",
    async play(means) {
      const made = await ask(means, "/rooms/", {
        person: first(means),
        body: { title: "Den", clientId: uuid() },
      });
      const { room = "" } = (await made.json()) as { room?: string };
      const secret = await put(means, "secret", { room: encodeURIComponent(room) });
      const other = await put(means, "not secret", { person: second(means) });
      if (!secret || !other) return;
      const [good = ""] = await pathsOf(means, secret.id, first(means), room);
      const [own = ""] = await pathsOf(means, other.id, second(means));
      const query = own.slice(own.indexOf("?"));
      const altered = [
        good.replace(/exp=\d+/, "exp=9999999999"),
        good.replace(/exp=\d+/, "exp=NaN"),
        good.replace(/sig=./, "sig=_"),
        good.slice(0, -1),
        `${good}x`,
        good.replace("/original/", "/preview/"),
        good.replace("/original/", "/..%2foriginal/"),
        good.replace(secret.id, other.id),
        `/files/${secret.id}/original/${query}`,
        `/files/${secret.id.toUpperCase()}/original/${query}`,
        `/files/${secret.id}/original/`,
        `/files/${uuid()}/original/${query}`,
        `/files/%2e%2e%2fmeta/original/${query}`,
      ];
      await repeat(means, 20, async (lane, round) => {
        const path = altered[(lane + 20 * round) % altered.length] ?? "";
        if ((await ask(means, path)).status < 400) breach(means, `an altered address works: ${path}`);
        if (lane > 2) return;
        for (const wanted of [room, ROOMS.long as string])
          if ((await pathsOf(means, secret.id, second(means), wanted)).length > 0)
            breach(means, "someone got the address of a file that they may not see");
      });
    },
  },
  {
    name: "a thousand uploads at once",
    play: (means) =>
      repeat(means, 1_000, (lane) =>
        put(means, "x".repeat(2_000), { person: lane % 2 ? first(means) : second(means) }),
      ),
  },
  {
    name: "uploads that trickle and break off, while another person uploads",
    async play(means) {
      const begin = async () => {
        const line = await tcp(means);
        line.write(
          head(means.target, `PUT /rooms/${ROOMS.long}/files/${uuid()}/ HTTP/1.1`, {
            Authorization: `Bearer ${first(means).token}`,
            "X-Forwarded-For": means.target.address,
            "Content-Length": String(10 * MIB),
          }),
        );
        means.tally.count("begun");
        return line;
      };
      await Promise.all([
        repeat(means, 300, async (lane) => {
          const line = await begin();
          for (let part = 0; part < (lane % 3 ? 4 : 1_000); part++) {
            if (means.over.aborted || line.destroyed) break;
            line.write("x");
            await pause(means.over, 100);
          }
          line.destroy();
        }),
        repeat(means, 1, async () => {
          const path = `/rooms/${ROOMS.long}/files/${uuid()}/`;
          const body = "an upload like any other";
          const { status } = await ask(means, path, { method: "PUT", person: second(means), body });
          if (status === 503) breach(means, "another person's upload was refused");
          if (status === 201) means.tally.count("others' uploads");
          await pause(means.over, 300);
        }),
      ]);
    },
  },
  {
    name: "ranges by the thousand, and downloads that nobody reads",
    async play(means) {
      const stored = await put(means, new Uint8Array(5 * MIB));
      const [path] = stored ? await pathsOf(means, stored.id, first(means)) : [];
      if (path === undefined) return;
      const ranges = [
        "bytes=0-0",
        `bytes=${"0-1,".repeat(1_000)}0-1`,
        "bytes=-1",
        "bytes=5242879-",
        "bytes=999999999999999-",
        "bytes=0-999999999999999",
        "bytes=9-1",
        "bytes=-0",
        "lines=1-2",
      ];
      await Promise.all([
        repeat(means, 40, async (lane, round) => {
          const range = ranges[(lane + 40 * round) % ranges.length] ?? "";
          const response = await ask(means, path, { headers: { range } });
          await response.body?.cancel();
        }),
        repeat(means, 100, async () => {
          const line = await tcp(means);
          const begun = new Promise((resolve) => line.once("data", resolve));
          line.write(head(means.target, `GET ${path} HTTP/1.1`, { "X-Forwarded-For": means.target.address }));
          await Promise.race([begun, pause(means.over, 5_000)]);
          line.pause();
          means.tally.count("unread downloads");
          await pause(means.over, 500);
          line.destroy();
        }),
      ]);
    },
  },
];
