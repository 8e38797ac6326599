import { Refusal } from "../../errors.ts";
import { textFault } from "../../protocol/text.ts";
import type { Pass } from "../pass.ts";
import { sign, type Submission } from "../change.ts";
import type { Answer, Committer } from "../room/committer.ts";
import type { Pace } from "./pace.ts";

/**
 * The only way into a room for a change, whichever transport brings it. Checks its length and its sender's rate, then
 * hands it to the committer. Calls `answer` once, with the ack or a refusal: `invalid`, `rate_limited` or the
 * committer's.
 */
export type Submit = (pass: Pass<"post">, submission: Submission, answer: Answer) => void;

interface SubmitParts {
  readonly pace: Pace;
  readonly committer: Pick<Committer, "submit">;
  /** The longest message, in characters. */
  readonly messageChars: number;
}

export const createSubmit =
  ({ pace, committer, messageChars }: SubmitParts): Submit =>
  ({ person, room }, submission, answer) => {
    const fault = "content" in submission && textFault(submission.content, { max: messageChars });
    if (fault)
      return answer(new Refusal("invalid", { detail: `content ${fault}`, errors: { content: [fault] } }));
    const wait = pace.wait(person.userId);
    if (wait > 0) return answer(new Refusal("rate_limited", { retryAfterMs: wait }));
    committer.submit(sign(submission, room, person), answer);
  };
