import { Refusal } from "../../errors.ts";
import type { Ack } from "../change.ts";
import type { Answer } from "./committer.ts";

/** Resolves to the ack of a submission, or rejects with its refusal. */
export const settled = (submit: (answer: Answer) => void): Promise<Ack> =>
  new Promise((resolve, reject) =>
    submit((outcome) => (outcome instanceof Refusal ? reject(outcome) : resolve(outcome))),
  );
