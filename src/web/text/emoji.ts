const ONLY_EMOJI = /^(?:\p{RGI_Emoji}\s?){1,3}$/v;

/** Whether a text is one to three emoji and nothing else. Such texts are shown large. */
export const isOnlyEmoji = (text: string): boolean => text.length <= 64 && ONLY_EMOJI.test(text);
