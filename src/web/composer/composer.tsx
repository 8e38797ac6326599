/** @jsxImportSource hono/jsx/dom */
import { useEffect } from "../parts/effect.ts";
import type { Message } from "../../client/index.ts";
import { useNow } from "../parts/latest.ts";
import { Writing } from "./writing.tsx";
import type { Talk } from "./talk.ts";

interface ComposerProps {
  readonly talk: Talk;
  /** What the room is called. */
  readonly label: string;
  /** The person's latest message, which the up arrow edits. */
  readonly last: () => Message | undefined;
}

/**
 * Where the person writes messages and edits. An edit has a field of its own, so that it cannot mix with the draft. The draft's
 * field stays on the page, hidden, with its history for Undo.
 */
export function Composer({ talk, label, last }: ComposerProps) {
  const editing = useNow(talk, () => talk.snapshot().editing);
  useEffect(() => talk.adopt(), [talk]);
  return (
    <>
      <Writing
        key="draft"
        talk={talk}
        kind="draft"
        label={label}
        last={last}
        hidden={editing !== undefined}
      />
      {editing && (
        <Writing
          key={`edit ${editing.id ?? editing.clientId}`}
          talk={talk}
          kind="edit"
          label={label}
          last={last}
          hidden={false}
        />
      )}
    </>
  );
}
