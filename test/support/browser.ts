import { type Browser, chromium } from "playwright-core";
import { chromiumPath } from "./needs.ts";

/** Starts this machine's Chromium without a window. Each person needs a context of their own; tabs are pages of a context. */
export const startBrowser = (): Promise<Browser> =>
  chromium.launch({ executablePath: chromiumPath(), args: ["--no-sandbox"] });
