import { ChatError, createSubject, type Message, type Room } from "../client/index.ts";
import { isBlank } from "../protocol/blank.ts";
import type { Source } from "./source.ts";

/** A message that the server refused. */
export interface Refused {
  readonly clientId: string;
  readonly content: string;
  readonly replyTo?: number | undefined;
  readonly why: string;
}

/** A message that the person is writing. */
export interface Draft {
  readonly text: string;
  readonly replyTo?: Message | undefined;
  readonly editing?: Message | undefined;
}

export interface TalkState {
  readonly draft: Draft;
  readonly refused: readonly Refused[];
  /** Ids of messages whose edit or deletion the server has not confirmed yet. */
  readonly changing: ReadonlySet<number>;
  /** The latest error. */
  readonly notice: string | undefined;
}

/** The person's own state in a room: draft and refused messages. It outlives the view of the room. */
export interface Talk extends Source<TalkState> {
  readonly room: Room;
  draft(draft: Draft): void;
  /** Sends the draft, or the edit. */
  say(): void;
  again(refused: Refused): void;
  /** Puts the message back into the draft. */
  rewrite(refused: Refused): void;
  discard(refused: Refused): void;
  remove(id: number): void;
  react(id: number, emoji: string, on: boolean): void;
  quiet(): void;
  /** Stops listening to the room. */
  close(): void;
}

const EMPTY: Draft = { text: "" };

export function createTalk(room: Room): Talk {
  let draft = EMPTY;
  let refused: readonly Refused[] = [];
  let changing: ReadonlySet<number> = new Set();
  let notice: string | undefined;
  const source = createSubject<TalkState>(() => ({ draft, refused, changing, notice }));

  const off = room.on("settled", ({ change, error }) => {
    // Do not show messages that were given up because the person signed out.
    if (change.type !== "send" || !(error instanceof ChatError) || error.code === "signed_out") return;
    const { clientId, content, replyTo } = change;
    refused = [...refused, { clientId, content, replyTo, why: error.message }];
    source.changed();
  });

  const send = (content: string, replyTo: number | undefined) => {
    // `settled` handles the outcome, also for messages of an earlier page.
    room.send(content, replyTo === undefined ? {} : { replyTo }).catch((error: unknown) => {
      if (!(error instanceof ChatError) || error.code !== "outbox_full") return;
      fail("Could not send", error);
      if (draft.text === "") set({ text: content });
    });
  };

  const set = (next: Draft) => {
    draft = next;
    source.changed();
  };

  const fail = (what: string, error: unknown) => {
    notice = `${what}: ${error instanceof Error ? error.message : error}`;
    source.changed();
  };

  const change = (id: number, what: string, work: Promise<unknown>) => {
    changing = new Set([...changing, id]);
    notice = undefined;
    source.changed();
    work
      .catch((error: unknown) => fail(what, error))
      .finally(() => {
        changing = new Set([...changing].filter((other) => other !== id));
        source.changed();
      });
  };

  const discard = ({ clientId }: Refused) => {
    refused = refused.filter((one) => one.clientId !== clientId);
    source.changed();
  };

  return {
    room,
    snapshot: source.snapshot,
    subscribe: source.subscribe,
    draft: set,
    say() {
      const { text, replyTo, editing } = draft;
      const content = text.trim();
      if (isBlank(content)) return;
      set(EMPTY);
      if (!editing) send(content, replyTo?.id);
      else if (content !== editing.content)
        change(editing.id, "Could not edit", room.edit(editing.id, content));
    },
    again(one) {
      discard(one);
      send(one.content, one.replyTo);
    },
    rewrite(one) {
      discard(one);
      set({ text: draft.text ? `${draft.text}\n${one.content}` : one.content, replyTo: draft.replyTo });
    },
    discard,
    remove: (id) => change(id, "Could not delete", room.delete(id)),
    react(id, emoji, on) {
      room.react(id, emoji, on).catch((error: unknown) => fail("Could not react", error));
    },
    quiet() {
      notice = undefined;
      source.changed();
    },
    close: off,
  };
}
