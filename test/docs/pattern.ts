/** The values of one transcript's placeholders: `<uuid>` has the same value everywhere. */
export type Bindings = Map<string, unknown>;

/** Known forms. Any other placeholder matches any text or, without quotes, any number. */
const FORMS: Readonly<Record<string, RegExp>> = {
  uuid: /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/,
  timestamp: /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3,6}Z$/,
  epoch: /^[\w-]{1,64}$/,
  token: /^[\w.-]{20,}$/,
};

const WHOLE = /^<([\w' -]+)>$/;

/** Parses a line of JSON in which `<name>` may replace a number, and `"<name>"` a text or a part of one. */
export const patternOf = (line: string): unknown =>
  JSON.parse(line.replaceAll(/([:,[] *)<(\w[\w-]*)>(?=[,\]} ])/g, '$1"<number $2>"'));

/** Describes the first difference between a pattern and a value, with its path. Binds free placeholders. */
export function mismatch(
  pattern: unknown,
  value: unknown,
  bindings: Bindings,
  path = "it",
): string | undefined {
  if (typeof pattern === "string") {
    const name = WHOLE.exec(pattern)?.[1];
    if (name === undefined)
      return fill(pattern, bindings) === value ? undefined : differs(path, pattern, value);
    return bind(name, value, bindings) ? undefined : differs(path, pattern, value);
  }
  if (typeof pattern !== "object" || pattern === null)
    return pattern === value ? undefined : differs(path, pattern, value);
  if (typeof value !== "object" || value === null || Array.isArray(pattern) !== Array.isArray(value))
    return differs(path, pattern, value);
  const [wanted, found] = [Object.keys(pattern), Object.keys(value)];
  const odd = [
    ...wanted.filter((key) => !found.includes(key)),
    ...found.filter((key) => !wanted.includes(key)),
  ];
  if (odd.length > 0) return `${path} should have ${wanted.join(", ")} and has ${found.join(", ")}`;
  for (const key of wanted) {
    const wrong = mismatch(
      (pattern as Record<string, unknown>)[key],
      (value as Record<string, unknown>)[key],
      bindings,
      `${path}.${key}`,
    );
    if (wrong) return wrong;
  }
  return undefined;
}

const differs = (path: string, pattern: unknown, value: unknown) =>
  `${path} should be ${JSON.stringify(pattern)} and is ${JSON.stringify(value)}`;

function bind(name: string, value: unknown, bindings: Bindings): boolean {
  if (bindings.has(name)) return Bun.deepEquals(bindings.get(name), value);
  const form = FORMS[name.replace(/-\d+$/, "")];
  const fits = name.startsWith("number ")
    ? typeof value === "number"
    : name === "budgets"
      ? typeof value === "object"
      : typeof value === "string" && (form?.test(value) ?? true);
  if (fits) bindings.set(name, value);
  return fits;
}

/** Replaces bound placeholders by their values. A free `<uuid>` is bound to a new one. */
export function fill(text: string, bindings: Bindings): string {
  return text.replaceAll(/<([\w' -]+)>/g, (whole, name: string) => {
    if (!bindings.has(name) && /^uuid(-\d+)?$/.test(name)) bindings.set(name, crypto.randomUUID());
    return bindings.has(name) ? String(bindings.get(name)) : whole;
  });
}
