import { Refusal } from "../../errors.ts";
import type { Submit } from "../access/submit.ts";
import type { CommandHandler, Reply } from "../codecs/command.ts";
import type { Pass } from "../pass.ts";
import type { Revision } from "../change.ts";

interface Parts {
  readonly submit: Submit;
}

/** Changes the text of one's own message. */
export const edit = ({ submit }: Parts): CommandHandler<"edit"> => ({
  action: "post",
  cost: { budget: "messages" },
  run: ({ pass, command: { clientId, id, content, data }, reply }) =>
    amend(submit, pass, { kind: "edit", clientId, id, content, data }, reply),
});

/** Deletes one's own message, which leaves a tombstone. */
export const remove = ({ submit }: Parts): CommandHandler<"delete"> => ({
  action: "post",
  cost: { budget: "messages" },
  run: ({ pass, command: { clientId, id }, reply }) =>
    amend(submit, pass, { kind: "delete", clientId, id }, reply),
});

/** Adds a reaction, or takes it back. */
export const react = ({ submit }: Parts): CommandHandler<"react"> => ({
  action: "post",
  cost: { budget: "messages" },
  run: ({ pass, command: { clientId, id, emoji, on }, reply }) =>
    amend(submit, pass, { kind: "react", clientId, id, emoji, on }, reply),
});

const amend = (submit: Submit, pass: Pass<"post">, revision: Revision, reply: Reply) =>
  submit(pass, revision, (outcome) => {
    if (outcome instanceof Refusal) return reply.refuse(outcome);
    const { id, version, duplicate } = outcome;
    reply.ok({ id, version, ...(duplicate && { duplicate }) });
  });
