/** @jsxImportSource hono/jsx/dom */
import type { Waiting } from "../client/index.ts";
import { Avatar } from "./avatar.tsx";
import { asSomeone, type Me, Name } from "./person.tsx";
import type { Refused, Talk } from "./talk.ts";
import { Text } from "./text.tsx";

const Head = ({ me }: { readonly me: Me }) => (
  <>
    <Avatar of={asSomeone(me)} />
    <header>
      <Name of={asSomeone(me)} />
    </header>
  </>
);

interface WaitingProps {
  readonly change: Waiting;
  readonly head: boolean;
  readonly me: Me;
}

/** A message of the person that is not committed yet. */
export const WaitingRow = ({ change, head, me }: WaitingProps) => (
  <article class={head ? "said waiting head" : "said waiting"}>
    {head && <Head me={me} />}
    <Text content={change.content} />
    <small class="edited">sending…</small>
  </article>
);

interface RefusedProps {
  readonly talk: Talk;
  readonly refused: Refused;
  readonly head: boolean;
  readonly me: Me;
}

/** A message of the person that the server refused. */
export const RefusedRow = ({ talk, refused, head, me }: RefusedProps) => (
  <article class={head ? "said refused head" : "said refused"}>
    {head && <Head me={me} />}
    <Text content={refused.content} />
    <p class="why">
      Not sent: {refused.why}{" "}
      <button type="button" class="link" onClick={() => talk.again(refused)}>
        Try again
      </button>{" "}
      <button type="button" class="link" onClick={() => talk.rewrite(refused)}>
        Edit
      </button>{" "}
      <button type="button" class="link" onClick={() => talk.discard(refused)}>
        Discard
      </button>
    </p>
  </article>
);
