import { join } from "node:path";
import { startBrowser } from "../test/support/browser.ts";

// Draws the icons of the installed page from icon.svg, with Chromium.

const WEB = join(import.meta.dir, "../src/web");
const svg = await Bun.file(join(WEB, "icon.svg")).text();
// Systems cut these into shapes of their own, so they must not have transparent corners.
const square = svg.replace(/ rx="\d+"/, "");

const ICONS = [
  ["icon-192.png", 192, svg],
  ["icon-512.png", 512, svg],
  ["icon-180.png", 180, square],
  ["maskable-512.png", 512, square],
] as const;

const browser = await startBrowser();
try {
  for (const [name, size, drawing] of ICONS) {
    const page = await browser.newPage({ viewport: { width: size, height: size } });
    const image = `data:image/svg+xml,${encodeURIComponent(drawing)}`;
    await page.setContent(`<body style="margin: 0"><img src="${image}" width="${size}" height="${size}">`);
    const png = await page.screenshot({ omitBackground: true });
    const small = await new Bun.Image(png).png({ palette: true, colors: 64 }).bytes();
    await Bun.write(join(WEB, "install", name), small.length < png.length ? small : png);
    await page.close();
  }
} finally {
  await browser.close();
}
