import { Refusal } from "../../errors.ts";
import type { Identity } from "../../identity.ts";
import { textFault } from "../../protocol/text.ts";
import type { Access } from "./access.ts";
import type { Change } from "../room/change.ts";
import type { Answer, Committer } from "../room/committer.ts";
import type { Members } from "../../store/members.ts";
import type { Pace } from "./pace.ts";

type Unsigned<C> = C extends Change ? Omit<C, "senderId" | "username" | "order"> : never;
/** A change as a door reads it; who wants it comes from the token. */
export type Submission = Unsigned<Change>;

interface SubmitParts {
  readonly access: Access;
  readonly pace: Pace;
  readonly committer: Committer;
  readonly members: Pick<Members, "posted">;
  readonly limits: { readonly messageChars: number };
}

/**
 * The one way of a change into a room, from every door: may this person post, is it too long, too fast; then the
 * committer. Answers once: with the ack, or with a refusal (forbidden, invalid, rate_limited, or the committer's).
 */
export function submit(parts: SubmitParts, person: Identity, change: Submission, answer: Answer) {
  const { access, pace, committer, members, limits } = parts;
  if (!access.may(person, change.room, "post")) return answer(new Refusal("forbidden"));
  const fault = "content" in change && textFault(change.content, { max: limits.messageChars });
  if (fault)
    return answer(new Refusal("invalid", { detail: `content ${fault}`, errors: { content: [fault] } }));
  const wait = pace.wait(person.userId);
  if (wait > 0) return answer(new Refusal("rate_limited", { retryAfterMs: wait }));
  committer.submit(sign(change, person), (outcome) => {
    answer(outcome);
    if (!(outcome instanceof Refusal)) members.posted(person.userId, change.room);
  });
}

function sign(change: Submission, { userId: senderId, username }: Identity): Change {
  if (change.kind !== "post") return { ...change, senderId, username };
  // Written out: nearly all are posts, and copying an object of unknown shape costs as much as parsing one.
  const { kind, room, clientId, content, replyTo } = change;
  return { kind, room, senderId, username, clientId, content, replyTo };
}
