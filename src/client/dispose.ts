/** `Symbol.asyncDispose` or, in runtimes without it, the symbol that compilers of `await using` look for there. */
export const asyncDispose: typeof Symbol.asyncDispose = /* @__PURE__ */ (() =>
  Symbol.asyncDispose ?? Symbol.for("Symbol.asyncDispose"))() as never;
