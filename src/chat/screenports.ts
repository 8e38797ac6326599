import type { Identity } from "../identity.ts";
import type { Attachment, Draft, Revision } from "./change.ts";

/** A change that says something. */
export type Saying = Draft | Extract<Revision, { readonly kind: "edit" }>;

/** A new message, or an edit, that somebody may be about to read. */
export interface Question {
  readonly person: Identity;
  readonly room: string;
  readonly saying: Saying;
}

/** What becomes of it. `unchecked`: nobody could say, so it is not committed now. */
export type Verdict =
  | { readonly action: "allow" }
  | { readonly action: "unchecked" }
  | { readonly action: "refuse"; readonly reason?: string | undefined }
  | {
      readonly action: "change";
      readonly content: string;
      /** Undefined: as the sender said. */
      readonly mentions?: readonly string[] | null | undefined;
      readonly everyone?: boolean | undefined;
    };

/** Decides about messages and edits before they are committed. */
export interface Screen {
  /** Resolves within a time limit, and never rejects. */
  ask(question: Question): Promise<Verdict>;
}

/** A file that somebody is about to send. */
export interface SentFile extends Attachment {
  readonly name: string;
  readonly type: string;
  readonly size: number;
}
