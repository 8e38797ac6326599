/** @jsxImportSource hono/jsx/dom */
import type { Waiting } from "../../client/index.ts";
import { Avatar } from "../parts/avatar.tsx";
import { asSomeone, type Me, Name } from "../parts/person.tsx";
import { talkWords } from "../words/talk.ts";
import { faultText } from "../words/problems.ts";
import { Unsent } from "../files/unsent.tsx";
import type { Refused } from "./refusals.ts";
import type { Sending } from "./sendings.ts";
import type { Talk } from "./talk.ts";
import { Text } from "../text/text.tsx";

const Head = ({ me }: { readonly me: Me }) => (
  <>
    <Avatar of={asSomeone(me)} />
    <header>
      <Name of={asSomeone(me)} />
    </header>
  </>
);

interface WaitingProps {
  readonly talk: Talk;
  readonly change: Waiting;
  readonly head: boolean;
  readonly me: Me;
}

/** A message of the person that is not committed yet. If it was not even sent, they can take it back. */
export const WaitingRow = ({ talk, change, head, me }: WaitingProps) => (
  <article class={head ? "said waiting head" : "said waiting"}>
    {head && <Head me={me} />}
    <Text content={change.content} />
    <small class="edited">{change.unsent ? talkWords.composer.waiting : talkWords.composer.sending}</small>
    {change.unsent && <Withdraw talk={talk} clientId={change.clientId} />}
  </article>
);

interface SendingProps {
  readonly talk: Talk;
  readonly sending: Sending;
  readonly head: boolean;
  readonly me: Me;
}

/** A message of the person whose files are being uploaded. */
export const SendingRow = ({ talk, sending, head, me }: SendingProps) => (
  <article class={head ? "said waiting head" : "said waiting"}>
    {head && <Head me={me} />}
    {sending.content !== "" && <Text content={sending.content} />}
    <Unsent files={sending.files} sendings={talk.sendings} moving />
    <small class="edited">{talkWords.composer.sending}</small>
    {!sending.sent && <Withdraw talk={talk} clientId={sending.clientId} />}
  </article>
);

const Withdraw = ({ talk, clientId }: { readonly talk: Talk; readonly clientId: string }) => (
  <button type="button" class="link withdraw" onClick={() => talk.withdraw(clientId)}>
    {talkWords.composer.withdraw}
  </button>
);

/** Gives up a message, and the bytes of its files. */
function discard(talk: Talk, refused: Refused): void {
  const { files } = refused;
  if (talk.discard(refused) && files)
    talk.sendings.load().then(
      (outgoing) => outgoing.drop(files),
      () => {},
    );
}

interface RefusedProps {
  readonly talk: Talk;
  readonly refused: Refused;
  readonly head: boolean;
  readonly me: Me;
}

/** A message of the person that was not sent. It stays until they deal with it. */
export const RefusedRow = ({ talk, refused, head, me }: RefusedProps) => (
  <article class={head ? "said refused head" : "said refused"}>
    {head && <Head me={me} />}
    {refused.content !== "" && <Text content={refused.content} />}
    {refused.files && <Unsent files={refused.files} sendings={talk.sendings} moving={false} />}
    <p class="why">
      {refused.edits === undefined
        ? talkWords.composer.notSent(faultText(refused.error))
        : talkWords.composer.notEdited(faultText(refused.error))}{" "}
      <button type="button" class="link" onClick={() => talk.again(refused)}>
        {talkWords.composer.again}
      </button>{" "}
      <button type="button" class="link" onClick={() => talk.edit(refused)}>
        {talkWords.composer.edit}
      </button>{" "}
      <button type="button" class="link" onClick={() => discard(talk, refused)}>
        {talkWords.composer.discard}
      </button>
    </p>
  </article>
);
