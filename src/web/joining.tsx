/** @jsxImportSource hono/jsx/dom */
import { useEffect, useState } from "hono/jsx/dom";
import type { Chat } from "../client/index.ts";
import type { LinkToken } from "./linktoken.ts";
import { hrefOf } from "./place.ts";
import { faultText } from "./words.ts";

interface JoiningProps {
  readonly chat: Chat;
  readonly invited: LinkToken;
  readonly token: string;
}

/** Asks whether to join the room of an invitation link: whoever sent it could have made the choice for the person. */
export function Joining({ chat, invited, token }: JoiningProps) {
  const [problem, setProblem] = useState("");
  const [busy, setBusy] = useState(false);
  useEffect(() => setProblem(""), [token]);
  const join = async () => {
    setBusy(true);
    try {
      const { name } = await chat.redeem(token);
      location.hash = hrefOf({ view: "room", name });
      invited.used();
    } catch (error) {
      setProblem(faultText(error));
    }
    setBusy(false);
  };
  return (
    <main class="blank">
      <h2>You have been invited to a room</h2>
      <p class="alert" role="alert">
        {problem}
      </p>
      <div class="choices">
        <button type="button" onClick={() => invited.used()}>
          Not now
        </button>
        <button type="button" class="main" disabled={busy} onClick={() => void join()}>
          Join
        </button>
      </div>
    </main>
  );
}
