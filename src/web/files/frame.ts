/** A single picture is at most this large, in CSS pixels. On a dense display that is what a preview has. */
const WIDTH_MAX = 360;
const HEIGHT_MAX = 320;
/** Longer pictures are cropped to this ratio of their sides. The gallery shows them whole. */
const LONGEST = 3;
/** A finger needs this much, in CSS pixels. */
const LEAST = 44;

/** The place that a picture takes, known before it is loaded. */
export interface Frame {
  /** In CSS pixels, if there is enough room. */
  readonly width: number;
  readonly ratio: number;
  /** Part of the picture is outside of the frame. */
  readonly cropped: boolean;
}

/** Returns the frame of a picture that is alone in its message. */
export function frameOf({ width, height }: { readonly width: number; readonly height: number }): Frame {
  const whole = width / height;
  const ratio = Math.min(LONGEST, Math.max(1 / LONGEST, whole));
  const fits = Math.min(width, WIDTH_MAX, HEIGHT_MAX * ratio);
  return {
    width: Math.round(Math.max(fits, LEAST, LEAST * ratio)),
    ratio,
    cropped: ratio !== whole,
  };
}

/** Returns which pictures of a grid take half of a row. The others take a third of one, at the same height. */
export function halvesOf(count: number): number {
  return [0, 4, 2][count % 3] ?? 0;
}
