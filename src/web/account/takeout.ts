import { type Chat, ChatError } from "../../client/index.ts";
import { request } from "./requests.ts";

interface Written {
  readonly room: string;
  readonly id: number;
}

/** How often a page is asked for again before the download fails. */
const TRIES = 5;
/** The wait before another try, in milliseconds, if the server names none. */
const WAIT_MS = 1_000;
const NEXT = /^<([^>]+)>; rel="next"$/;

/**
 * Downloads what the person wrote, as a file with one JSON object per line: room by room, oldest first, and then what they saved. `progress` gets the number
 * of messages so far. @throws {ChatError} @throws the reason of `signal`.
 */
export async function downloadMessages(
  chat: Pick<Chat, "token">,
  progress: (count: number) => void,
  signal: AbortSignal,
): Promise<Blob> {
  // A blob can be larger than the memory of a tab: the browser may keep it in a file.
  let file = new Blob([], { type: "application/jsonl" });
  let count = 0;
  /** The messages of the room that is being read. */
  let room: Written[] = [];
  const flush = () => {
    const lines = room.toSorted((a, b) => a.id - b.id).map((message) => `${JSON.stringify(message)}\n`);
    file = new Blob([file, ...lines], { type: file.type });
    room = [];
  };
  let path: string | undefined = "/account/me/messages/?limit=200";
  while (path !== undefined) {
    const response: Response = await again(() => request(chat, "GET", path as string, { signal }), signal);
    for (const message of (await response.json()) as Written[]) {
      if (room[0] && room[0].room !== message.room) flush();
      room.push(message);
      count++;
    }
    progress(count);
    path = NEXT.exec(response.headers.get("link") ?? "")?.[1];
  }
  flush();
  return new Blob([file, ...(await savedLines(chat, signal))], { type: file.type });
}

/** What the person saved, as references: the messages are those of others. */
async function savedLines(chat: Pick<Chat, "token">, signal: AbortSignal): Promise<string[]> {
  const lines: string[] = [];
  let path: string | undefined = "/saved/?limit=100";
  while (path !== undefined) {
    const response: Response = await again(() => request(chat, "GET", path as string, { signal }), signal);
    for (const { room, id, savedAt } of (await response.json()) as (Written & { savedAt: string })[])
      lines.push(`${JSON.stringify({ saved: { room, id, savedAt } })}\n`);
    path = NEXT.exec(response.headers.get("link") ?? "")?.[1];
  }
  return lines;
}

async function again<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
  for (let attempt = 1; ; attempt++)
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof ChatError && error.retryable) || attempt === TRIES) throw error;
      const { retryAfterMs = WAIT_MS } = error;
      await new Promise((resolve) => setTimeout(resolve, retryAfterMs));
      signal.throwIfAborted();
    }
}

/** Hands a file to the browser's downloads. */
export function save(file: Blob, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(file);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
