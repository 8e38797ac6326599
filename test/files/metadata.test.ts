import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { withoutMetadata } from "../../src/files/metadata.ts";
import { memoryFolder } from "../support/folder.ts";
import { needs } from "../support/needs.ts";
import { chunk, gif, png, riff, sidewaysJpeg, webp } from "../support/pictures.ts";

setDefaultTimeout(20_000);

// What stays of a picture, and what does not.

const folder = memoryFolder();
afterAll(() => folder.remove());

/** Filters bytes that arrive in parts of this size. */
async function filter(bytes: Uint8Array, size = bytes.length) {
  async function* parts() {
    for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
  }
  let isRead = true;
  const rest = await Array.fromAsync(withoutMetadata(parts(), () => (isRead = false)));
  return { bytes: new Uint8Array(Buffer.concat(rest)), isRead };
}
const includes = (bytes: Uint8Array, text: string) => Buffer.from(bytes).includes(text);
const pixels = (bytes: Uint8Array<ArrayBuffer>) => new Bun.Image(bytes).png().bytes();

const TIFF = Buffer.from("49492a00080000000100" + "120103000100000006000000" + "00000000", "hex");
const exif = Buffer.concat([TIFF, Buffer.from("SECRET place")]);
/** A segment of a JPEG file. */
const segment = (marker: number, content: Buffer | string) =>
  Buffer.concat([
    Buffer.from([0xff, marker, (content.length + 2) >> 8, (content.length + 2) & 255]),
    Buffer.from(content as string),
  ]);
/** Puts parts into a file, at a place. */
const insert = (bytes: Uint8Array, at: number, ...parts: readonly Uint8Array[]) =>
  new Uint8Array(Buffer.concat([bytes.subarray(0, at), ...parts, bytes.subarray(at)]));

const jpeg = Buffer.from(await new Bun.Image(png(60, 40)).jpeg({ quality: 80 }).bytes());
const progressive = await new Bun.Image(png(60, 40)).jpeg({ quality: 80, progressive: true }).bytes();
const icc = segment(0xe2, "ICC_PROFILE\0\x01\x01a profile");
const pngProfile = chunk("iCCP", Buffer.from("a profile\0\0x\x9c", "latin1"));
const plainPng = png(60, 40);
/** The extended format with a profile, EXIF and XMP, of 60 × 40 pixels. */
const VP8X = Buffer.from([0x2c, 0, 0, 0, 59, 0, 0, 39, 0, 0]);
const plainWebp = webp(await new Bun.Image(plainPng).webp().bytes());

const dirtyJpeg = (base: Uint8Array) =>
  insert(
    Buffer.concat([base, Buffer.from("SECRET video")]),
    2,
    segment(
      0xe0,
      Buffer.concat([Buffer.from("JFIF\0\x01\x01\0\0\x01\0\x01\x02\x01", "latin1"), Buffer.from("SECRET")]),
    ),
    segment(0xe1, Buffer.concat([Buffer.from("Exif\0\0"), exif])),
    segment(0xe1, "http://ns.adobe.com/xap/1.0/\0SECRET"),
    icc,
    segment(0xe2, "MPF\0SECRET"),
    segment(0xed, "Photoshop 3.0\x008BIM SECRET"),
    segment(0xfe, "SECRET comment"),
    Buffer.from("SECRET between segments"),
    segment(0xee, "Adobe\0d\0\0\0\0\x01"),
  );
const dirtyPng = Buffer.concat([
  plainPng.subarray(0, 33),
  chunk("eXIf", exif),
  pngProfile,
  chunk("tEXt", Buffer.from("Comment\0SECRET")),
  chunk("iTXt", Buffer.from("XML:com.adobe.xmp\0SECRET")),
  chunk("tIME", Buffer.from("SECRET!")),
  plainPng.subarray(33),
  Buffer.from("SECRET"),
]);
const dirtyWebp = Buffer.concat([
  riff(
    ["VP8X", VP8X],
    ["ICCP", Buffer.from("a profile")],
    ...plainWebp,
    ["EXIF", exif],
    ["XMP ", Buffer.from("SECRET")],
    ["ABCD", Buffer.from("SECRET")],
  ),
  Buffer.from("SECRET"),
]);
const block = (text: string) => Buffer.concat([Buffer.from([text.length]), Buffer.from(text, "latin1")]);
const dirtyGif = Buffer.concat([
  gif(
    Buffer.concat([Buffer.from([0x21, 0xff]), block("NETSCAPE2.0"), block("\x01\0\0"), Buffer.from([0])]),
    Buffer.concat([Buffer.from([0x21, 0xfe]), block("SECRET comment"), block("SECRET"), Buffer.from([0])]),
    Buffer.concat([Buffer.from([0x21, 0xff]), block("XMP DataXMP"), block("SECRET"), Buffer.from([0])]),
  ),
  Buffer.from("SECRET"),
]);

const DIRTY: readonly (readonly [string, Uint8Array, readonly string[]])[] = [
  ["a JPEG", dirtyJpeg(jpeg), ["ICC_PROFILE\0", "Adobe", "JFIF"]],
  ["a progressive JPEG", dirtyJpeg(progressive), ["ICC_PROFILE\0", "Adobe"]],
  ["a PNG", dirtyPng, ["iCCP"]],
  ["a WebP", dirtyWebp, ["ICCP"]],
  ["a GIF", dirtyGif, ["NETSCAPE2.0"]],
];

describe.each(DIRTY)("%s", (_, bytes, kept) => {
  test("loses what its camera and programs wrote into it, and keeps its pixels and colours", async () => {
    expect(includes(bytes, "SECRET")).toBe(true);
    const { bytes: clean, isRead } = await filter(bytes);
    expect([isRead, includes(clean, "SECRET")]).toEqual([true, false]);
    for (const text of kept) expect(includes(clean, text)).toBe(true);
    const [before, after] = [await pixels(new Uint8Array(bytes)), await pixels(clean)];
    expect(Buffer.from(after).equals(before)).toBe(true);
  });

  test("is the same however it arrives, and filtering it again changes nothing", async () => {
    const { bytes: clean } = await filter(bytes);
    for (const size of [1, 2, 3, 7, 64, 1000]) expect((await filter(bytes, size)).bytes).toEqual(clean);
    expect((await filter(clean)).bytes).toEqual(clean);
  });

  test("that is cut anywhere never brings back what it lost", async () => {
    for (let length = 0; length < bytes.length; length += 1 + Math.floor(length / 40)) {
      const { bytes: clean } = await filter(bytes.subarray(0, length));
      expect([length, includes(clean, "SECRET")]).toEqual([length, false]);
    }
  });
});

test("a picture without metadata stays as it is, bit for bit", async () => {
  for (const bytes of [jpeg, progressive, plainPng, riff(...plainWebp), gif()])
    expect((await filter(bytes)).bytes).toEqual(new Uint8Array(bytes));
});

test("the orientation stays", async () => {
  const { bytes } = await filter(await sidewaysJpeg(60, 40));
  expect(includes(bytes, "SECRETPLACE")).toBe(false);
  expect(await new Bun.Image(bytes).metadata()).toMatchObject({ width: 40, height: 60 });
  for (const dirty of [dirtyPng, dirtyWebp]) {
    const tiff = Buffer.from("4d4d002a000000080001011200030000000100060000", "hex");
    expect(Buffer.from((await filter(dirty)).bytes).includes(tiff)).toBe(true);
  }
});

test.each([
  ["a text", Buffer.from("SECRET, but a text")],
  ["a PDF", Buffer.from("%PDF-1.7 SECRET")],
  ["nothing", Buffer.alloc(0)],
  ["a few bytes", Buffer.from([0xff, 0xd8])],
])("%s passes as it is", async (_, bytes) => {
  expect(await filter(bytes, 3)).toEqual({ bytes: new Uint8Array(bytes), isRead: true });
});

test.each([
  ["a script that begins like a GIF", Buffer.from("GIF89a/*<script>alert(1)</script>*/=1")],
  ["a PNG with a part that no decoder knows", insert(plainPng, 33, chunk("ABCD", Buffer.from("x")))],
  ["a JPEG with a segment without a length", insert(jpeg, 2, Buffer.from([0xff, 0xe1, 0, 0, 1, 2]))],
  [
    "a WebP with a part that is longer than the file",
    (() => {
      const bytes = riff(...plainWebp);
      bytes.writeUInt32LE(1e6, 16);
      return bytes;
    })(),
  ],
])("%s passes as it is and is told apart", async (_, bytes) => {
  expect(await filter(bytes, 5)).toEqual({ bytes: new Uint8Array(bytes), isRead: false });
});

test("a picture of nothing but tiny parts costs bounded work", async () => {
  const tiny = Buffer.concat([
    Buffer.from("\x89PNG\r\n\x1a\n", "latin1"),
    Buffer.alloc(12 * 800_000, chunk("tEXt", Buffer.alloc(0))),
  ]);
  expect((await filter(tiny, 65_536)).isRead).toBe(false);
});

needs("exiftool")("exiftool", () => {
  const TAGS = [
    "-GPSLatitude=51.5",
    "-GPSLatitudeRef=N",
    "-Make=SECRETCAM",
    "-Orientation#=6",
    "-XMP:City=SECRET",
    "-Comment=SECRET",
  ];
  /** Groups of what says nothing about the people in a picture. */
  const HARMLESS =
    /^(SourceFile|ExifTool|File|System|JFIF|PNG|PNG-pHYs|RIFF|GIF|IFD0:(Orientation)|IFD0:ExifByteOrder|Composite:(ImageSize|Megapixels))/;

  test.each([
    ["jpg", jpeg, ["-IPTC:City=SECRET"]],
    ["png", plainPng, []],
    ["webp", riff(...plainWebp), []],
    ["gif", gif(), []],
  ] as const)("finds none of the tags that it wrote into a %s", async (ending, bytes, more) => {
    const path = join(folder.path, `tagged.${ending}`);
    await Bun.write(path, bytes);
    const tags = ending === "gif" ? TAGS.filter((tag) => /XMP|Comment/.test(tag)) : TAGS;
    const written = Bun.spawnSync(["exiftool", "-overwrite_original", ...tags, ...more, path]);
    expect(written.stdout.toString()).toContain("1 image files updated");
    const tagged = await Bun.file(path).bytes();
    expect(includes(tagged, "SECRET")).toBe(true);
    await Bun.write(path, (await filter(tagged)).bytes);
    const read = Bun.spawnSync(["exiftool", "-json", "-G1", "-a", "-u", path]);
    const [found] = JSON.parse(read.stdout.toString()) as [Record<string, unknown>];
    expect(JSON.stringify(found)).not.toMatch(/SECRET|GPS/);
    expect(Object.keys(found).filter((name) => !HARMLESS.test(name))).toEqual([]);
    expect(found).not.toHaveProperty("ExifTool:Warning");
    if (ending !== "gif") expect(found["IFD0:Orientation"]).toBe("Rotate 90 CW");
  });
});
