import { Refusal } from "../errors.ts";
import type { Identity } from "../identity.ts";
import { textFault } from "../protocol/text.ts";
import type { Access } from "./access.ts";
import type { Answer, Committer } from "./committer.ts";
import type { Pace } from "./pace.ts";

interface Submission {
  readonly room: string;
  /** One of our own making where the client brings none, so that our retries cannot double the message. */
  readonly clientId: string;
  readonly content: string;
  readonly replyTo: number | null;
}

interface SubmitParts {
  readonly access: Access;
  readonly pace: Pace;
  readonly committer: Committer;
  readonly limits: { readonly messageChars: number };
}

/**
 * The one way of a message into a room, from every door: may this person post, is it too long, too fast; then the
 * committer. Answers once: with the ack, or with a refusal (forbidden, invalid, rate_limited, or the committer's).
 */
export function submit(parts: SubmitParts, person: Identity, message: Submission, answer: Answer) {
  const { access, pace, committer, limits } = parts;
  if (!access.may(person, message.room, "post")) return answer(new Refusal("forbidden"));
  const fault = textFault(message.content, { max: limits.messageChars });
  if (fault)
    return answer(new Refusal("invalid", { detail: `content ${fault}`, errors: { content: [fault] } }));
  const wait = pace.wait(person.userId);
  if (wait > 0) return answer(new Refusal("rate_limited", { retryAfterMs: wait }));
  committer.submit({ ...message, senderId: person.userId, username: person.username }, answer);
}
