import { encodeMessage, shownNotice } from "../chat/chat.ts";
import type { Message } from "../message.ts";
import type { Hook, HookChange } from "../store/hooks.ts";

/** What happened to a message between a version and its latest state. */
function changeOf({ id, deletedAt, notice }: Message, after: number): HookChange {
  if (notice) return "notice";
  if (deletedAt !== null) return "deleted";
  return id > after ? "created" : "updated";
}

/** Whether a message mentions somebody whose mentions the hook wants. */
const isMentioned = ({ mentions }: Message, wanted: readonly string[]): boolean =>
  mentions !== null && (mentions.everyone || mentions.people.some(({ id }) => wanted.includes(id)));

/** Returns what a hook wants of a batch that begins after a version, each change as clients get it on chat.v1. */
export function wantedOf(
  { changes, mentions }: Pick<Hook, "changes" | "mentions">,
  room: string,
  after: number,
  messages: readonly Message[],
): string[] {
  return messages.flatMap((message) => {
    const change = changeOf(message, after);
    if (!changes.includes(change) || (mentions && !isMentioned(message, mentions))) return [];
    if (change === "notice") return [JSON.stringify({ type: "notice", room, ...shownNotice(message) })];
    return [encodeMessage({ type: "message", room, change }, message)];
  });
}

/** Returns the body of a batch. `changes` are JSON texts. */
export function batchBody(
  { room, after, upto }: { readonly room: string; readonly after: number; readonly upto: number },
  changes: readonly string[],
  timestamp: string,
): string {
  const head = JSON.stringify({ type: "changes", timestamp }).slice(0, -1);
  const data = JSON.stringify({ room, after, upto }).slice(0, -1);
  return `${head},"data":${data},"changes":[${changes.join()}]}}`;
}

/** Returns the body of a delivery that says nothing, with which somebody tries a hook. */
export const pingBody = (timestamp: string): string => JSON.stringify({ type: "ping", timestamp, data: {} });
