/** @jsxImportSource hono/jsx/dom */
import { useRef } from "hono/jsx/dom";
import type { Attachment } from "../composer/drafts.ts";
import type { Sendings } from "../composer/sendings.ts";
import { useEffect } from "../parts/effect.ts";

interface LocalProps {
  readonly file: Attachment;
  readonly sendings: Sendings;
  /** The longer side of what is drawn, in pixels. */
  readonly side: number;
}

/**
 * A picture that is only in this browser. It is drawn, because the page's policy has no addresses for what is only here, and
 * because a small copy takes less memory than the picture.
 */
export function Local({ file, sendings, side }: LocalProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const { key, width = 1, height = 1 } = file;
  useEffect(() => {
    let live = true;
    const draw = async () => {
      const bytes = await (await sendings.load()).bytes(key);
      if (!bytes) return;
      const scale = Math.min(1, side / Math.max(width, height));
      const bitmap = await createImageBitmap(bytes, {
        resizeWidth: Math.max(1, Math.round(width * scale)),
        resizeHeight: Math.max(1, Math.round(height * scale)),
        resizeQuality: "medium",
      });
      const { current: target } = canvas;
      if (live && target) {
        target.width = bitmap.width;
        target.height = bitmap.height;
        target.getContext("2d")?.drawImage(bitmap, 0, 0);
      }
      bitmap.close();
    };
    draw().catch(() => {});
    return () => void (live = false);
  }, [key]);
  return <canvas ref={canvas} width={1} height={1} aria-hidden="true" />;
}
