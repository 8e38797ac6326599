import { expect } from "bun:test";
import { deflateSync } from "node:zlib";
import { api } from "../support/api.ts";
import type { Person } from "../support/people.ts";
import { png } from "../support/pictures.ts";

/** A file to upload. */
export interface Given {
  readonly name: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly alt?: string;
}

/** Uploads files and posts a message with them. Returns the ids of the message and of its files. */
export async function post(
  server: { readonly url: string },
  { token }: Pick<Person, "token">,
  room: string,
  content: string,
  ...given: readonly Given[]
): Promise<{ readonly id: number; readonly files: readonly string[] }> {
  const ids: string[] = [];
  for (const { name, bytes } of given) {
    const path = `/rooms/${room}/files/${crypto.randomUUID()}/?name=${encodeURIComponent(name)}`;
    const put = () =>
      fetch(server.url + path, {
        method: "PUT",
        headers: { authorization: `Bearer ${token}` },
        body: bytes,
      });
    let response = await put();
    // The machine is busy.
    while (response.status === 503) response = await put();
    expect(response.status).toBe(201);
    ids.push(((await response.json()) as { id: string }).id);
  }
  const files = ids.map((id, at) => ({ id, ...(given[at]?.alt && { alt: given[at].alt }) }));
  const { status, body } = await api(server, `POST /rooms/${room}/messages/`, {
    token,
    body: { content, ...(files.length > 0 && { files }) },
  });
  expect(status).toBe(201);
  return { id: (body as { id: number }).id, files: ids };
}

/** A PNG whose colours change from corner to corner, and with each seed. */
export function photo(width: number, height: number, seed = 1): Uint8Array<ArrayBuffer> {
  const rows = Buffer.alloc((width * 3 + 1) * height);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const at = y * (width * 3 + 1) + 1 + x * 3;
      const wave = Math.sin((x / width) * 5 + seed) + Math.cos((y / height) * 4 - seed);
      rows[at] = 128 + 50 * Math.sin(seed + wave);
      rows[at + 1] = 110 + 60 * Math.sin(seed * 2 + wave * 1.5);
      rows[at + 2] = 120 + 90 * Math.cos(seed * 3 + wave);
    }
  return png(width, height, deflateSync(rows, { level: 1 }));
}

/** So many seconds of a tone, as WAV. */
export function tone(seconds: number): Uint8Array<ArrayBuffer> {
  const rate = 8000;
  const samples = Math.round(rate * seconds);
  const bytes = Buffer.alloc(44 + samples);
  bytes.write("RIFF", 0);
  bytes.writeUInt32LE(36 + samples, 4);
  bytes.write("WAVEfmt ", 8);
  bytes.writeUInt32LE(16, 16);
  bytes.writeUInt16LE(1, 20);
  bytes.writeUInt16LE(1, 22);
  bytes.writeUInt32LE(rate, 24);
  bytes.writeUInt32LE(rate, 28);
  bytes.writeUInt16LE(1, 32);
  bytes.writeUInt16LE(8, 34);
  bytes.write("data", 36);
  bytes.writeUInt32LE(samples, 40);
  for (let at = 0; at < samples; at++) bytes[44 + at] = 128 + 60 * Math.sin((at / rate) * 2 * Math.PI * 440);
  return bytes;
}

export const text = (content: string): Uint8Array<ArrayBuffer> => Buffer.from(content);
