/** @jsxImportSource hono/jsx/dom */
import { useLayoutEffect, useRef } from "hono/jsx/dom";
import type { Room } from "../client/index.ts";
import { useWork } from "./work.ts";

interface ReportingProps {
  readonly room: Room;
  readonly id: number;
  readonly close: () => void;
}

/** The server's limit for a reason, in characters. */
const REASON_MAX = 500;

/** The dialog in which a person says why they report a message. */
export function Reporting({ room, id, close }: ReportingProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const { busy, problem, run } = useWork();
  useLayoutEffect(() => {
    if (!dialog.current?.open) dialog.current?.showModal();
  }, []);
  const submit = (event: Event) => {
    event.preventDefault();
    const reason = String(new FormData(event.target as HTMLFormElement).get("reason")).trim();
    void run(async () => {
      await room.report(id, reason);
      dialog.current?.close();
    });
  };
  return (
    <dialog ref={dialog} class="confirm" aria-labelledby="report-title" onClose={close}>
      <form onSubmit={submit}>
        <h2 id="report-title">Report this message</h2>
        <p>The moderators of the room see the message as it is now, your name and your reason.</p>
        <div class="labelled">
          <label for="report-reason">Reason</label>
          <input
            id="report-reason"
            name="reason"
            type="text"
            dir="auto"
            autocomplete="off"
            required
            maxlength={REASON_MAX}
          />
        </div>
        <p class="alert" role="alert">
          {problem}
        </p>
        <div class="choices">
          <button type="button" onClick={() => dialog.current?.close()}>
            Cancel
          </button>
          <button type="submit" class="main" disabled={busy}>
            Report
          </button>
        </div>
      </form>
    </dialog>
  );
}
