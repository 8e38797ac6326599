/** @jsxImportSource hono/jsx/dom */
import type { Room, RoomSummary, User } from "../../client/index.ts";
import type { Talk } from "../composer/talk.ts";
import { useLatest } from "../parts/latest.ts";
import { nameOf } from "../parts/person.tsx";
import { useWork } from "../parts/work.ts";
import { rightsIn } from "../rooms/may.ts";
import { later } from "../words/later.ts";

interface AskingProps {
  readonly talk: Talk;
  readonly about: RoomSummary | undefined;
}

/** What the composer asks and says about mentions: whether to notify everyone, and whom a message did not reach. */
export function Asking({ talk, about }: AskingProps) {
  const { asking, unreached } = useLatest(talk);
  const says = later.mentions;
  if (asking) {
    const { members } = talk.addressing.known;
    return (
      <div class="asking" role="alertdialog" aria-label={says.everyone}>
        <p>{members ? says.confirm(members.count, members.more) : says.confirmUnknown}</p>
        <button type="button" class="link" onClick={() => talk.answer(true)}>
          {says.notify}
        </button>{" "}
        <button type="button" class="link" onClick={() => talk.answer(false)}>
          {says.quietly}
        </button>{" "}
        <button type="button" class="link" onClick={() => talk.answer(undefined)}>
          {says.cancel}
        </button>
      </div>
    );
  }
  return unreached.length > 0 ? <Unreached talk={talk} about={about} ids={unreached} /> : null;
}

interface UnreachedProps extends AskingProps {
  readonly ids: readonly string[];
}

function Unreached({ talk, about, ids }: UnreachedProps) {
  const { busy, problem, run } = useWork();
  const says = later.mentions;
  const known = new Map([...talk.addressing.known.people().values()].map((user) => [user.id, user]));
  const names = ids.map((id) => nameOfUser(known.get(id)) ?? id);
  const adds = about !== undefined && mayAdd(about);
  const add = () =>
    void run(async () => {
      for (const id of ids) await addTo(talk.room, id);
      talk.reached();
    });
  return (
    <div class="asking" role="status">
      <p>{says.unreached(names)}</p>
      {adds && (
        <button type="button" class="link" disabled={busy} onClick={add}>
          {says.add}
        </button>
      )}{" "}
      <button type="button" class="link" onClick={talk.reached}>
        {says.dismiss}
      </button>
      {problem && <p class="alert">{says.added(problem)}</p>}
    </div>
  );
}

const nameOfUser = (user: User | undefined) => user && nameOf({ username: user.username, user });
const addTo = (room: Room, id: string) => room.add(id);
const mayAdd = (about: RoomSummary) =>
  about.kind === "private" && (rightsIn(about).moderate || about.membersAdd);
