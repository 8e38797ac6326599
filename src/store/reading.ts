import type { SQL } from "drizzle-orm";
import type { Bounds, HistoryPage, MessageStore, View } from "../chat/ports.ts";
import { inOrder } from "../chat/room/reactors.ts";
import { cutToSize } from "../chat/room/pages.ts";
import { runOrRefuse } from "../db/away.ts";
import { type Pool, rows, type Statement } from "../db/database.ts";
import type { Message, Reaction } from "../message.ts";
import { personOf, type PersonRow } from "../person.ts";
import { shownMentions } from "./mentioning.ts";
import { noticeOf, type NoticeRow } from "./notices.ts";
import {
  PAGE,
  type Range,
  READ_BYTES,
  READ_ROWS,
  readChanges,
  readMessages,
  readPinned,
  SPAN,
} from "./page.ts";
import { type PinRow, readPins } from "./pins.ts";
import { repliesOf } from "./replies.ts";
import { type ThreadRow, threadOf } from "./threading.ts";

/** A row with the {@link columns} of a message. */
export interface StateRow
  extends
    Omit<Message, "reactions" | "mentions" | "notice" | "user" | "thread" | "replies">,
    NoticeRow,
    PersonRow,
    ThreadRow {
  readonly reactions: string | null;
  readonly mentions: string | null;
  /** Only pages that ask for them have them. */
  readonly replies?: string | null;
}

interface MessageRow extends StateRow {
  readonly epoch: string;
  readonly counter: number;
  readonly fence: number;
  readonly more: boolean;
  readonly total: number;
}

/** What one statement found, in the order in which it reads. */
interface Found extends HistoryPage {
  /** About the size of its messages, in bytes. */
  readonly bytes: number;
  /** It examined all that it may at once. */
  readonly ended?: boolean;
}

/** Reads the messages of rooms, in pages. No statement returns or reads more than a page holds. */
export function createReading(
  pool: Pool,
): Pick<MessageStore, "changesSince" | "postsSince" | "messages" | "pinned"> {
  async function find(statement: SQL | Statement): Promise<Found> {
    const found = await runOrRefuse(pool, (orm) => rows<MessageRow>(orm, statement));
    const last = found.at(-1);
    if (!last) throw new Error("the database has no epoch");
    const { epoch, counter, fence, more, total } = last;
    if (last.id === null) return { epoch, counter, fence, messages: [], more: false, edge: 0, bytes: 0 };
    return { epoch, counter, fence, messages: found.map(messageOf), more, edge: last.id, bytes: total };
  }

  return {
    async changesSince(room, after) {
      return cutToSize(await find(readChanges(room, after)), ({ version }) => version);
    },

    async postsSince(room, after) {
      return cutToSize(await find(readMessages(room, { after }, PAGE, {})), ({ id }) => id);
    },

    async messages(room, range, bounds, view = {}) {
      const backward = "before" in range;
      const read = async (range: Range, step: Bounds): Promise<Found> => {
        const found = await find(readMessages(room, range, step, view));
        return view.main && !found.more ? spanned(found, range, view) : found;
      };
      let found = await read(range, stepOf(bounds));
      const { epoch, counter } = found;
      const messages = [...found.messages];
      let before = bounds;
      let spans = 1;
      while (found.more && !isFull(found, before)) {
        if (found.ended && spans++ === SPANS) break;
        const { edge } = found;
        const left = {
          messages: before.messages - found.messages.length,
          bytes: before.bytes - found.bytes,
        };
        const next = await read(backward ? { before: edge } : { after: edge }, stepOf(left));
        // Its only message does not fit, or belongs to another history.
        if (next.bytes > left.bytes || next.epoch !== epoch) break;
        messages.push(...next.messages);
        found = next;
        before = left;
      }
      const { fence, more, edge } = found;
      return { epoch, counter, fence, messages: backward ? messages.reverse() : messages, more, edge };
    },

    async pinned(room, range) {
      const pins = await runOrRefuse(pool, (orm) => rows<PinRow>(orm, readPins(room, range)));
      const ids = pins.map(({ id }) => id);
      const { epoch, counter, fence, messages, more } = await find(readPinned(room, ids));
      const known = new Map(pins.map((pin) => [pin.id, pin]));
      return {
        epoch,
        counter,
        fence,
        more,
        pins: messages.map((message) => {
          const { version, at, ...by } = known.get(message.id) as PinRow;
          return { message, version, at, by: { username: by.username, user: personOf(by) } };
        }),
      };
    },
  };
}

/** What one statement may read of what a page has left. */
const stepOf = ({ messages, bytes }: Bounds): Bounds => ({
  messages: Math.min(READ_ROWS, messages),
  bytes: Math.min(READ_BYTES, bytes),
});

/** Whether the page, and not the step, left no room for another message. */
const isFull = ({ messages, bytes, ended }: Found, left: Bounds): boolean =>
  messages.length >= left.messages ||
  bytes >= left.bytes ||
  (!ended && left.bytes <= READ_BYTES && messages.length < READ_ROWS);

/** A page of the main conversation takes at most so many spans. */
const SPANS = 5;

/** What a statement found that examined a whole span: the next one may have more. */
function spanned(found: Found, range: Range, { from = 1 }: View): Found {
  if ("after" in range) {
    const edge = Math.max(range.after, from - 1) + SPAN;
    return { ...found, edge, more: edge < found.counter, ended: true };
  }
  const edge = Math.min(range.before, found.counter + 1) - SPAN;
  return { ...found, edge, more: edge > from, ended: true };
}

/** Turns a row of a page into a message. Its reactions and mentions are JSON, or null if there are none. */
export const messageOf = (row: StateRow): Message => ({
  id: row.id,
  version: row.version,
  username: row.username,
  user: personOf(row),
  clientId: row.clientId,
  content: row.content,
  data: row.data,
  replyTo: row.replyTo,
  thread: threadOf(row),
  files: row.files,
  mentions: shownMentions(row.mentions),
  timestamp: row.timestamp,
  editedAt: row.editedAt,
  deletedAt: row.deletedAt,
  reactions:
    row.reactions === null ? [] : inOrder((JSON.parse(row.reactions) as ReactionRow[]).map(reactionOf)),
  notice: noticeOf(row),
  ...(row.replies && { replies: repliesOf(row.replies) }),
});

/** The reactions with one emoji. The lists are parallel. */
interface ReactionRow {
  readonly emoji: string;
  readonly count: number;
  readonly users: readonly string[];
  readonly ids: readonly string[];
  readonly names: readonly (string | null)[];
}

const reactionOf = ({ emoji, count, users, ids, names }: ReactionRow): Reaction => ({
  emoji,
  count,
  users,
  profiles: users.map((username, at) => personOf({ username, uid: ids[at] ?? "", name: names[at] ?? null })),
});
