/** @jsxImportSource hono/jsx/dom */
import { useState } from "hono/jsx/dom";
import type { Account, Chat } from "../../client/index.ts";
import { request } from "./requests.ts";
import { useWork } from "../parts/work.ts";
import { later } from "../words/later.ts";

interface PasswordProps {
  readonly chat: Chat;
  readonly person: Account;
}

/** Changes the password, which signs out the other devices. */
export function Password({ chat, person }: PasswordProps) {
  const [changed, setChanged] = useState(false);
  const { busy, problem, run } = useWork();
  const says = later.account;
  const submit = async (event: Event) => {
    event.preventDefault();
    const form = event.target as HTMLFormElement;
    const given = new FormData(form);
    const [password, next] = [String(given.get("password")), String(given.get("new"))];
    setChanged(false);
    const ok = await run(async () => {
      await request(chat, "POST", "/account/password/", { body: { password, new: next, new2: next } });
      form.reset();
      await chat.sessions.endOthers().catch(() => {}); // so that the list says so
    });
    setChanged(ok);
  };
  const field = (name: string, label: string, autocomplete: string, hint?: string) => (
    <div class="labelled" key={name}>
      <label for={`password-${name}`}>{label}</label>
      <input
        id={`password-${name}`}
        name={name}
        type="password"
        autocomplete={autocomplete}
        required
        aria-describedby={hint && `password-${name}-hint`}
      />
      {hint && <small id={`password-${name}-hint`}>{hint}</small>}
    </div>
  );
  return (
    <form class="password" onSubmit={submit}>
      {/* For password managers. */}
      <input type="hidden" name="username" autocomplete="username" value={person.email} />
      {field("password", says.currentPassword, "current-password")}
      {field("new", says.newPassword, "new-password", later.sign.passwordHint)}
      <button type="submit" disabled={busy}>
        {says.changePassword}
      </button>
      <p class={problem ? "alert" : "note"} role={problem ? "alert" : "status"}>
        {problem || (changed ? says.passwordChanged : "")}
      </p>
    </form>
  );
}
