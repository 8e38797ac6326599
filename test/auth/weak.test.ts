import { expect, test } from "bun:test";
import { weaknessOf } from "../../src/auth/weak.ts";

const about = (password: string) => weaknessOf(password, "ada.lovelace@example.com", "Countess");

test.each([
  ...["12345678", "password", "PassWord", "password1", "password2031!", "qwertyuiop", "iloveyou", "11111111"],
  ...["aaaaaaaa", "abababab", "abcabcabcabc", "abcdefgh", "87654321", "        a", "🦊🦊🦊🦊🦊🦊🦊🦊"],
])("%p is easy to guess", (password) => {
  expect(about(password)).toContain("easy to guess");
});

test.each([
  ...[
    "ada.lovelace@example.com",
    "ADA.Lovelace@example.com",
    "ada.lovelace",
    "ada.lovelace1815",
    "!Countess!",
  ],
  ...["countess", "parley2031"],
])("%p is the person's own email or name, or the server's", (password) => {
  expect(about(password)).toContain("your email address or your name");
});

test.each([
  ...["correct horse battery", "korim@12345678", "another horse", "the countess of love", "пароль из слов"],
  ...["ada.lovelace is my name", "密码是一句话吗", "a1b2c3d4e5f6g7"],
])("%p is allowed", (password) => {
  expect(about(password)).toBeUndefined();
});

test("an address or name without letters does not make other passwords its own", () => {
  expect(weaknessOf("90210-4711-0815", "4711@example.com", "123")).toBeUndefined();
  expect(weaknessOf("4711-0815", "4711-0815@example.com")).toContain("your email address");
});
