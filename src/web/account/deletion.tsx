/** @jsxImportSource hono/jsx/dom */
import type { Account, Chat } from "../../client/index.ts";
import { useDialog } from "../page/layers.ts";
import { request } from "./requests.ts";
import { useWork } from "../parts/work.ts";
import { later } from "../words/later.ts";

interface DeletionProps {
  readonly chat: Chat;
  readonly person: Account;
  readonly close: () => void;
}

/** Says what the deletion of the account means, and deletes it if the person gives their password. */
export function Deletion({ chat, person, close }: DeletionProps) {
  const dialog = useDialog();
  const { busy, problem, run } = useWork();
  const says = later.account;
  const submit = (event: Event) => {
    event.preventDefault();
    const password = String(new FormData(event.target as HTMLFormElement).get("password"));
    void run(async () => {
      await request(chat, "DELETE", "/account/me/", { body: { password } });
      // The session has ended with the account.
      await chat.logout().catch(() => {});
    });
  };
  return (
    <dialog ref={dialog} class="confirm details" aria-labelledby="deletion-title" onClose={close}>
      <form class="deletion" onSubmit={submit}>
        <h2 id="deletion-title">{says.deleteQuestion}</h2>
        <ul>
          {says.consequences.map((consequence) => (
            <li key={consequence}>{consequence}</li>
          ))}
        </ul>
        <input type="hidden" name="username" autocomplete="username" value={person.email} />
        <div class="labelled">
          <label for="deletion-password">{says.password}</label>
          <input
            id="deletion-password"
            name="password"
            type="password"
            autocomplete="current-password"
            required
          />
        </div>
        <p class="alert" role="alert">
          {problem}
        </p>
        <div class="choices">
          <button type="button" onClick={() => dialog.current?.close()}>
            {says.keep}
          </button>
          <button type="submit" class="alert" disabled={busy}>
            {says.deleteNow}
          </button>
        </div>
      </form>
    </dialog>
  );
}
