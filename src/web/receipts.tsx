/** @jsxImportSource hono/jsx/dom */
import { useEffect, useState } from "hono/jsx/dom";
import type { ReceiptFrame, Room } from "../client/index.ts";
import { isBy, type Me, nameOf } from "./person.tsx";
import { listed } from "./words.ts";

type Receipts = ReadonlyMap<string, ReceiptFrame>;

interface SeenProps {
  readonly room: Room;
  readonly me: Me;
}

/** Says who has read the person's last message, in rooms whose members see each other's read marks. */
export function Seen({ room, me }: SeenProps) {
  const [receipts, setReceipts] = useState<Receipts>(new Map());
  useEffect(
    () => room.on("receipt", (frame) => setReceipts((before) => new Map(before).set(frame.user.id, frame))),
    [room],
  );
  const { messages, kind } = room.snapshot();
  const last = messages.at(-1);
  if (!last || !isBy(me, last) || last.deletedAt) return <span />;
  const others = [...receipts.values()].filter(({ user }) => user.id !== me.id);
  const readers = others.filter(({ id }) => id >= last.id);
  if (readers.length === 0) return <span />;
  const isAlone = kind === "direct" && others.length === 1;
  return <span class="seen">{isAlone ? "Seen" : `Seen by ${listed(readers.map(nameOf))}`}</span>;
}
