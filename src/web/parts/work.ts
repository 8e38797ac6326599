import { useState } from "hono/jsx/dom";
import { faultText } from "../words/problems.ts";

/** Runs requests one at a time, and keeps what went wrong with the last one as a sentence. */
export function useWork() {
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState("");
  const run = async (work: () => Promise<unknown>): Promise<boolean> => {
    if (busy) return false;
    setBusy(true);
    setProblem("");
    const fault = await work().then(() => "", faultText);
    setBusy(false);
    setProblem(fault);
    return fault === "";
  };
  return { busy, problem, run };
}
