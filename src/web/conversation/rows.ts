import type { Message, Notice, RoomState, Waiting } from "../../client/index.ts";
import { isBy, type Me } from "../parts/person.tsx";
import { indexOf, type Span } from "./span.ts";
import type { Sending } from "../composer/sendings.ts";
import type { Refused } from "../composer/refusals.ts";
import { dayOf } from "../page/time.ts";

/** A row of the conversation. `head`: it begins with the sender's name. */
export type Row =
  | { readonly kind: "day"; readonly key: string; readonly at: string }
  | { readonly kind: "new"; readonly key: string }
  /** Notices that follow each other. */
  | { readonly kind: "notices"; readonly key: string; readonly notices: readonly Notice[] }
  | { readonly kind: "message"; readonly key: string; readonly message: Message; readonly head: boolean }
  | { readonly kind: "waiting"; readonly key: string; readonly change: Waiting; readonly head: boolean }
  | { readonly kind: "sending"; readonly key: string; readonly sending: Sending; readonly head: boolean }
  | { readonly kind: "refused"; readonly key: string; readonly refused: Refused; readonly head: boolean };

interface Said {
  readonly messages: readonly Message[];
  readonly notices: readonly Notice[];
  readonly span: Span;
  /** Whether there are earlier messages. */
  readonly more: boolean;
  /** The first message that was new when the room was opened. */
  readonly firstNew: number | undefined;
  readonly waiting: readonly Waiting[];
  /** Messages whose files are being uploaded, or that were just committed. */
  readonly sending: readonly Sending[];
  readonly refused: readonly Refused[];
  readonly me: Me | undefined;
}

/** After this time the sender's name is repeated, in milliseconds. */
const GROUP_MS = 5 * 60_000;

/** A message that was just committed is among so many. */
const RECENT = 1_000;

/** Returns the rows of a span. After the last message follow those that are refused or not sent yet. */
export function rowsOf({
  messages,
  notices,
  span,
  more,
  firstNew,
  waiting,
  sending,
  refused,
  me,
}: Said): Row[] {
  const rows: Row[] = [];
  let before = messages[span.from - 1];
  /** The first notice that is not shown yet. */
  let next = before ? indexOf(notices, before.id) : 0;
  /** Shows the notices before an id. */
  const noticesBefore = (id: number): boolean => {
    const end = id === Infinity ? notices.length : indexOf(notices, id);
    const group = notices.slice(next, end);
    next = end;
    const [first] = group;
    if (first) rows.push({ kind: "notices", key: `notice ${first.id}`, notices: group });
    return first !== undefined;
  };
  for (let at = span.from; at < span.to; at++) {
    const message = messages[at] as Message;
    let head = !before || !isGrouped(before, message);
    if (noticesBefore(message.id)) head = true;
    // If there are earlier messages, the day before the first one is unknown.
    if (before ? dayOf(before.timestamp) !== dayOf(message.timestamp) : !more) {
      rows.push({ kind: "day", key: `day ${message.id}`, at: message.timestamp });
      head = true;
    }
    if (message.id === firstNew) {
      rows.push({ kind: "new", key: "new" });
      head = true;
    }
    rows.push({ kind: "message", key: keyOf(message.user.id, message.clientId), message, head });
    before = message;
  }
  if (span.to < messages.length) return rows;
  const apart = noticesBefore(Infinity);
  let own = !apart && before !== undefined && isBy(me, before);
  const headOf = (replyTo: number | undefined) => {
    const head = !own || replyTo !== undefined;
    own = true;
    return head;
  };
  for (const one of refused)
    rows.push({ kind: "refused", key: `refused ${one.clientId}`, refused: one, head: headOf(one.replyTo) });
  const there = new Set(sending.length > 0 ? messages.slice(-RECENT).map(({ clientId }) => clientId) : []);
  for (const one of sending.filter(({ clientId }) => !there.has(clientId)))
    rows.push({ kind: "sending", key: keyOf(me?.id, one.clientId), sending: one, head: headOf(one.replyTo) });
  for (const change of waiting)
    rows.push({ kind: "waiting", key: keyOf(me?.id, change.clientId), change, head: headOf(change.replyTo) });
  return rows;
}

/** Returns the id of the first unread message of another person, or undefined if it is not loaded yet. */
export function firstNewOf(
  { messages, more }: Pick<RoomState, "messages" | "more">,
  readTo: number,
  me: Me | undefined,
) {
  const at = indexOf(messages, readTo + 1);
  if (at === 0 && more) return undefined;
  return messages.slice(at).find((message) => !isBy(me, message))?.id;
}

const isGrouped = (before: Message, { user, timestamp, replyTo }: Message) =>
  before.user.id === user.id &&
  before.user.name === user.name &&
  replyTo === undefined &&
  Date.parse(timestamp) - Date.parse(before.timestamp) < GROUP_MS;

/** Stays the same when a message is committed, so that its element stays. Other people can use the same clientId. */
const keyOf = (id: string | undefined, clientId: string) => `${id} ${clientId}`;
