/** @jsxImportSource hono/jsx/dom */
import { useState } from "hono/jsx/dom";
import type { Member, Room } from "../client/index.ts";
import { nameOf, type Me } from "./person.tsx";
import type { RoomLine } from "./rooms.ts";
import { useWork } from "./work.ts";

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
          Leave room
        </button>
      </section>
    );
  return (
    <section>
      <form class="leaving" aria-labelledby="leave-title" onSubmit={confirm}>
        <h3 id="leave-title">
          Leave <bdi>{about.label}</bdi>?
        </h3>
        <p>
          {about.kind === "open"
            ? "The room disappears from your list. You can join it again later."
            : "The room disappears from your list. You can come back only if someone adds you."}
        </p>
        {heirs.length > 0 && (
          <label class="labelled">
            <span>You are its last owner. Who becomes the owner?</span>
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
            Cancel
          </button>
          <button type="submit" class="main" disabled={busy}>
            Leave
          </button>
        </div>
      </form>
    </section>
  );
}
