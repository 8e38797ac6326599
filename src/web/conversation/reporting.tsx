/** @jsxImportSource hono/jsx/dom */
import type { Room } from "../../client/index.ts";
import { useDialog } from "../page/layers.ts";
import { useWork } from "../parts/work.ts";
import { later } from "../words/later.ts";

interface ReportingProps {
  readonly room: Room;
  readonly id: number;
  readonly close: () => void;
}

/** The server's limit for a reason, in characters. */
const REASON_MAX = 500;

/** The dialog in which a person says why they report a message. */
export function Reporting({ room, id, close }: ReportingProps) {
  const dialog = useDialog();
  const { busy, problem, run } = useWork();
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
        <h2 id="report-title">{later.reporting.title}</h2>
        <p>{later.reporting.about}</p>
        <div class="labelled">
          <label for="report-reason">{later.reporting.reason}</label>
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
            {later.reporting.cancel}
          </button>
          <button type="submit" class="main" disabled={busy}>
            {later.reporting.report}
          </button>
        </div>
      </form>
    </dialog>
  );
}
