import fs from "node:fs";

/** The size of a block of a tar archive, in bytes. */
const BLOCK = 512;
const CHUNK = 256 * 1024;

/** Yields an entry of a tar archive (POSIX ustar): a file with this content. The name has at most 100 bytes. */
export function* tarText(name: string, content: string): Generator<Buffer> {
  const bytes = Buffer.from(content);
  yield header(name, "0", bytes.length);
  yield padded(bytes, bytes.length);
}

/** Yields the entry of a folder. */
export function* tarFolder(name: string): Generator<Buffer> {
  yield header(`${name}/`, "5", 0);
}

/**
 * Yields the entry of a file at `path`, which may change meanwhile: its content is as long as the file was at first.
 * Yields nothing if there is no such file any more.
 */
export function* tarFile(name: string, path: string): Generator<Buffer> {
  let fd: number;
  try {
    fd = fs.openSync(path, "r");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return;
    throw error;
  }
  try {
    const { size } = fs.fstatSync(fd);
    yield header(name, "0", size);
    for (let at = 0; at < size;) {
      const chunk = Buffer.alloc(Math.min(CHUNK, size - at));
      const read = fs.readSync(fd, chunk, 0, chunk.length, at);
      at += read === 0 ? chunk.length : read; // what was cut off is zeros
      yield at === size
        ? padded(chunk.subarray(0, read || chunk.length), size)
        : chunk.subarray(0, read || chunk.length);
    }
  } finally {
    fs.closeSync(fd);
  }
}

/** The end of an archive. */
export const TAR_END = Buffer.alloc(2 * BLOCK);

/** Pads the last part of a content of `size` bytes to whole blocks. */
const padded = (last: Buffer, size: number) =>
  Buffer.concat([last, Buffer.alloc((BLOCK - (size % BLOCK)) % BLOCK)]);

function header(name: string, type: "0" | "5", size: number): Buffer {
  if (Buffer.byteLength(name) > 100) throw new Error(`${name} is too long for an archive`);
  const block = Buffer.alloc(BLOCK);
  const octal = (value: number, at: number, length: number) =>
    block.write(value.toString(8).padStart(length - 1, "0"), at);
  block.write(name, 0);
  octal(type === "5" ? 0o700 : 0o600, 100, 8);
  octal(0, 108, 8);
  octal(0, 116, 8);
  octal(size, 124, 12);
  // The extension of GNU and others for what has no room in octal digits.
  if (size >= 8 ** 11) {
    block.writeBigUInt64BE(BigInt(size), 128);
    block.writeUInt32BE(0x80000000, 124);
  }
  octal(Math.floor(Date.now() / 1000), 136, 12);
  block.write(" ".repeat(8), 148); // the checksum is computed with blanks in its place
  block.write(type, 156);
  block.write("ustar\0", 257);
  block.write("00", 263);
  octal(
    block.reduce((sum, byte) => sum + byte, 0),
    148,
    7,
  );
  block[154] = 0;
  return block;
}
