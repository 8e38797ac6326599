/** The most bytes of EXIF data that are read to find an orientation. */
export const EXIF_MAX = 64 * 1024;
const ORIENTATION = 0x0112;

/** Returns how EXIF data (a TIFF file) turns its picture: 1 to 8, where 1 is not at all. */
export function orientationOf(tiff: Uint8Array): number {
  const view = new DataView(tiff.buffer, tiff.byteOffset, tiff.byteLength);
  try {
    const isLittle = view.getUint16(0) === 0x4949;
    const directory = view.getUint32(4, isLittle);
    const entries = view.getUint16(directory, isLittle);
    for (let entry = directory + 2; entry < directory + 2 + entries * 12; entry += 12) {
      if (view.getUint16(entry, isLittle) !== ORIENTATION) continue;
      const value = view.getUint16(entry + 8, isLittle);
      return value >= 1 && value <= 8 ? value : 1;
    }
  } catch {
    // It refers to what is not there.
  }
  return 1;
}

/** Returns EXIF data that contains an orientation and nothing else. */
export function exifOf(orientation: number): Uint8Array {
  const tiff = Buffer.from("4d4d002a00000008" + "0001" + "011200030000000100000000" + "00000000", "hex");
  tiff.writeUInt16BE(orientation, 18);
  return tiff;
}

/** EXIF data in JPEG, and sometimes in WebP, begins with this. */
export const EXIF = Buffer.from("Exif\0\0", "latin1");

/** Whether bytes begin with a text in Latin-1. */
export const begins = (bytes: Uint8Array, text: string): boolean =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1", 0, text.length) === text;
