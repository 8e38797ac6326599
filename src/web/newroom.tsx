/** @jsxImportSource hono/jsx/dom */
import { useRef, useState } from "hono/jsx/dom";
import type { User } from "../client/index.ts";
import { peopleIn, peopleNear } from "./directory.ts";
import { Icon } from "./icon.tsx";
import type { Me } from "./person.tsx";
import { type Chosen, Picker } from "./picker.tsx";
import { hrefOf } from "./place.ts";
import type { Shared } from "./shared.ts";
import { faultText } from "./words.ts";

interface NewRoomProps extends Shared {
  readonly me: Me;
}

/** The server's limit for a title, in characters. */
const TITLE_MAX = 100;

/** A button and its dialog: a direct conversation with one person, or a private room for several. */
export function NewRoom({ chat, rooms, me }: NewRoomProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [people, setPeople] = useState<readonly User[]>([]);
  const [chosen, setChosen] = useState<readonly Chosen[]>([]);
  const [problem, setProblem] = useState("");
  const [busy, setBusy] = useState(false);
  /** Stays the same while the creation is tried again, so that there are not two rooms. */
  const [clientId, setClientId] = useState("");
  const direct = chosen.length === 1;

  const open = () => {
    setPeople(peopleIn(rooms, me.id));
    void peopleNear({ chat, rooms }, me.id).then(setPeople);
    setChosen([]);
    setProblem("");
    setClientId(crypto.randomUUID());
    dialog.current?.querySelector("form")?.reset();
    dialog.current?.showModal();
  };
  const submit = async (event: Event) => {
    event.preventDefault();
    const title = String(new FormData(event.target as HTMLFormElement).get("title") ?? "").trim();
    if (chosen.length === 0 && title === "")
      return setProblem("Choose who to talk to, or give the room a title.");
    setBusy(true);
    setProblem("");
    try {
      const refs = chosen.map(({ ref }) => ref);
      const { name } = await (direct ? chat.direct(refs) : chat.create({ title, people: refs, clientId }));
      dialog.current?.close();
      location.hash = hrefOf({ view: "room", name });
    } catch (error) {
      setProblem(faultText(error));
    }
    setBusy(false);
  };

  return (
    <div>
      <button
        type="button"
        class="plain"
        aria-label="New conversation"
        title="New conversation"
        onClick={open}
      >
        <Icon name="plus" />
      </button>
      <dialog ref={dialog} class="confirm" aria-labelledby="new-title">
        <form onSubmit={submit}>
          <h2 id="new-title">New conversation</h2>
          <Picker id="new-people" label="With" people={people} chosen={chosen} choose={setChosen} />
          {/* The title is kept while the person changes their choice. */}
          <div class="labelled" hidden={direct}>
            <label for="new-name">Title</label>
            <input
              id="new-name"
              name="title"
              type="text"
              dir="auto"
              autocomplete="off"
              maxlength={TITLE_MAX}
            />
          </div>
          <p class="note" role="status">
            {direct
              ? "A direct conversation: only the two of you, for good."
              : "A private room: nobody finds it, and you decide who is in it."}
          </p>
          <p class="alert" role="alert">
            {problem}
          </p>
          <div class="choices">
            <button type="button" onClick={() => dialog.current?.close()}>
              Cancel
            </button>
            <button type="submit" class="main" disabled={busy}>
              Start
            </button>
          </div>
        </form>
      </dialog>
    </div>
  );
}
