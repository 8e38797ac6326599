import { expect, test } from "bun:test";
import * as fc from "fast-check";
import { dispositionOf, fileName } from "../../src/files/names.ts";
import { rangeOf } from "../../src/files/ranges.ts";
import { typeOf } from "../../src/files/kinds.ts";
import { FILE_NAME_MAX } from "../../src/protocol/files.ts";

test.each([
  ["photo.png", "photo.png"],
  ["../../etc/passwd", "passwd"],
  ["C:\\Users\\ada\\a plan.txt", "a plan.txt"],
  ["invoice\u202Efdp.exe", "invoicefdp.exe"],
  ["a\u0000b\nc\td.txt", "abcd.txt"],
  [".htaccess", "htaccess"],
  ["...", "file"],
  ["", "file"],
  ["/", "file"],
  ["  two   spaces  .txt ", "two spaces .txt"],
  ['a"b<c>:d|e?f*.txt', "abcdef.txt"],
  ["lone \ud800 surrogate", "lone surrogate"],
  ["e\u0301te\u0301.jpg", "été.jpg"],
  ["👩‍👩‍👧.png", "👩‍👩‍👧.png"],
  ["می‌خواهم.pdf", "می‌خواهم.pdf"],
  ["\u3164\u200b\u00ad", "file"],
])("%j is called %j", (given, name) => {
  expect(fileName(given).replaceAll("\ufffd", "").replace("  ", " ")).toBe(name);
});

test("a long name is cut, and keeps its ending", () => {
  expect(fileName(`${"x".repeat(10_000)}.tar`)).toBe(`${"x".repeat(FILE_NAME_MAX - 4)}.tar`);
  expect([...fileName(`${"😀".repeat(10_000)}`)]).toHaveLength(FILE_NAME_MAX);
});

test("whatever is given, the name is one short line without a path, and fits into a header", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 400 }), (given) => {
      const name = fileName(given);
      expect([...name].length).toBeWithin(1, FILE_NAME_MAX + 1);
      expect(name).not.toMatch(/[/\\\p{Cc}\p{Bidi_Control}]/u);
      expect(name.isWellFormed()).toBe(true);
      expect(fileName(name)).toBe(name);
      const header = new Headers({ "content-disposition": dispositionOf("attachment", name) });
      const sent = header.get("content-disposition") ?? "";
      expect(sent).toMatch(/^attachment; filename="[^"\\]*"; filename\*=UTF-8''[\w!#$&+.^`|~%-]*$/);
      expect(decodeURIComponent(sent.split("UTF-8''")[1] ?? "")).toBe(name);
    }),
    { numRuns: 300 },
  );
});

test.each([
  [undefined, undefined],
  ["bytes=0-9", { first: 0, last: 9 }],
  ["bytes=90-", { first: 90, last: 99 }],
  ["bytes=90-500", { first: 90, last: 99 }],
  ["bytes=-10", { first: 90, last: 99 }],
  ["bytes=-500", { first: 0, last: 99 }],
  ["bytes=100-", "unsatisfiable"],
  ["bytes=-0", "unsatisfiable"],
  ["bytes=9-8", undefined],
  ["bytes=0-1,5-6", undefined],
  ["bytes=-", undefined],
  ["bytes=a-b", undefined],
  ["lines=0-9", undefined],
  ["bytes=0-99999999999999999999", undefined],
])("of 100 bytes, %j is %j", (header, range) => {
  expect(rangeOf(header, 100)).toEqual(range as ReturnType<typeof rangeOf>);
});

test("a range never leaves the file", () => {
  fc.assert(
    fc.property(fc.nat(50), fc.option(fc.nat(60)), fc.option(fc.nat(60)), (size, from, to) => {
      const range = rangeOf(`bytes=${from ?? ""}-${to ?? ""}`, size);
      if (typeof range !== "object") return;
      expect(range.first).toBeWithin(0, size);
      expect(range.last).toBeWithin(range.first, size);
    }),
  );
});

const bytes = (text: string) => Buffer.from(text, "latin1");
test.each([
  ["image/jpeg", "\xff\xd8\xff\xe0"],
  ["image/png", "\x89PNG\r\n\x1a\n\0"],
  ["image/gif", "GIF89a/*<script>*/=1"],
  ["image/webp", "RIFF\0\0\0\0WEBPVP8 "],
  ["image/avif", "\0\0\0\x20ftypavif\0\0\0\0"],
  ["image/heic", "\0\0\0\x20ftypheic\0\0\0\0"],
  ["video/mp4", "\0\0\0\x20ftypisom\0\0\0\0"],
  ["audio/mp4", "\0\0\0\x20ftypM4A \0\0\0\0"],
  ["video/webm", "\x1a\x45\xdf\xa3\0\0\0\0\x42\x82\x84webm"],
  ["audio/mpeg", "ID3\x04\0\0"],
  ["audio/mpeg", "\xff\xfb\x90\x64\0\0"],
  ["audio/ogg", "OggS\0"],
  ["audio/wav", "RIFF\0\0\0\0WAVEfmt "],
  ["application/pdf", "%PDF-1.7\n"],
  ["application/zip", "PK\x03\x04\x14"],
  ["text/plain", "hello"],
  ["text/plain", '<svg xmlns="http://www.w3.org/2000/svg"><script>1</script></svg>'],
  ["text/plain", "<!doctype html><script>alert(1)</script>"],
  ["text/plain", Buffer.from("naïve 😀").subarray(0, -2).toString("latin1")],
  ["application/octet-stream", "MZ\x90\0\x03"],
  ["application/octet-stream", "....WEBP\0"],
  ["application/octet-stream", ""],
])("%s by its content: %j", (type, head) => {
  expect(typeOf(bytes(head))).toBe(type);
});
