import { oddValue } from "./odd.ts";
import type { Random } from "./random.ts";

const ROOMS = Array.from({ length: 40 }, (_, index) => `fuzz-${index}`);

/** The largest frame in bytes. A longer one closes the socket, which only the ending `oversize` should do. */
export const MAX_FRAME_BYTES = 65_536;

type Fields = [name: string, json: string][];

const EMOJIS = ["👍", "❤️", "🏳️‍🌈", "👩‍👩‍👧‍👦", "🇦🇽", "1️⃣", "👍🏽", "no", "👍👍", "\u200d"];
/** Commands that get a reply only if they have a ref. */
const SILENT = ["read", "typing"];

/** Returns a valid command, field by field in JSON. */
function command(random: Random, ref: number, token: string): Fields {
  const room: Fields = [["room", JSON.stringify(random.pick(ROOMS))]];
  const base = (type: string): Fields => [
    ["type", `"${type}"`],
    ["ref", String(ref)],
  ];
  const change = (type: string, ...fields: Fields): Fields => [
    ...base(type),
    ...room,
    ["clientId", JSON.stringify(random.uuid())],
    ...(type === "send" ? [] : ([["id", String(1 + random.below(60))]] satisfies Fields)),
    ...fields,
  ];
  const content: Fields[number] = ["content", JSON.stringify(`fuzz ${random.below(1e9)}`)];
  const data: Fields = random.chance(0.3)
    ? [["data", `{"a":${random.chance(0.5) ? "[1.5,null]" : oddValue(random)}}`]]
    : [];
  switch (random.below(13)) {
    case 0: {
      const since = JSON.stringify(`${random.pick(["no-such-epoch", "e"])}.${random.below(50)}`);
      return [...base("join"), ...room, ...(random.chance(0.5) ? ([["since", since]] satisfies Fields) : [])];
    }
    case 1:
      return [...base("leave"), ...room];
    case 2: {
      const bound = random.pick(["before", "after"]);
      return [
        ...base("history"),
        ...room,
        [bound, String(1 + random.below(100))],
        ["limit", String(1 + random.below(20))],
      ];
    }
    case 3:
      return base("ping");
    case 4:
      return change("edit", content, ...data);
    case 5:
      return change("delete");
    case 6:
      return change(
        "react",
        ["emoji", JSON.stringify(random.pick(EMOJIS))],
        ["on", String(random.chance(0.7))],
      );
    case 7:
      return [...base("read"), ...room, ["id", String(1 + random.below(60))]];
    case 8:
      return [...base("typing"), ...room];
    case 9:
      return [...base("auth"), ["token", JSON.stringify(token)]];
    default:
      return change("send", content, ...data);
  }
}

const plain = (random: Random): Fields => [
  ["message", JSON.stringify(`fuzz ${random.below(1e9)}`)],
  ...(random.chance(0.5) ? ([["clientId", JSON.stringify(random.uuid())]] satisfies Fields) : []),
];

const written = (fields: Fields) =>
  `{${fields.map(([name, json]) => `${JSON.stringify(name)}:${json}`).join(",")}}`;

/** Returns the text of a frame: 40 % are valid, the others have wrong fields, are not JSON, or are no command at all. */
export function frameText(random: Random, format: "v1" | "plain", ref: number, token: string): string {
  for (;;) {
    const text = anyText(random, format === "v1" ? command(random, ref, token) : plain(random));
    // Two odd values can be too long together.
    if (Buffer.byteLength(text) <= MAX_FRAME_BYTES) return text;
  }
}

function anyText(random: Random, fields: Fields): string {
  switch (random.below(10)) {
    case 0:
    case 1:
      return wrongField(random, fields);
    case 2:
      return moreFields(random, fields);
    case 3:
    case 4:
      return scratched(random, written(fields));
    case 5:
      return random.chance(0.5) ? oddValue(random) : random.bytes(random.below(60)).toString("latin1");
    default:
      return written(fields);
  }
}

function wrongField(random: Random, fields: Fields): string {
  const at = random.below(fields.length);
  const changed = fields.map(([name, json], index): Fields[number] =>
    index === at ? [name, oddValue(random)] : [name, json],
  );
  return written(random.chance(0.2) ? changed.toSpliced(random.below(fields.length), 1) : changed);
}

/** Adds unknown fields and duplicate fields; the last duplicate counts. */
function moreFields(random: Random, fields: Fields): string {
  const names = [
    "__proto__",
    "constructor",
    "hasOwnProperty",
    "then",
    "toJSON",
    "x",
    ...fields.map(([name]) => name),
  ];
  const more = Array.from({ length: 1 + random.below(4) }, (): Fields[number] => [
    random.pick(names),
    random.chance(0.5) ? oddValue(random) : random.pick(fields)[1],
  ]);
  return written(random.chance(0.5) ? [...fields, ...more] : [...more, ...fields]);
}

/** Removes, inserts or doubles characters, or cuts off the end. */
function scratched(random: Random, text: string): string {
  let result = text;
  for (let times = 1 + random.below(3); times > 0; times--) {
    const at = random.below(result.length + 1);
    const length = random.below(6);
    switch (random.below(4)) {
      case 0:
        result = result.slice(0, at) + result.slice(at + length);
        break;
      case 1:
        result =
          result.slice(0, at) +
          random.pick(['"', "{", "}", ",", "\\", "\n", "\u2028", "\ufeff"]) +
          result.slice(at);
        break;
      case 2:
        result = result.slice(0, at) + result.slice(at, at + length).repeat(2) + result.slice(at + length);
        break;
      default:
        result = result.slice(0, at);
    }
  }
  return result;
}

/** Returns the `ref` of a text if it is a JSON object with a whole number from 0 on. */
export function readableRef(text: string): number | undefined {
  const { ref } = objectOf(text) ?? {};
  return Number.isSafeInteger(ref) && Number(ref) >= 0 ? Number(ref) : undefined;
}

/** Whether a text without a ref may get no reply. */
export function mayBeSilent(text: string): boolean {
  const { type, ref } = objectOf(text) ?? {};
  return ref === undefined && SILENT.includes(String(type));
}

function objectOf(text: string): { readonly type?: unknown; readonly ref?: unknown } | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (text.length > SHORT && depthOf(text) > DEPTH_MAX) return undefined;
    return typeof value === "object" && value !== null && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** The server does not parse texts that are longer than this and nested deeper than that. */
const SHORT = 1_024;
const DEPTH_MAX = 128;

/** How deep valid JSON is nested, also in values that a later one of the same name replaces. */
function depthOf(json: string): number {
  let depth = 0;
  const depths = json
    .replace(/"(?:[^"\\]|\\.)*"/g, "")
    .split("")
    .map((sign) => (depth += "[{".includes(sign) ? 1 : "]}".includes(sign) ? -1 : 0));
  return Math.max(...depths);
}
