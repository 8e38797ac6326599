/** How many bytes of a file's beginning {@link typeOf} looks at. */
export const HEAD = 4096;

/** The type of what we do not know. */
const UNKNOWN = "application/octet-stream";

/** Types by the bytes at their beginning: [type, text, and where it is]. */
const BEGINNINGS: readonly (readonly [type: string, bytes: string, at?: number])[] = [
  ["image/jpeg", "\xff\xd8\xff"],
  ["image/png", "\x89PNG\r\n\x1a\n"],
  ["image/gif", "GIF87a"],
  ["image/gif", "GIF89a"],
  ["image/webp", "WEBP", 8],
  ["audio/wav", "WAVE", 8],
  ["audio/mpeg", "ID3"],
  ["audio/flac", "fLaC"],
  ["audio/ogg", "OggS"],
  ["application/pdf", "%PDF-"],
  ["application/zip", "PK\x03\x04"],
  ["application/gzip", "\x1f\x8b\x08"],
];

/** What the brands of ISO media files stand for. Pictures of these kinds have no preview. */
const BRANDS: readonly (readonly [type: string, brand: RegExp])[] = [
  ["image/avif", /^avi[fs]$/],
  ["image/heic", /^(hei[cmsx]|hev[cmsx]|mif1|msf1)$/],
  ["audio/mp4", /^(M4A|M4B|F4A) $/],
  ["video/quicktime", /^qt {2}$/],
  ["video/mp4", /^(isom|iso\d|mp4\d|avc1|dash|M4V |F4V |MSNV|3g[pr2]\w|mmp4)$/],
];

/**
 * Returns the media type of a file by its first bytes. Only kinds that are of some use are told apart. HTML and SVG are
 * text here, so that no browser ever runs what is in them.
 */
export function typeOf(head: Uint8Array): string {
  const text = Buffer.from(head.buffer, head.byteOffset, head.byteLength).toString("latin1");
  for (const [type, bytes, at = 0] of BEGINNINGS)
    if (text.startsWith(bytes, at) && (at === 0 || text.startsWith("RIFF"))) return type;
  if (text.startsWith("ftyp", 4)) {
    const brand = text.slice(8, 12);
    return BRANDS.find(([, form]) => form.test(brand))?.[0] ?? UNKNOWN;
  }
  // Matroska: WebM is the kind that browsers play.
  if (text.startsWith("\x1a\x45\xdf\xa3")) return text.slice(0, 64).includes("webm") ? "video/webm" : UNKNOWN;
  // A frame of MPEG audio, layer 3, without tags before it.
  if (/^\xff[\xf2\xf3\xfa\xfb][^\x00-\x0f\xf0-\xff]/.test(text)) return "audio/mpeg";
  return isText(head) ? "text/plain" : UNKNOWN;
}

/** Whether a file begins with UTF-8 text. A character may be cut at the end. */
function isText(head: Uint8Array): boolean {
  if (head.length === 0) return false;
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(head, { stream: true });
    return !/[\x00-\x08\x0e-\x1a\x1c-\x1f]/.test(text);
  } catch {
    return false;
  }
}

/** The kinds of pictures that get a preview. */
export const isPicture = (type: string): boolean => /^image\/(jpeg|png|gif|webp)$/.test(type);
