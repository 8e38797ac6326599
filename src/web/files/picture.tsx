/** @jsxImportSource hono/jsx/dom */
import type { FileUrls } from "../../client/index.ts";
import { useRef, useState } from "hono/jsx/dom";
import { useEffect } from "../parts/effect.ts";
import { fileWords } from "../words/files.ts";
import type { Addresses } from "./addresses.ts";
import type { Picture } from "./file.ts";

/** A placeholder is a `data:` URL that the server made. Anything else is not shown. */
const PLACEHOLDER = /^data:image\/\w+;base64,[\w+/=]+$/;

/** Loading: its address, or the picture itself. */
type State = "loading" | "shown" | "failed" | "gone";

/**
 * Finds out where a file can be loaded. If that address fails, because it has ended or the network was away, asks once for
 * another.
 */
export function useAddress(addresses: Addresses, id: string) {
  const [urls, setUrls] = useState<FileUrls | undefined>(() => addresses.known(id));
  const [state, setState] = useState<State>("loading");
  const [attempt, setAttempt] = useState(0);
  const renewed = useRef(false);
  const live = useRef(true);
  const ask = (again: boolean) =>
    void addresses.of(id, again).then(
      (found) => {
        if (!live.current) return;
        setUrls(found);
        setAttempt((count) => count + 1);
        if (!found) setState("gone");
      },
      () => live.current && setState("failed"),
    );
  useEffect(() => {
    live.current = true;
    if (!urls) ask(false);
    return () => void (live.current = false);
  }, [id]);
  return {
    urls,
    state,
    /** Changes with each attempt, so that the same address is loaded again. */
    attempt,
    loaded() {
      renewed.current = false;
      setState("shown");
    },
    error() {
      if (renewed.current) return setState("failed");
      renewed.current = true;
      ask(true);
    },
    again() {
      renewed.current = false;
      setState("loading");
      ask(true);
    },
  };
}

/** A picture of a message. A click opens it in the gallery. */
export function Shown({ file, addresses }: { readonly file: Picture; readonly addresses: Addresses }) {
  const { urls, state, attempt, loaded, error, again } = useAddress(addresses, file.id);
  const { id, name, alt, placeholder } = file;
  const source = urls?.preview ?? urls?.large;
  const blurred = placeholder && PLACEHOLDER.test(placeholder) && state !== "shown";
  if (state === "gone") return <p class="absent">{fileWords.gone}</p>;
  if (state === "failed")
    return (
      <p class="absent">
        {fileWords.failed}{" "}
        <button type="button" class="link" onClick={again}>
          {fileWords.again}
        </button>
      </p>
    );
  return (
    <button
      type="button"
      class="picture"
      data-picture={id}
      aria-haspopup="dialog"
      aria-label={fileWords.open(alt ?? name)}
      style={{ "background-image": blurred ? `url("${placeholder}")` : "none" }}
    >
      {source && (
        <img
          key={attempt}
          class={state === "shown" ? "" : "fading"}
          src={source}
          alt=""
          loading="lazy"
          decoding="async"
          draggable={false}
          onLoad={loaded}
          onError={error}
        />
      )}
      <bdi class="printed">{alt ?? name}</bdi>
    </button>
  );
}
