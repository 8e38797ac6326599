/** @jsxImportSource hono/jsx/dom */
import { useState } from "hono/jsx/dom";
import { type Chat, ChatError } from "../client/index.ts";

interface Problem {
  readonly text: string;
  readonly fields: Readonly<Record<string, readonly string[]>>;
}

/** The form for signing in and signing up. `why` explains why the last session ended. */
export function Sign({ chat, why }: { readonly chat: Chat; readonly why: string | undefined }) {
  const [isNew, setNew] = useState(false);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem | undefined>(undefined);

  const submit = async (event: Event) => {
    event.preventDefault();
    const form = new FormData(event.target as HTMLFormElement);
    const value = (name: string) => String(form.get(name) ?? "");
    const who = { email: value("email").trim(), password: value("password") };
    const username = value("username").trim();
    setBusy(true);
    setProblem(undefined);
    try {
      await (isNew ? chat.register({ ...who, ...(username && { username }) }) : chat.login(who));
    } catch (error) {
      setProblem(problemOf(error));
    }
    setBusy(false);
  };

  const field = (name: string, label: string, type: string, autocomplete: string, hint = "") => {
    const wrong = problem?.fields[name]?.[0];
    return (
      <div class="labelled" key={name}>
        <label for={name}>{label}</label>
        <input
          id={name}
          name={name}
          type={type}
          autocomplete={autocomplete}
          dir="auto"
          required={name !== "username"}
          aria-invalid={wrong ? "true" : undefined}
          aria-describedby={`${name}-hint`}
        />
        <small id={`${name}-hint`} class={wrong ? "alert" : undefined}>
          {wrong ? `It ${wrong}.` : hint}
        </small>
      </div>
    );
  };

  return (
    <main class="sign">
      <form onSubmit={submit}>
        <h1 class="brand">Parley</h1>
        <p class="lead">{isNew ? "Create an account." : "Sign in to chat."}</p>
        <p class="alert" role="alert">
          {problem?.text ?? (why && !isNew ? why : "")}
        </p>
        {field("email", "Email", "email", "username")}
        {isNew &&
          field(
            "username",
            "Name",
            "text",
            "nickname",
            "Shown to others. If empty, it is derived from your email.",
          )}
        {field(
          "password",
          "Password",
          "password",
          isNew ? "new-password" : "current-password",
          isNew ? "At least 8 characters, such as a few words." : "",
        )}
        <button type="submit" class="main" disabled={busy}>
          {isNew ? "Sign up" : "Sign in"}
        </button>
        <p class="other">
          {isNew ? "Already have an account?" : "New here?"}{" "}
          <button
            type="button"
            class="link"
            onClick={() => {
              setNew(!isNew);
              setProblem(undefined);
            }}
          >
            {isNew ? "Sign in" : "Create an account"}
          </button>
        </p>
      </form>
    </main>
  );
}

function problemOf(error: unknown): Problem {
  if (!(error instanceof ChatError)) return { text: String(error), fields: {} };
  const fields = error.errors ?? {};
  // The errors of the fields say more than the general message.
  return { text: error.code === "invalid" && error.errors ? "" : error.message, fields };
}
