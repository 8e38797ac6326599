/** @jsxImportSource hono/jsx/dom */
import { useRef, useState } from "hono/jsx/dom";
import { useEffect } from "../parts/effect.ts";
import { talkWords } from "../words/talk.ts";
import type { Highlight, Token } from "./highlight.ts";

interface CodeBlockProps {
  /** As it is named after the fence. */
  readonly language: string;
  readonly text: string;
}

/** Set once the first code was shown. */
let highlight: Highlight | undefined;

/** Code in a box of its own, which can be copied. It gets its colours when they are loaded. */
export function CodeBlock({ language, text }: CodeBlockProps) {
  const code = useRef<HTMLElement>(null);
  const [copied, setCopied] = useState(false);
  const [, setLoaded] = useState(highlight !== undefined);
  useEffect(() => {
    let shown = true;
    // Without colours, it is as readable.
    import("./highlight.ts").then(
      (loaded) => {
        highlight = loaded.highlight;
        if (shown) setLoaded(true);
      },
      () => {},
    );
    return () => void (shown = false);
  }, []);
  const copy = async () => {
    if (code.current) setCopied(await copyText(text, code.current));
  };
  const tokens: readonly Token[] = highlight?.(text, language) ?? [text];
  return (
    <div class="code" dir="ltr">
      <div class="code-head">
        {language && <span>{language}</span>}
        <button type="button" class="link" aria-live="polite" onClick={copy} onBlur={() => setCopied(false)}>
          {copied ? talkWords.text.copied : talkWords.text.copy}
        </button>
      </div>
      <pre tabindex={0}>
        <code ref={code}>
          {tokens.map((token) =>
            typeof token === "string" ? token : <span class={token.kind}>{token.text}</span>,
          )}
        </code>
      </pre>
    </div>
  );
}

/** Copies a text. Browsers offer their clipboard only over HTTPS: elsewhere, it copies the element that shows the text. */
async function copyText(text: string, element: Element): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    getSelection()?.selectAllChildren(element);
    return document.execCommand("copy");
  }
}
