/** Tabs hold this lock, together, while someone looks at them. */
export const LOOKING = "parley looking";
