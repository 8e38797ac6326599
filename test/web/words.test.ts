import { expect, test } from "bun:test";
import { ChatError } from "../../src/client/index.ts";
import { ERRORS } from "../../src/protocol/codes.ts";
import { en } from "../../src/web/words/en.ts";
import { later } from "../../src/web/words/en.later.ts";
import { notices } from "../../src/web/words/en.notices.ts";
import { talk } from "../../src/web/words/en.talk.ts";
import { phrases } from "../../src/web/words/phrases.ts";
import { faultText } from "../../src/web/words/sentences.ts";
import { accented, mirrored } from "../../src/web/words/pseudo.ts";

test("lists and numbers follow the language", () => {
  const { fewOf, plural } = phrases("en-GB");
  const others = (count: number) => plural(count, { one: "# other", other: "# others" });
  expect(fewOf(["a"], 3, others).join("")).toBe("a");
  expect(fewOf(["a", "b", "c"], 3, others).join("")).toBe("a, b and c");
  expect(fewOf(["a", "b", "c", "d"], 3, others).join("")).toBe("a, b and 2 others");
  const polish = phrases("pl").plural;
  const forms = { one: "# osoba", few: "# osoby", many: "# osób", other: "# osoby" };
  expect([1, 3, 5, 12345].map((count) => polish(count, forms))).toEqual([
    "1 osoba",
    "3 osoby",
    "5 osób",
    "12\u{a0}345 osób",
  ]);
});

test("an error is a sentence without codes and names of fields", () => {
  const said = (code: string, message: string, more = {}) => faultText(new ChatError(code, message, more));
  expect(said("invalid", "", { errors: { title: ["must have at most 100 characters"] } })).toBe(
    "The title must have at most 100 characters.",
  );
  // Errors on a socket name the field only in their message.
  expect(said("invalid", "content must have at most 4000 characters")).toBe(
    "The message must have at most 4,000 characters.",
  );
  expect(said("invalid_credentials", "Invalid Credentials")).toBe("The email or the password is wrong.");
  expect(said("rate_limited", "", { retryAfterMs: 2400 })).toBe(
    "That was too fast. Wait 3 seconds, then try again.",
  );
  expect(faultText(new TypeError("x is not a function"))).toBe("Something went wrong. Try again later.");
  // Whoever refuses messages says why.
  expect(said("message_refused", "Be kind.")).toBe("Be kind.");
  // A newer server says what it means.
  expect(said("of_the_future", "The moon is in the way.")).toBe("The moon is in the way.");
});

test("every error that a person can meet has a sentence", () => {
  const technical = [
    "unsupported_media_type",
    "unsupported_protocol",
    "upgrade_required",
    "method_not_allowed",
    "client_id_reused",
    "wrong_offset",
    "tus_version",
    "epoch_changed",
    "too_many_streams",
    "scope_missing",
  ];
  const missing = Object.keys(ERRORS).filter((code) => !(code in later.errors) && !technical.includes(code));
  expect(missing).toEqual([]);
  const unclear = Object.values(later.errors).filter(
    (text) => !/^[A-Z“].*[.?]$/.test(text) || /`|[a-z][A-Z]|_[a-z]/.test(text),
  );
  expect(unclear).toEqual([]);
});

test("the languages for tests change every text, and leave what is given to it as it is", () => {
  expect(accented(en).language).toEqual({ tag: "en-XA", dir: "ltr" });
  const words = accented(talk);
  expect(words.online.title).toBe("⟦Öñļîñé ñöŵ~~~~⟧");
  expect(words.announcer.message("ada", "an ant")).toBe("⟦ada: ~an ant⟧");
  expect(words.receipts.seenBy(["ada", "ben"])).toBe("⟦Šééñ ƀý ~~~ada åñð ~~ben⟧");
  expect(accented(notices).title({ you: true, name: { given: "ada" } }, { given: "Plans" })).toEqual([
    "⟦Ýöû~⟧",
    expect.stringMatching(/^⟦ ŕéñåṁéð .*⟧$/),
    { given: "Plans" },
  ]);
  expect(mirrored(talk).online.title).toBe("⟦\u{202e}Online now\u{202c}⟧");
});
