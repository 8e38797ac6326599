/** @jsxImportSource hono/jsx/dom */
import { useRef, useState } from "hono/jsx/dom";
import type { Invitation, Room } from "../client/index.ts";
import { Icon } from "./icon.tsx";
import { joinLink } from "./invited.ts";
import { fullTime } from "./time.ts";
import { useWork } from "./work.ts";
import { counted, LIFETIMES } from "./words.ts";

interface InvitationsProps {
  readonly room: Room;
  readonly list: readonly Invitation[];
  readonly reload: () => Promise<void>;
}

/** The links with which people add themselves to a room. */
export function Invitations({ room, list, reload }: InvitationsProps) {
  const field = useRef<HTMLInputElement>(null);
  const [link, setLink] = useState("");
  const [copied, setCopied] = useState("");
  const { busy, problem, run } = useWork();

  const create = (event: Event) => {
    event.preventDefault();
    const lifetime = Number(new FormData(event.target as HTMLFormElement).get("lifetime"));
    void run(async () => {
      const { token } = await room.invite({ expiresIn: lifetime });
      setCopied("");
      setLink(new URL(joinLink(token), location.href).href);
      await reload();
    });
  };
  const copy = async () => {
    field.current?.select();
    // Without the permission, the selected text can be copied by hand.
    await navigator.clipboard?.writeText(link).then(
      () => setCopied("Copied."),
      () => setCopied("Copy the selected text."),
    );
  };

  return (
    <section>
      <h3>Invitation links</h3>
      <p class="alert" role="alert">
        {problem}
      </p>
      {link !== "" && (
        <div class="labelled made">
          <label for="made-link">The new link. It is shown only now.</label>
          <div class="pairing">
            <input ref={field} id="made-link" type="text" readonly value={link} />
            <button type="button" onClick={() => void copy()}>
              Copy
            </button>
          </div>
          <small role="status">{copied}</small>
        </div>
      )}
      <ul class="members">
        {list.map(({ id, by, expiresAt, uses }) => (
          <li key={id}>
            <p>
              <span>
                Works until <time datetime={expiresAt}>{fullTime(expiresAt)}</time>
              </span>
              <small>
                By <bdi>{by.name ?? by.username}</bdi>, used by {counted(uses, "person", "people")}
              </small>
            </p>
            <button
              type="button"
              class="plain alert"
              aria-label={`Revoke the link that works until ${fullTime(expiresAt)}`}
              disabled={busy}
              onClick={() => void run(() => room.revoke(id).then(reload))}
            >
              <Icon name="remove" />
            </button>
          </li>
        ))}
      </ul>
      <form class="pairing" onSubmit={create}>
        <select name="lifetime" aria-label="How long the link works">
          {LIFETIMES.map(([seconds, label]) => (
            <option key={seconds} value={seconds}>
              {label}
            </option>
          ))}
        </select>
        <button type="submit" disabled={busy}>
          Create a link
        </button>
      </form>
    </section>
  );
}
