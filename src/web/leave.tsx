/** @jsxImportSource hono/jsx/dom */
import { useRef, useState } from "hono/jsx/dom";
import { Icon } from "./icon.tsx";

interface LeaveRoomProps {
  readonly name: string;
  readonly leave: () => Promise<void>;
}

/** A button that ends the membership of a room, after a confirmation. */
export function LeaveRoom({ name, leave }: LeaveRoomProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState("");
  const confirm = async () => {
    setBusy(true);
    try {
      await leave();
      dialog.current?.close();
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
    }
    setBusy(false);
  };
  const open = () => {
    setProblem("");
    dialog.current?.showModal();
  };

  return (
    <>
      <button type="button" class="plain" aria-label="Leave room" title="Leave room" onClick={open}>
        <Icon name="leave" />
      </button>
      <dialog ref={dialog} class="confirm" aria-labelledby="leave-title" aria-describedby="leave-about">
        <h2 id="leave-title">
          Leave <bdi>{name}</bdi>?
        </h2>
        <p id="leave-about">The room disappears from your list. You can join it again later.</p>
        <p class="alert" role="alert">
          {problem}
        </p>
        <div class="choices">
          <button type="button" onClick={() => dialog.current?.close()}>
            Cancel
          </button>
          <button type="button" class="main" disabled={busy} onClick={() => void confirm()}>
            Leave
          </button>
        </div>
      </dialog>
    </>
  );
}
