import { join } from "node:path";
import { type Browser, chromium } from "playwright-core";
import { chromiumPath } from "./needs.ts";

const LAUNCHER = join(import.meta.dir, "chromium.sh");

/** Starts this machine's Chromium without a window. */
export const startBrowser = (): Promise<Browser> =>
  chromium.launch({
    executablePath: LAUNCHER,
    args: ["--no-sandbox"],
    env: { ...process.env, CHROMIUM: chromiumPath() },
  });

let started: Promise<Browser> | undefined;

/**
 * Returns the browser that all test files share. It ends with the process. Each person needs a context of their own,
 * which the test closes; tabs are pages of a context.
 */
export const sharedBrowser = (): Promise<Browser> => (started ??= startBrowser());
