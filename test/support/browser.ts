import { type Browser, chromium } from "playwright-core";
import { chromiumPath } from "./needs.ts";

/** Starts this machine's Chromium, without a window. Two people need two contexts of it; two tabs are pages of one. */
export const startBrowser = (): Promise<Browser> =>
  chromium.launch({ executablePath: chromiumPath(), args: ["--no-sandbox"] });
