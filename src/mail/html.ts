/** A part of a mail. Texts are as people wrote them: this escapes them. */
export type Block =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "heading"; readonly text: string; readonly href?: string }
  /** What somebody wrote. */
  | { readonly kind: "quote"; readonly who: string; readonly text: string }
  | { readonly kind: "button"; readonly text: string; readonly href: string }
  /** What is at the end, smaller. */
  | { readonly kind: "note"; readonly text: string; readonly href?: string };

const ESCAPES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};
/** What turns the direction of a text stays within it. */
const CONTROLS = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

const clean = (text: string) => text.replace(/\r\n?/g, "\n").replace(CONTROLS, "");
const escaped = (text: string) => clean(text).replace(/[&<>"']/g, (found) => ESCAPES[found] ?? "");
const lines = (text: string) => escaped(text).replaceAll("\n", "<br>");
const oneLine = (text: string) => clean(text).replace(/\s+/g, " ").trim();

/** Returns a mail as plain text. */
export function plainText(blocks: readonly Block[]): string {
  const parts = blocks.map((block) => {
    switch (block.kind) {
      case "text":
        return clean(block.text);
      case "heading":
        return `${oneLine(block.text)}${block.href ? `\n${block.href}` : ""}`;
      case "quote":
        return `${oneLine(block.who)}${block.text ? `:\n${indented(clean(block.text))}` : ""}`;
      case "button":
        return `${block.text}:\n${block.href}`;
      case "note":
        return `${clean(block.text)}${block.href ? `\n${block.href}` : ""}`;
    }
  });
  return `${parts.join("\n\n")}\n`;
}

const indented = (text: string) =>
  text
    .split("\n")
    .map((line) => `> ${line}`)
    .join("\n");

/** Returns a mail as HTML without pictures, scripts and anything that is loaded, in the reader's colours. */
export function htmlText(title: string, blocks: readonly Block[]): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<title>${escaped(oneLine(title))}</title>
</head>
<body style="margin:0;padding:16px;font:16px/1.5 sans-serif">
<div style="max-width:36em;margin:0 auto">
${blocks.map(htmlOf).join("\n")}
</div>
</body>
</html>
`;
}

function htmlOf(block: Block): string {
  switch (block.kind) {
    case "text":
      return `<p>${lines(block.text)}</p>`;
    case "heading": {
      const text = `<bdi>${escaped(oneLine(block.text))}</bdi>`;
      return `<h2 style="font-size:18px;margin:24px 0 8px">${block.href ? link(block.href, text) : text}</h2>`;
    }
    case "quote":
      return `<blockquote style="margin:0 0 12px;padding:0 0 0 12px;border-left:3px solid #888"><strong><bdi>${escaped(oneLine(block.who))}</bdi></strong>${block.text ? `<br><bdi>${lines(block.text)}</bdi>` : ""}</blockquote>`;
    case "button":
      return `<p>${link(block.href, escaped(block.text))}</p>`;
    case "note":
      return `<p style="font-size:14px">${block.href ? `${lines(block.text)} ${link(block.href, escaped(block.href))}` : lines(block.text)}</p>`;
  }
}

const link = (href: string, html: string) => `<a href="${escaped(href)}">${html}</a>`;
