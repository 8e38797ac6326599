/** @jsxImportSource hono/jsx/dom */
import { useState } from "hono/jsx/dom";
import type { Member, Room } from "../../client/index.ts";
import { nameOf, type Me } from "../parts/person.tsx";
import type { RoomLine } from "./rooms.ts";
import { useWork } from "../parts/work.ts";
import { later } from "../words/later.ts";

interface LeaveRoomProps {
  readonly about: RoomLine;
  readonly me: Me;
  readonly room: Room;
  readonly leave: (heir?: string) => Promise<void>;
}

/** Ends the membership of a room, after a confirmation. The last owner names an heir. */
export function LeaveRoom({ about, me, room, leave }: LeaveRoomProps) {
  const [asked, setAsked] = useState(false);
  const [heirs, setHeirs] = useState<readonly Member[]>([]);
  const { busy, problem, run } = useWork();
  const says = later.leaving;

  const ask = () => {
    setAsked(true);
    if (about.kind !== "private" || about.role !== "owner") return;
    void run(async () => {
      const { items: list } = await room.members.read();
      const isLast = !list.some(({ id, role }) => role === "owner" && id !== me.id);
      setHeirs(isLast ? list.filter(({ id }) => id !== me.id) : []);
    });
  };
  const confirm = (event: Event) => {
    event.preventDefault();
    const heir = new FormData(event.target as HTMLFormElement).get("heir");
    void run(() => leave(heir === null ? undefined : String(heir)));
  };

  if (!asked)
    return (
      <section>
        <button type="button" class="alert" onClick={ask}>
          {says.leaveRoom}
        </button>
      </section>
    );
  return (
    <section>
      <form class="leaving" aria-labelledby="leave-title" onSubmit={confirm}>
        <h3 id="leave-title">{says.title(<bdi>{about.label}</bdi>)}</h3>
        <p>{about.kind === "open" ? says.open : says.private}</p>
        {heirs.length > 0 && (
          <label class="labelled">
            <span>{says.heir}</span>
            <select name="heir">
              {heirs.map((member) => (
                <option key={member.id} value={member.id}>
                  {nameOf({ username: member.username, user: member })}
                </option>
              ))}
            </select>
          </label>
        )}
        <p class="alert" role="alert">
          {problem}
        </p>
        <div class="choices">
          <button type="button" onClick={() => setAsked(false)}>
            {says.cancel}
          </button>
          <button type="submit" class="main" disabled={busy}>
            {says.leave}
          </button>
        </div>
      </form>
    </section>
  );
}
