/** @jsxImportSource hono/jsx/dom */
import { type FC, useState } from "hono/jsx/dom";
import { useEffect } from "./effect.ts";
import { loadSheet } from "./sheet.ts";
import { words } from "../words/language.ts";

type State<P> = { readonly part?: FC<P>; readonly failed?: true };

/**
 * Returns a component whose code and style sheets are loaded when it is first shown, so that the page starts sooner. It shows
 * nothing until then. If something cannot be loaded (no network, or a newer server with other files), it offers to try again.
 */
export function lazy<P extends object>(
  load: () => Promise<FC<P>>,
  ...sheets: readonly string[]
): FC<P> & { readonly preload: () => Promise<FC<P>> } {
  let loaded: FC<P> | undefined;
  /** After this, the component is shown at once. */
  const preload = async () => (loaded = (await Promise.all([load(), ...sheets.map(loadSheet)]))[0]);
  const component = (props: P) => {
    const [{ part: Part, failed }, setState] = useState<State<P>>(loaded ? { part: loaded } : {});
    const start = () => {
      setState({});
      preload().then(
        (part) => setState({ part }),
        () => setState({ failed: true }),
      );
    };
    useEffect(() => {
      if (!Part) start();
    }, []);
    if (Part) return <Part {...props} />;
    if (!failed) return null;
    return (
      <p class="blank" role="alert">
        {words.parts.notLoaded}{" "}
        <button type="button" class="link" onClick={() => location.reload()}>
          {words.parts.reload}
        </button>
      </p>
    );
  };
  return Object.assign(component, { preload });
}
