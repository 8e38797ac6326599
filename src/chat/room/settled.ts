import { Refusal } from "../../errors.ts";
import type { Ack } from "../change.ts";
import type { Answer } from "./committer.ts";

/** Resolves to the ack of a change, or rejects with its refusal. */
export const settled = (submit: (answer: Answer) => Promise<void> | void): Promise<Ack> =>
  new Promise((resolve, reject) => {
    submit((outcome) => (outcome instanceof Refusal ? reject(outcome) : resolve(outcome)))?.catch(reject);
  });
