/** The most files of one message. */
export const FILES_MAX = 10;
/** The longest alternative text and the longest file name, in code points. A message with ten of each fits in a frame. */
export const ALT_MAX = 500;
export const FILE_NAME_MAX = 160;
