import { holdExchange } from "../support/contract.ts";
import { openRaw, type RawAnswer } from "../support/raw.ts";
import { until } from "../support/until.ts";
import { type Bindings, fill, mismatch, patternOf } from "./pattern.ts";
import type { Stage, Tokens } from "./stage.ts";
import type { Block } from "./transcripts.ts";

/** What stands for a key in the documents. */
const KEY = "a backend's key";

interface Exchange {
  readonly request: readonly string[];
  readonly response: readonly string[];
}

/**
 * Sends the requests of a block as written and compares each response with the one below it: the status, the headers that
 * are shown, and the whole JSON body.
 */
export async function exchange(block: Block, stage: Stage): Promise<void> {
  const bindings: Bindings = new Map();
  for (const { request, response } of exchangesOf(block)) {
    for (const name of ["ada", "ben"])
      if (request.join().includes(`<${name}'s `)) bind(bindings, name, await stage.tokensOf(name));
    if (request.join().includes(`<${KEY}>`)) bindings.set(KEY, bindings.get(KEY) ?? (await stage.key()));
    const actual = await answered(stage, request, bindings);
    compare(actual, response, bindings);
    const body = jsonOf(actual.body) as Partial<Tokens & { username: string }> | undefined;
    if (body?.access && body.refresh)
      stage.keep(body.username ?? "ada", { access: body.access, refresh: body.refresh });
  }
}

function exchangesOf({ lines }: Block): Exchange[] {
  const exchanges: { request: string[]; response: string[] }[] = [];
  let before = "<";
  for (const line of lines) {
    const sign = line.slice(0, 1);
    if (sign === ">" && before === "<") exchanges.push({ request: [], response: [] });
    exchanges.at(-1)?.[sign === ">" ? "request" : "response"].push(line.slice(2));
    before = sign;
  }
  return exchanges;
}

function bind(bindings: Bindings, name: string, { access, refresh }: Tokens): void {
  bindings.set(`${name}'s access token`, access);
  bindings.set(`${name}'s refresh token`, refresh);
}

/** How long after a search without a result it is repeated, in milliseconds: searches have a budget. */
const AGAIN_MS = 100;

/** What can be searched is about a second behind. */
async function answered(stage: Stage, request: readonly string[], bindings: Bindings): Promise<RawAnswer> {
  let answer = await ask(stage, request, bindings);
  const isBehind = () => (jsonOf(answer.body) as { messages?: [] } | undefined)?.messages?.length === 0;
  if (request[0]?.startsWith("GET /search/"))
    await until(async () => {
      if (!isBehind()) return true;
      await Bun.sleep(AGAIN_MS);
      answer = await ask(stage, request, bindings);
      return !isBehind();
    });
  return answer;
}

async function ask(stage: Stage, request: readonly string[], bindings: Bindings): Promise<RawAnswer> {
  const [head, body] = parts(request);
  const text = body === undefined ? "" : fill(body, bindings);
  const length = text ? [`Content-Length: ${Buffer.byteLength(text)}`] : [];
  const connection = await openRaw(stage);
  try {
    connection.socket.write(`${fill([...head, ...length].join("\r\n"), bindings)}\r\n\r\n${text}`);
    const answer = await connection.answer();
    const [method = "", target = ""] = fill(head[0] ?? "", bindings).split(" ");
    if (answer.status !== 101)
      holdExchange({ ...answer, method, target, ...(text && { sent: text }), text: answer.body });
    return answer;
  } finally {
    connection.end();
  }
}

function compare(actual: RawAnswer, response: readonly string[], bindings: Bindings): void {
  const [[first = "", ...headers], body] = parts(response);
  const status = Number(first.split(" ")[1]);
  if (actual.status !== status) throw new Error(`${first}: the response was ${actual.status} ${actual.body}`);
  for (const header of headers) {
    const [name = "", ...value] = header.split(": ");
    const wrong = mismatch(value.join(": "), actual.headers.get(name), bindings, name);
    if (wrong) throw new Error(wrong);
  }
  const wrong =
    body === undefined ? undefined : mismatch(patternOf(body), jsonOf(actual.body), bindings, "the body");
  if (wrong) throw new Error(wrong);
}

/** Splits a message into its head and the line of its body, if it has one. */
function parts(lines: readonly string[]): [string[], string | undefined] {
  const end = lines.indexOf("");
  return end === -1 ? [[...lines], undefined] : [lines.slice(0, end), lines[end + 1]];
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
