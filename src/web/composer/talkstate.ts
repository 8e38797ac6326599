import type { Chat, Message, Room } from "../../client/index.ts";
import type { Addressing } from "../mentions/addressing.ts";
import type { Source } from "../parts/source.ts";
import type { Attachment, Editing, Quoted } from "./drafts.ts";
import type { Refused } from "./refusals.ts";
import type { Sending, Sendings } from "./sendings.ts";

export interface TalkState {
  /** The message that the draft replies to. */
  readonly replyTo: Quoted | undefined;
  readonly editing: Editing | undefined;
  /** The files of the draft. */
  readonly files: readonly Attachment[];
  /** Messages whose files are being uploaded. */
  readonly sending: readonly Sending[];
  /** What was not sent, except the one that is being edited. */
  readonly refused: readonly Refused[];
  /** The names of other rooms in which something was not sent. */
  readonly elsewhere: readonly string[];
  /** Ids of messages whose edit or deletion the server has not confirmed yet. */
  readonly changing: ReadonlySet<number>;
  /** The latest error. */
  readonly notice: string | undefined;
  /** The thread that is shown beside the room. */
  readonly shown: ShownThread | undefined;
  /** In a thread: whether what is written is for the room too. */
  readonly alsoRoom: boolean;
  /** A text that is sent once the person confirms that it mentions everyone. */
  readonly asking: { readonly kind: Kind; readonly text: string } | undefined;
  /** People whom a message mentions and does not reach: ids, or names. */
  readonly unreached: readonly string[];
}

/** A thread beside its room, by its first message. `message`: a reply to go to. */
export interface ShownThread {
  readonly root: number;
  readonly message?: number | undefined;
}

/** What someone writes: a new message, or an edit. They never mix. */
export type Kind = "draft" | "edit";

/**
 * The person's own state in a room: what they write and what was refused. It outlives the view of the room, and the page. Texts
 * are not part of the snapshot, because the fields show them: a field calls `write` with each input, and follows `text`.
 */
export interface Talk extends Source<TalkState> {
  readonly room: Room;
  readonly addressing: Addressing;
  /** The id of the person. */
  me(): string | undefined;
  /** Sends the text that mentions everyone, with or without notifying them; undefined: goes on writing. */
  answer(notify: boolean | undefined): void;
  /** Forgets who was not reached. */
  reached(): void;
  text(kind: Kind): string;
  write(kind: Kind, text: string): void;
  /** Returns how many more characters a message can have, below 0 if it is too long. Infinity if the limit is not known yet. */
  left(text: string): number;
  /** Changes the files of the draft. */
  attach(change: (files: readonly Attachment[]) => readonly Attachment[]): void;
  /** The largest file that can be sent, in bytes. Infinity if it is not known yet; undefined: the server takes no files. */
  fileMax(): number | undefined;
  /** What sends files. */
  readonly sendings: Sendings;
  /** Sends this text, with the files of the draft. Returns false if there is nothing to send, or it is too long. */
  say(kind: Kind, text: string): boolean;
  reply(message: Message | undefined): void;
  /** Begins an edit. The draft stays as it is. */
  edit(message: Message | Refused): void;
  stopEditing(): void;
  /** Looks for a draft that a closed tab left. */
  adopt(): void;
  again(refused: Refused): void;
  /** Returns false if that happened in another tab. */
  discard(refused: Refused): boolean;
  /** Takes back a message that was not sent yet. It becomes a refused one. */
  withdraw(clientId: string): void;
  remove(id: number): void;
  react(id: number, emoji: string, on: boolean): void;
  /** The person's saved messages. */
  readonly saved: Chat["saved"];
  /** Shows what went wrong, if the work fails. */
  attempt(work: Promise<unknown>, what: (why: string) => string): void;
  /** Shows an error. */
  tell(what: string): void;
  quiet(): void;
  /** The first message of the thread that it belongs to; undefined: it is that of the room. */
  readonly thread: number | undefined;
  /** The person's threads with unread replies, in all rooms. */
  readonly threads: Chat["threads"];
  /** Shows a thread beside the room, or none. */
  show(thread: ShownThread | undefined): void;
  /** What the person writes in a thread. */
  inThread(root: number): Talk;
  sayInRoom(on: boolean): void;
  /** Stops listening. */
  close(): void;
}
