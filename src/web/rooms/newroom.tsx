/** @jsxImportSource hono/jsx/dom */
import { useState } from "hono/jsx/dom";
import { useEffect } from "../parts/effect.ts";
import type { User } from "../../client/index.ts";
import { peopleIn, peopleNear } from "../parts/directory.ts";
import { useDialog } from "../page/layers.ts";
import type { Me } from "../parts/person.tsx";
import { type Chosen, Picker } from "../parts/picker.tsx";
import { hrefOf } from "../page/place.ts";
import type { Shared } from "../page/shared.ts";
import { later } from "../words/later.ts";
import { faultText } from "../words/problems.ts";

interface NewRoomProps extends Shared {
  readonly me: Me;
  readonly close: () => void;
}

/** The server's limit for a title, in characters. */
const TITLE_MAX = 100;

/** The dialog that starts a direct conversation with one person, or a private room for several. */
export function NewRoom({ chat, rooms, me, close }: NewRoomProps) {
  const dialog = useDialog();
  const [people, setPeople] = useState<readonly User[]>(() => peopleIn(rooms, me.id));
  const [chosen, setChosen] = useState<readonly Chosen[]>([]);
  const [problem, setProblem] = useState("");
  const [busy, setBusy] = useState(false);
  /** Stays the same while the creation is tried again, so that there are not two rooms. */
  const [clientId] = useState(() => crypto.randomUUID());
  const direct = chosen.length === 1;
  const says = later.newRoom;

  useEffect(() => void peopleNear({ chat, rooms }, me.id).then(setPeople), []);

  const submit = async (event: Event) => {
    event.preventDefault();
    const title = String(new FormData(event.target as HTMLFormElement).get("title") ?? "").trim();
    if (chosen.length === 0 && title === "") return setProblem(says.nobody);
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
      <dialog ref={dialog} class="confirm" aria-labelledby="new-title" onClose={close}>
        <form onSubmit={submit}>
          <h2 id="new-title">{says.title}</h2>
          <Picker id="new-people" label={says.with} people={people} chosen={chosen} choose={setChosen} />
          {/* The title is kept while the person changes their choice. */}
          <div class="labelled" hidden={direct}>
            <label for="new-name">{says.name}</label>
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
            {direct ? says.direct : says.private}
          </p>
          <p class="alert" role="alert">
            {problem}
          </p>
          <div class="choices">
            <button type="button" onClick={() => dialog.current?.close()}>
              {says.cancel}
            </button>
            <button type="submit" class="main" disabled={busy}>
              {says.start}
            </button>
          </div>
        </form>
      </dialog>
    </div>
  );
}
