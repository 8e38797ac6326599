import type { Clock } from "../../clock.ts";
import type { Identity } from "../../identity.ts";
import type { Submit } from "../access/submit.ts";
import type { Marks } from "../ephemeral/marks.ts";
import type { Typing } from "../ephemeral/typing.ts";
import type { History } from "../room/history.ts";
import type { Members } from "../room/members.ts";
import type { People } from "../access/people.ts";
import type { Threads } from "../access/threads.ts";

/** What the commands use; each takes its share. */
export interface CommandParts {
  readonly submit: Submit;
  readonly people: Pick<People, "known">;
  readonly history: Pick<History, "page">;
  readonly members: Pick<Members, "mark">;
  readonly marks: Marks;
  readonly threads: Pick<Threads, "change">;
  readonly typing: Typing;
  readonly clock: Clock;
  /** Returns the person behind a token. @throws {Refusal} token_invalid, token_expired and so on. */
  authenticate(token: string): Promise<Identity>;
  /** Reports an unexpected error. */
  faulted(error: unknown): void;
}
