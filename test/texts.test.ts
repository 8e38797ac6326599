import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import * as v from "valibot";
import { namesFor, usernameOf } from "../src/auth/usernames.ts";
import { readRefreshToken } from "../src/auth/refresh.ts";
import { createFrames } from "../src/bus/frame.ts";
import { objectOf } from "../src/chat/codecs/parse.ts";
import { parseFrame } from "../src/client/frames.ts";
import { grantsOf, isGranted } from "../src/grants.ts";
import { bearerToken } from "../src/http/request.ts";
import { clientAddress } from "../src/limits/network.ts";
import { descriptionOf } from "../src/http/operation.ts";
import { skeletonsLike } from "../src/lookalikes.ts";
import { isBlank } from "../src/protocol/blank.ts";
import { displayName, nameOfClaim, picture, pictureOfClaim } from "../src/protocol/names.ts";
import { roomInPath, roomName } from "../src/protocol/rooms.ts";
import { textFault } from "../src/protocol/text.ts";
import { isOnlyEmoji, piecesOf } from "../src/web/links.ts";
import { placeOf } from "../src/web/place.ts";
import { credentialsOf } from "../src/ws/credentials.ts";
import { everyRoute } from "./support/routes.ts";
import { worstTexts } from "./support/worst.ts";

// Nobody's text may take longer than another text of its size: each schema and each function that reads text from
// outside is given the worst 64 Ki characters. Times are compared with each other, never with a clock's unit.

const ROOT = join(import.meta.dir, "..");
const SIZE = 64 * 1024;
const PLAIN = "a".repeat(SIZE);
/** How many times as long as a plain text the worst one may take. */
const RATIO_MAX = 20;
/** What takes less time than this, in milliseconds, counts as taking this long: below, all is noise. */
const FLOOR = 2;
const RUNS = 5;

const busFrames = createFrames("a secret");

/** Functions that read texts from outside, by the file that they are in. */
const FUNCTIONS: Readonly<Record<string, readonly ((text: string) => unknown)[]>> = {
  "src/auth/refresh.ts": [(text) => readRefreshToken(text, [])],
  "src/auth/usernames.ts": [usernameOf, (text) => Array.from(namesFor(text))],
  "src/bus/frame.ts": [
    (text) => busFrames.read("channel", text),
    (text) => {
      const frame = busFrames.read("channel", busFrames.write("channel", "node", 1, text as "bye"));
      return "word" in frame && frame.word();
    },
  ],
  "src/chat/codecs/parse.ts": [objectOf],
  "src/client/frames.ts": [parseFrame],
  "src/grants.ts": [
    (text) => grantsOf([{ match: text, allow: ["read"] }]),
    (text) => isGranted(grantsOf([{ match: text.slice(0, 256), allow: ["read"] }]) ?? [], text, "read"),
  ],
  "src/http/request.ts": [bearerToken],
  "src/lookalikes.ts": [(text) => skeletonsLike(roomName(text.slice(0, 64)) ?? "")],
  "src/limits/network.ts": [(text) => clientAddress(text, "192.0.2.1", 1)],
  "src/protocol/blank.ts": [isBlank],
  "src/protocol/names.ts": [
    nameOfClaim,
    pictureOfClaim,
    (text) => v.is(displayName, text.slice(0, 128)),
    (text) => v.is(picture, text),
  ],
  "src/protocol/rooms.ts": [roomName, roomInPath],
  "src/protocol/text.ts": [(text) => textFault(text, { min: 1, max: SIZE })],
  "src/web/links.ts": [piecesOf, isOnlyEmoji],
  "src/web/place.ts": [placeOf, (text) => placeOf(`#/room/${text}`)],
  "src/ws/credentials.ts": [
    (text) => credentialsOf(headersOf("sec-websocket-protocol", text), new URLSearchParams()),
    (text) => credentialsOf(headersOf("authorization", text), new URLSearchParams()),
    (text) => credentialsOf(new Headers(), new URLSearchParams(text)),
  ],
};

/** Other files that contain such work, and why nothing unbounded reaches it. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  "src/auth/emails.ts": "behind the schema of emails, and of an operator's texts",
  "src/auth/jwkset.ts": "bounded in bytes while it is read",
  "src/auth/keys.ts": "our own keys, and the operator's",
  "src/auth/keyset.ts": "bounded in bytes while it is read",
  "src/auth/keystore.ts": "our own keys",
  "src/auth/passwords.ts": "behind the schemas of passwords",
  "src/chat/codecs/encode.ts": "data that was checked at the door",
  "src/client/chat.ts": "cut to 300 characters",
  "src/client/http.ts": "paths that the client makes",
  "src/dispatch.ts": "the runtime bounds the line of a request",
  "src/errors.ts": "stacks of our own errors",
  "src/http/page/page.ts": "names of our own files",
  "src/http/moderation.ts": "data that was checked at the door",
  "src/limits/network.ts": "an IP address",
  "src/site.ts": "the operator's settings",
  "src/store/careful.ts": "JSON that the database made",
  "src/store/lists.ts": "JSON that the database made",
  "src/store/member-list.ts": "names, and a search of at most 64 characters",
  "src/store/notices.ts": "JSON that the database made",
  "src/store/people.ts": "JSON that the database made",
  "src/store/reading.ts": "JSON that the database made",
  "src/store/ruled.ts": "JSON that the database made",
  "src/web/avatar.tsx": "the first letter of a username",
  "src/web/directory.ts": "cut to 200 characters",
  "src/web/finder.tsx": "a field of 64 characters",
  "src/web/invitations.tsx": "a link that the page makes",
  "src/web/tabs.ts": "what the client stored",
};
/** What the operator writes, or the person at a terminal. */
const OPERATOR = /^src\/(cli|db|config|terminal)/;
const WORK =
  /\.normalize\(|Intl\.Segmenter|JSON\.parse\(|decodeURIComponent\(|URL\.parse\(|new URL\(|\.matchAll\(/;

function headersOf(name: string, text: string): Headers {
  const headers = new Headers();
  try {
    headers.set(name, text);
  } catch {
    // Not the value of a header.
  }
  return headers;
}

/** A schema, as far as this test looks into it. */
interface Schema {
  readonly kind: "schema";
  readonly type: string;
  readonly entries?: Readonly<Record<string, Schema>>;
  readonly item?: Schema;
  readonly items?: readonly Schema[];
  readonly options?: readonly (Schema | string)[];
  readonly wrapped?: Schema;
  readonly value?: Schema;
  readonly literal?: unknown;
}
const isSchema = (value: unknown): value is Schema =>
  (value as Schema | null)?.kind === "schema" && typeof (value as Schema).type === "string";

/** Returns inputs of a schema's form in which every text is `text`. */
function inputsOf(schema: Schema, text: string): unknown[] {
  const { type, entries, item, items, options, wrapped, value, literal } = schema;
  const first = (inner: Schema | undefined) => (inner ? inputsOf(inner, text)[0] : undefined);
  switch (type) {
    case "string":
      return [text];
    case "number":
      return [1];
    case "boolean":
      return [true];
    case "literal":
      return [literal];
    case "picklist":
      return [options?.[0], text];
    case "array":
      return [[first(item)]];
    case "tuple":
    case "strict_tuple":
      return [items?.map(first)];
    case "record":
      return [{ [text]: first(value) }];
    case "optional":
    case "nullable":
      return wrapped ? inputsOf(wrapped, text) : [];
    case "union":
    case "variant":
      return (options ?? []).flatMap((option) => (isSchema(option) ? inputsOf(option, text) : []));
    case "object":
    case "loose_object":
    case "strict_object":
      return [Object.fromEntries(Object.entries(entries ?? {}).map(([name, each]) => [name, first(each)]))];
    default:
      return [text];
  }
}

/** Every schema that a file exports or a route names, by where it is. */
async function everySchema(): Promise<[name: string, schema: Schema][]> {
  const found = new Map<unknown, string>();
  const look = (value: unknown, name: string, depth = 0) => {
    if (isSchema(value)) {
      if (!found.has(value)) found.set(value, name);
    } else if (depth < 2 && typeof value === "object" && value !== null)
      for (const [key, inner] of Object.entries(value)) look(inner, `${name}.${key}`, depth + 1);
  };
  for (const file of files.filter((file) => file.endsWith(".ts") && !OPERATOR.test(file)))
    if (sources.get(file)?.includes('from "valibot"'))
      for (const [name, value] of Object.entries(await import(join(ROOT, file))))
        look(value, `${name} of ${file}`);
  for (const { handler, method, path } of everyRoute()) {
    const { params, query, json } = descriptionOf(handler) ?? {};
    look({ params, query, json }, `${method} ${path}`);
  }
  return Array.from(found, ([schema, name]) => [name, schema as Schema]);
}

const files = Array.from(new Bun.Glob("src/**/*.{ts,tsx}").scanSync(ROOT)).toSorted();
const sources = new Map(
  await Promise.all(files.map(async (file) => [file, await Bun.file(join(ROOT, file)).text()] as const)),
);
const schemas = await everySchema();

/** The shortest of several runs. A run that takes far too long is not repeated. */
function timeOf(work: (text: string) => unknown, text: string): number {
  let best = Infinity;
  for (let run = 0; run < RUNS; run++) {
    const from = performance.now();
    try {
      work(text);
    } catch {
      // A refusal takes its time too.
    }
    best = Math.min(best, performance.now() - from);
    if (best < FLOOR || best > 50 * FLOOR * RATIO_MAX) break;
  }
  return Math.max(best, FLOOR);
}

/** Returns the texts that take too long, and how many times as long as a plain text. */
function slow(work: (text: string) => unknown): string[] {
  timeOf(work, PLAIN); // compiles it
  const usual = timeOf(work, PLAIN);
  return WORST.flatMap(([name, text]) => {
    const ratio = timeOf(work, text) / usual;
    return ratio > RATIO_MAX ? [`${name}: ${Math.round(ratio)}`] : [];
  });
}
const WORST = worstTexts(SIZE);

describe("the worst texts take no longer than others of their size", () => {
  for (const [file, functions] of Object.entries(FUNCTIONS))
    test(`in the functions of ${file}`, () => {
      expect(functions.flatMap(slow)).toEqual([]);
    });

  test("in every schema", () => {
    const found = schemas.flatMap(([name, schema]) =>
      slow((text) => {
        for (const input of inputsOf(schema, text)) v.safeParse(schema as never, input);
      }).map((fault) => `${name}, ${fault}`),
    );
    expect(found).toEqual([]);
    expect(schemas.length).toBeGreaterThan(80);
  });
});

test("a room of long messages with the worst links opens as fast as one of plain texts", () => {
  const messages = worstTexts(10_000).map(([, text]) => text);
  const work = (texts: readonly string[]) => () => texts.map(piecesOf);
  const usual = timeOf(work(messages.map(({ length }) => "a".repeat(length))), "");
  expect(timeOf(work(messages), "") / usual).toBeLessThan(RATIO_MAX);
});

test("no other file works on texts from outside", () => {
  const known = (file: string) => OPERATOR.test(file) || file in FUNCTIONS || file in ELSEWHERE;
  const unknown = files.filter((file) => WORK.test(sources.get(file) ?? "") && !known(file));
  expect(unknown).toEqual([]);
  const gone = [...Object.keys(FUNCTIONS), ...Object.keys(ELSEWHERE)].filter((file) => !sources.has(file));
  expect(gone).toEqual([]);
});
