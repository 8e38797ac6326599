import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import * as v from "valibot";
import { namesFor, usernameOf } from "../src/auth/usernames.ts";
import { readRefreshToken } from "../src/auth/refresh.ts";
import { createFrames } from "../src/bus/frame.ts";
import { parseFrame } from "../src/client/frames.ts";
import { grantsOf, isGranted } from "../src/grants.ts";
import { bearerToken } from "../src/http/request.ts";
import { clientAddress } from "../src/limits/network.ts";
import { descriptionOf } from "../src/http/operation.ts";
import { parseObject } from "../src/json.ts";
import { skeletonsLike } from "../src/lookalikes.ts";
import { isBlank } from "../src/protocol/blank.ts";
import { MESSAGE_MAX_CHARS } from "../src/protocol/limits.ts";
import { displayName, nameOfClaim, picture, pictureOfClaim } from "../src/protocol/names.ts";
import { roomInPath, roomName } from "../src/protocol/rooms.ts";
import { createOutbound } from "../src/outbound/outbound.ts";
import { systemClock } from "../src/clock.ts";
import { textFault } from "../src/protocol/text.ts";
import { find, named, withCode } from "../src/web/emoji/names.ts";
import { createHabits } from "../src/web/emoji/recent.ts";
import { typedAt } from "../src/web/emoji/typed.ts";
import { mentionsIn, namesIn, typedAt as nameTypedAt } from "../src/web/mentions/text.ts";
import { parseQuery, QUERY_MAX } from "../src/search/query.ts";
import { termsOfMessage } from "../src/search/terms.ts";
import { tokensOf } from "../src/search/tokens.ts";
import { blocksOf, plainOf } from "../src/web/text/blocks.ts";
import { isOnlyEmoji } from "../src/web/text/emoji.ts";
import { highlight } from "../src/web/text/highlight.ts";
import { disguisedHost } from "../src/web/text/hosts.ts";
import { fullBudget, inlineOf } from "../src/web/text/inline.ts";
import { addressesIn } from "../src/web/text/links.ts";
import { hasSigns } from "../src/web/text/markup.ts";
import { placeOf } from "../src/web/page/place.ts";
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

const LANGUAGES = ["ts", "python", "shell", "sql", "html", "css", "go", "rust", "ruby", "yaml", "diff"];
const pageWith = (stored: string) =>
  ({ localStorage: { getItem: () => stored }, addEventListener: () => {} }) as unknown as Window;
/** The longest message, in UTF-16 units. */
const MESSAGE_MAX = 2 * MESSAGE_MAX_CHARS;

/** Functions that read texts from outside, by the file that they are in. */
const FUNCTIONS: Readonly<Record<string, readonly ((text: string) => unknown)[]>> = {
  "src/auth/refresh.ts": [(text) => readRefreshToken(text, [])],
  "src/auth/usernames.ts": [usernameOf, (text) => Array.from(namesFor(text))],
  "src/search/query.ts": [(text) => parseQuery(text.slice(0, 2 * QUERY_MAX))],
  "src/search/terms.ts": [
    (text) => termsOfMessage({ senderId: 1, content: text.slice(0, MESSAGE_MAX), files: null }),
  ],
  "src/search/tokens.ts": [(text) => tokensOf(text.slice(0, MESSAGE_MAX))],
  "src/bus/frame.ts": [
    (text) => busFrames.read("channel", text),
    (text) => {
      const frame = busFrames.read("channel", busFrames.write("channel", "node", 1, text as "bye"));
      return "word" in frame && frame.word();
    },
  ],
  "src/client/frames.ts": [parseFrame],
  "src/grants.ts": [
    (text) => grantsOf([{ match: text, allow: ["read"] }]),
    (text) => isGranted(grantsOf([{ match: text.slice(0, 256), allow: ["read"] }]) ?? [], text, "read"),
  ],
  "src/http/request.ts": [bearerToken],
  "src/json.ts": [(text) => parseObject(text, "It")],
  "src/lookalikes.ts": [(text) => skeletonsLike(roomName(text.slice(0, 64)) ?? "")],
  "src/limits/network.ts": [(text) => clientAddress(text, "192.0.2.1", 1)],
  "src/outbound/outbound.ts": [
    createOutbound({ clock: systemClock }).inspect,
    (text) => createOutbound({ clock: systemClock }).inspect(`http://${text.slice(0, 2000)}/`),
  ],
  "src/protocol/blank.ts": [isBlank],
  "src/protocol/names.ts": [
    nameOfClaim,
    pictureOfClaim,
    (text) => v.is(displayName, text.slice(0, 128)),
    (text) => v.is(picture, text),
  ],
  "src/protocol/rooms.ts": [roomName, roomInPath],
  "src/protocol/text.ts": [(text) => textFault(text, { min: 1, max: SIZE })],
  "src/web/emoji/names.ts": [(text) => find(text, 50), named, withCode],
  "src/web/emoji/recent.ts": [(text) => createHabits(pageWith(text)).read()],
  "src/web/emoji/typed.ts": [
    (text) => typedAt(text, text.length),
    (text) => typedAt(`${text} :tada`, text.length + 6),
  ],
  "src/web/mentions/text.ts": [
    (text) => mentionsIn(text, new Map()),
    (text) => namesIn(text, () => false),
    (text) => nameTypedAt(text, text.length),
  ],
  "src/web/text/blocks.ts": [blocksOf, plainOf],
  "src/web/text/emoji.ts": [isOnlyEmoji],
  "src/web/text/highlight.ts": LANGUAGES.map(
    (language) => (text: string) => highlight(text.slice(0, MESSAGE_MAX), language),
  ),
  "src/web/text/hosts.ts": [(text) => disguisedHost(text.slice(0, 255), "a")],
  "src/web/text/inline.ts": [(text) => inlineOf(text.slice(0, MESSAGE_MAX), fullBudget())],
  "src/web/text/links.ts": [(text) => addressesIn(text.slice(0, MESSAGE_MAX), 50)],
  "src/web/text/markup.ts": [hasSigns],
  "src/web/page/place.ts": [placeOf, (text) => placeOf(`#/room/${text}`)],
  "src/ws/credentials.ts": [
    (text) => credentialsOf(headersOf("sec-websocket-protocol", text), new URLSearchParams()),
    (text) => credentialsOf(headersOf("authorization", text), new URLSearchParams()),
    (text) => credentialsOf(new Headers(), new URLSearchParams(text)),
  ],
};

/** Other files that contain such work, and why nothing unbounded reaches it. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  "src/store/hooks.ts": "the rooms, changes and mentions of a webhook, which its schema has bounded",
  "src/auth/emails.ts": "behind the schema of emails, and of an operator's texts",
  "src/auth/jwkset.ts": "bounded in bytes while it is read",
  "src/auth/keys.ts": "our own keys, and the operator's",
  "src/auth/keyset.ts": "bounded in bytes while it is read",
  "src/auth/keystore.ts": "our own keys",
  "src/auth/passwords.ts": "behind the schemas of passwords",
  "src/chat/codecs/encode.ts": "data that was checked at the door, and JSON that the server made",
  "src/chat/codecs/plain.ts": "JSON that the server made",
  "src/client/chat.ts": "cut to 300 characters",
  "src/client/http.ts": "paths that the client makes",
  "src/dispatch.ts": "the runtime bounds the line of a request",
  "src/files/s3.ts": "the operator's settings",
  "src/files/scanner.ts": "bounded in bytes while it is read",
  "src/errors.ts": "stacks of our own errors",
  "src/http/page/files.ts": "our own page",
  "src/http/page/page.ts": "names of our own files",
  "src/http/saved.ts": "JSON that the database made",
  "src/http/written.ts": "JSON that the database made",
  "src/http/moderation.ts": "data that was checked at the door",
  "src/http/push.ts": "behind schemas of 1,024 characters",
  "src/push/open.ts": "behind a schema of 1,024 characters",
  "src/push/sender.ts": "addresses that were checked at the door",
  "src/pushing.ts": "the operator's settings",
  "src/push/vapid.ts": "our own key, and addresses that were checked at the door",
  "src/limits/network.ts": "an IP address",
  "src/mail/letters.ts": "the operator's settings",
  "src/site.ts": "the operator's settings",
  "src/store/careful.ts": "JSON that the database made",
  "src/store/cursors.ts": "JSON that the database made",
  "src/store/digests.ts": "JSON that the database made",
  "src/store/lists.ts": "JSON that the database made",
  "src/store/mentioning.ts": "JSON that the database made",
  "src/store/member-list.ts": "names, and a search of at most 64 characters",
  "src/store/notices.ts": "JSON that the database made",
  "src/store/pushqueue.ts": "JSON that the database made",
  "src/store/people.ts": "JSON that the database made",
  "src/store/reading.ts": "JSON that the database made",
  "src/store/replies.ts": "JSON that the database made",
  "src/store/summaries.ts": "JSON that the database made",
  "src/store/ruled.ts": "JSON that the database made",
  "src/web/parts/avatar.tsx": "the first 32 units of a word",
  "src/web/parts/pictures.ts": "an address that the server checked",
  "src/web/parts/ranking.ts": "cut to 200 characters",
  "src/web/rooms/invitations.tsx": "a link that the page makes",
  "src/web/composer/drafts.ts": "what the page stored",
  "src/web/composer/refusals.ts": "what the page stored",
  "src/web/conversation/acts.ts": "the page's own address",
  "src/web/files/outgoing.ts": "what the page stored",
  "src/web/files/saving.ts": "an address that the server made",
  "src/web/notify/settings.ts": "what the page stored",
  "src/web/page/tabs.ts": "what the client stored",
  "src/web/kept/shelf.ts": "what the client received",
  "src/web/worker/click.ts": "nothing: it matches windows",
  "src/web/worker/push.ts": "an address that the server made",
  "src/web/worker/shell.ts": "addresses of the page's own requests",
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

/**
 * The shortest of several runs, in milliseconds: by the clock, which other processes slow down, or by the CPU of this process,
 * to which its other threads add. A run that takes far too long is not repeated.
 */
function timeOf(work: (text: string) => unknown, text: string): number {
  let best = Infinity;
  for (let run = 0; run < RUNS; run++) {
    const [from, spent] = [performance.now(), process.cpuUsage()];
    try {
      work(text);
    } catch {
      // A refusal takes its time too.
    }
    const { user, system } = process.cpuUsage(spent);
    best = Math.min(best, performance.now() - from, (user + system) / 1000);
    if (best < FLOOR || best > 50 * FLOOR * RATIO_MAX) break;
  }
  return Math.max(best, FLOOR);
}

/** Returns the texts that take too long, and how many times as long as a plain text. */
function slow(work: (text: string) => unknown): string[] {
  timeOf(work, PLAIN); // compiles it
  const usual = timeOf(work, PLAIN);
  const ratioOf = (text: string) => timeOf(work, text) / usual;
  return WORST.flatMap(([name, text]) => {
    let ratio = ratioOf(text);
    // Late in a run of all tests, five runs in a row may collect the garbage of the tests before.
    for (let more = 0; more < 3 && ratio > RATIO_MAX; more++) {
      Bun.gc(true);
      ratio = Math.min(ratio, ratioOf(text));
    }
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

test("a room of long messages with the worst markup opens as fast as one of ordinary texts", () => {
  const messages = worstTexts(10_000).map(([, text]) => text);
  const work = (texts: readonly string[]) => () => texts.map(blocksOf);
  const ordinary =
    "Look at *this*, or at https://example.com/a_b: `a * b` and **more** text, for 2 * 3 people.\n\n";
  const usual = timeOf(work(messages.map(({ length }) => ordinary.repeat(length / 90).slice(0, length))), "");
  expect(timeOf(work(messages), "") / usual).toBeLessThan(RATIO_MAX);
});

test("no other file works on texts from outside", () => {
  const known = (file: string) => OPERATOR.test(file) || file in FUNCTIONS || file in ELSEWHERE;
  const unknown = files.filter((file) => WORK.test(sources.get(file) ?? "") && !known(file));
  expect(unknown).toEqual([]);
  const gone = [...Object.keys(FUNCTIONS), ...Object.keys(ELSEWHERE)].filter((file) => !sources.has(file));
  expect(gone).toEqual([]);
});
