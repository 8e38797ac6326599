/** @jsxImportSource hono/jsx/dom */
import { useState } from "hono/jsx/dom";
import { useEffect } from "../parts/effect.ts";
import type { ReceiptFrame, Room } from "../../client/index.ts";
import { isBy, type Me, nameOf } from "../parts/person.tsx";
import { talkWords } from "../words/talk.ts";

/** How far someone has read. */
type Mark = Pick<ReceiptFrame, "id" | "username" | "user">;

interface SeenProps {
  readonly room: Room;
  readonly me: Me;
}

/** The people of a direct room, and the most members of others whose earlier marks are read. */
const MARKS = { direct: 8, private: 200 } as const;

/** Says who has read the person's last message, in rooms whose members see each other's read marks. */
export function Seen({ room, me }: SeenProps) {
  const [marks, setMarks] = useState<ReadonlyMap<string, Mark>>(new Map());
  const [joins, setJoins] = useState(0);
  const { messages, kind, receipts } = room.snapshot();
  const last = messages.at(-1);
  const isShown = (kind === "direct" || receipts) && last && isBy(me, last) && !last.deletedAt;

  const take = (those: readonly Mark[]) =>
    setMarks((before) => {
      const next = new Map(before);
      for (const mark of those)
        if (mark.id >= (next.get(mark.user.id)?.id ?? 0)) next.set(mark.user.id, mark);
      return next;
    });
  useEffect(() => {
    setMarks(new Map());
    const offs = [
      room.on("receipt", (frame) => take([frame])),
      room.on("joined", () => setJoins((count) => count + 1)),
    ];
    return () => offs.forEach((off) => off());
  }, [room]);
  // Nobody repeats the marks that were made before the page opened, or while it was offline.
  useEffect(() => {
    if (!isShown) return;
    const limit = kind === "direct" ? MARKS.direct : MARKS.private;
    room.members.read({ limit }).then(
      ({ items }) =>
        take(
          items.flatMap(({ lastRead, username, ...user }) =>
            lastRead === undefined ? [] : { id: lastRead, username, user },
          ),
        ),
      () => {}, // Marks that are made from now on are shown anyway.
    );
  }, [room, !!isShown, joins]);

  if (!isShown) return <span />;
  const others = [...marks.values()].filter(({ user }) => user.id !== me.id);
  const readers = others.filter(({ id }) => id >= last.id);
  if (readers.length === 0) return <span />;
  const isAlone = kind === "direct" && others.length === 1;
  return (
    <span class="seen">
      {isAlone ? talkWords.receipts.seen : talkWords.receipts.seenBy(readers.map(nameOf))}
    </span>
  );
}
