type Forms = Partial<Record<Intl.LDMLPluralRule, string>> & { readonly other: string };

/** Returns what the sentences of a language are built with. `language` is a BCP 47 tag. */
export function phrases(language: string) {
  const rules = new Intl.PluralRules(language);
  const numbers = new Intl.NumberFormat(language);
  const lists = new Intl.ListFormat(language, { type: "conjunction" });
  /** Lists items that are more than text, such as elements. */
  function listOf<T>(items: readonly T[]): (T | string)[] {
    let next = 0;
    const parts = lists.formatToParts(items.map(() => "-"));
    return parts.map(({ type, value }) => (type === "element" ? (items[next++] as T) : value));
  }
  return {
    /** Returns the form for a count, with the count in place of each `#`: `plural(2, { one: "# day", other: "# days" })`. */
    plural: (count: number, forms: Forms): string =>
      (forms[rules.select(count)] ?? forms.other).replaceAll("#", numbers.format(count)),
    /** A number with the language's digits and separators. */
    number: (value: number): string => numbers.format(value),
    /** "Ada", "Ada and Ben", "Ada, Ben and Cid". */
    list: (items: readonly string[]): string => lists.format(items),
    listOf,
    /** Lists at most `most` items, and the number of the others: "Ada, Ben and 3 others". */
    fewOf<T>(items: readonly T[], most: number, others: (count: number) => string): (T | string)[] {
      if (items.length <= most) return listOf(items);
      return listOf<T | string>([...items.slice(0, most - 1), others(items.length - most + 1)]);
    },
  };
}
