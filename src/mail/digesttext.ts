import type { UnreadMessage } from "../store/digests.ts";
import type { Block } from "./html.ts";

/** How much of a message a mail shows, in code points, how many of a room, and how many rooms. */
const TEXT_MAX = 300;
const SHOWN_MAX = 5;
const ROOMS_MAX = 10;

interface DigestParts {
  readonly base: string;
  readonly site: string;
  /** Whether to show what messages say. */
  readonly content: boolean;
}

/** Returns what a mail says about unread messages, by room, the rooms with the newest ones first. */
export function digestBlocks(unread: readonly UnreadMessage[], { base, site, content }: DigestParts) {
  const rooms = [...Map.groupBy(unread, ({ room }) => room).values()].sort((a, b) => newest(b) - newest(a));
  const blocks: Block[] = [
    { kind: "text", text: `While you were away, you got ${messages(unread.length)} at ${site}.` },
  ];
  for (const one of rooms.slice(0, ROOMS_MAX)) {
    const [first] = one;
    if (!first) continue;
    blocks.push({
      kind: "heading",
      text: titleOf(one),
      href: `${base}/#/room/${encodeURIComponent(first.room)}/${first.id}`,
    });
    if (content)
      for (const { sender, content: text, files } of one.slice(-SHOWN_MAX))
        blocks.push({ kind: "quote", who: sender, text: shown(text, files) });
    else
      blocks.push({
        kind: "text",
        text: `${messages(one.length)} by ${[...new Set(one.map(({ sender }) => sender))].join(", ")}`,
      });
    if (content && one.length > SHOWN_MAX)
      blocks.push({ kind: "text", text: `${messages(one.length - SHOWN_MAX)} more before these` });
  }
  if (rooms.length > ROOMS_MAX) blocks.push({ kind: "text", text: "There are more in other rooms." });
  return { subject: `${messages(unread.length)} for you (${site})`, blocks };
}

const newest = (some: readonly UnreadMessage[]) => some.at(-1)?.at ?? 0;
const messages = (count: number) => (count === 1 ? "1 unread message" : `${count} unread messages`);

function titleOf(some: readonly UnreadMessage[]): string {
  const [first] = some;
  if (first?.kind !== "direct") return first?.title || `#${first?.room}`;
  return first.title || [...new Set(some.map(({ sender }) => sender))].join(", ");
}

function shown(text: string, files: number): string {
  const points = [...text];
  const cut = points.length > TEXT_MAX ? `${points.slice(0, TEXT_MAX).join("")}…` : text;
  if (files === 0) return cut;
  const attached = files === 1 ? "[1 file]" : `[${files} files]`;
  return cut ? `${cut}\n${attached}` : attached;
}
