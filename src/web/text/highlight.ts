/** A piece of code: plain, or of a class that has a colour. */
export type Token = string | { readonly kind: Kind; readonly text: string };
type Kind = "comment" | "string" | "number" | "keyword" | "added" | "removed";
export type Highlight = (code: string, language: string) => readonly Token[];

/** More elements would slow the page down. The rest stays plain. */
const TOKENS_MAX = 1000;

const words = (list: string) => new Set(list.split(" "));
/** The keywords of common languages together: which language has which makes no difference that a reader sees. */
const KEYWORDS = words(
  "False None String True abstract and as assert async await begin bool boolean break byte case catch chan char class const continue crate def default defer defined del delete do double dyn elif else elsif end enum except export extends extern f32 f64 false final finally float fn for from fun func function global go goto guard i32 i64 i8 if impl implements import in instanceof int interface internal lambda let lock long match mod move mut never new next nil nonlocal not null nullptr number open or package pass private protected pub public raise readonly repeat require rescue return select self short signed sizeof static str string struct super switch then this throw throws trait true try type typedef typename typeof u32 u64 u8 uint undef undefined unknown unless unsafe unsigned until use using usize val var virtual void where while with yield",
);
const SHELL = words(
  "alias apt awk bash break case cat cd chmod chown continue cp curl do docker done echo elif else esac eval exec exit export false fi find for function git grep if in kill local ls mkdir mv npm npx bun printf pwd read return rm sed set shift source ssh sudo tar test then touch trap true unset until wget while",
);
const SQL = words(
  "add all alter and any as asc begin between bigint boolean by cascade case check column commit constraint count create cross date default delete desc distinct drop else end exists explain false foreign from full group having if in index inner insert int integer into is join key left like limit not null numeric offset on or order outer over partition primary references returning right rollback row rows select serial set sum table text then timestamp timestamptz transaction true union unique update using values varchar view when where window with",
);
const NONE = words("");

const SLASHES = String.raw`\/\/[^\n]*|\/\*[^]*?(?:\*\/|$)`;
const HASH = String.raw`(?<![^\s;])#[^\n]*`;
const DASHES = String.raw`--[^\n]*|\/\*[^]*?(?:\*\/|$)`;
const QUOTED = String.raw`"(?:\\.|[^"\\\n])*"?|'(?:\\.|[^'\\\n])*'?`;
const TEMPLATE = "|`(?:\\\\[^]|[^`\\\\])*`?";
const TRIPLE = String.raw`"""[^]*?(?:"""|$)|'''[^]*?(?:'''|$)|`;
/** Apostrophes are quotation marks of one letter, or begin a lifetime. */
const RUST = String.raw`"(?:\\[^]|[^"\\])*"?|'(?:\\.|[^'\\\n])'`;
const NUMBER = String.raw`\b(?:0[xob][\da-f_]+|\d[\d_]*(?:\.\d+)?(?:e[+-]?\d+)?)[a-z%]*`;
const WORD = String.raw`[\p{L}_$][\p{L}\p{N}_$]*`;

interface Grammar {
  readonly pattern: RegExp;
  readonly keywords: ReadonlySet<string>;
}
const grammar = (comments: string, strings: string, keywords: ReadonlySet<string>): Grammar => ({
  pattern: new RegExp(
    `(?<comment>${comments})|(?<string>${strings})|(?<number>${NUMBER})|(?<keyword>${WORD})`,
    "giu",
  ),
  keywords,
});

const MARKUP: Grammar = {
  pattern:
    /(?<comment><!--[^]*?(?:-->|$))|(?<keyword><\/?[a-z][\w:.-]*|\/?>)|(?<string>(?<==)(?:"[^"]*"?|'[^']*'?))|(?<number>&#?\w{1,31};)/giu,
  keywords: NONE,
};
const CSS: Grammar = {
  pattern:
    /(?<comment>\/\*[^]*?(?:\*\/|$))|(?<string>"[^"\n]*"?|'[^'\n]*'?)|(?<number>#[\da-f]{3,8}\b|(?<![\w-])-?\d*\.?\d+(?:%|[a-z]+)?)|(?<keyword>@[\w-]+|!important|[\w-]+(?=\s?:\s))|[\w-]+/giu,
  keywords: NONE,
};
const DIFF: Grammar = {
  pattern: /^(?:(?<added>\+.*)|(?<removed>-.*)|(?<comment>(?:@@|diff |index ).*))$/gmu,
  keywords: NONE,
};
const YAML: Grammar = {
  pattern: new RegExp(
    `(?<comment>${HASH})|(?<string>${QUOTED})|(?<keyword>(?<=^|[ \\t-])\\w[\\w.\\/-]*(?=\\s?[:=](?:\\s|$))|^\\[.*\\]$)|(?<number>(?<![\\w.-])-?\\d+(?:\\.\\d+)?\\b(?![.:-]))|[\\w.\\/-]+`,
    "gmu",
  ),
  keywords: NONE,
};

const GRAMMARS: Readonly<Record<string, Grammar>> = {
  "js jsx ts tsx javascript typescript mjs cjs json json5 jsonc": grammar(
    SLASHES,
    QUOTED + TEMPLATE,
    KEYWORDS,
  ),
  "py python": grammar(HASH, TRIPLE + QUOTED, KEYWORDS),
  "sh bash shell zsh console fish dockerfile docker make makefile": grammar(HASH, QUOTED, SHELL),
  "sql psql postgres mysql sqlite": grammar(DASHES, QUOTED, SQL),
  "html xml svg vue svelte": MARKUP,
  "css scss less": CSS,
  "go golang java kotlin kt c h cpp c++ cs csharp php swift dart scala zig proto": grammar(
    SLASHES,
    QUOTED + TEMPLATE,
    KEYWORDS,
  ),
  "rust rs": grammar(SLASHES, RUST, KEYWORDS),
  "rb ruby elixir ex lua": grammar(`${HASH}|--[^\\n]*`, QUOTED, KEYWORDS),
  "diff patch": DIFF,
  "yaml yml toml ini env conf properties": YAML,
};
const BY_NAME = new Map(
  Object.entries(GRAMMARS).flatMap(([names, grammar]) =>
    names.split(" ").map((name) => [name, grammar] as const),
  ),
);

/** Splits code into words, numbers, strings and comments. It knows no syntax, so it is right mostly, and fast always. */
export const highlight: Highlight = (code, language) => {
  const { pattern, keywords } = BY_NAME.get(language.toLowerCase()) ?? {};
  if (!pattern || !keywords) return [code];
  const tokens: Token[] = [];
  let at = 0;
  let left = TOKENS_MAX;
  for (const { 0: text, index, groups = {} } of code.matchAll(pattern)) {
    const kind = Object.keys(groups).find((name) => groups[name] !== undefined) as Kind;
    if (
      kind === "keyword" &&
      keywords.size > 1 &&
      !keywords.has(keywords === SQL ? text.toLowerCase() : text)
    )
      continue;
    if (left-- === 0) break;
    if (index > at) tokens.push(code.slice(at, index));
    tokens.push({ kind, text });
    at = index + text.length;
  }
  if (at < code.length) tokens.push(code.slice(at));
  return tokens;
};
