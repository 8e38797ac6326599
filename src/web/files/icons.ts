/** Icons of files, which the first view does not need. */
export const FILE_ICONS = {
  attach:
    "M20 11l-8.500 8.500a5.500 5.500 0 0 1-8-8L12 3.500a3.500 3.500 0 0 1 5 5L9 16.500a1.500 1.500 0 0 1-2-2L14.500 7",
  camera: "M4 8h4l2-3h4l2 3h4v11H4zM12 16.500a3.500 3.500 0 1 0 0-7 3.500 3.500 0 0 0 0 7z",
  download: "M12 4v11M7 10l5 5 5-5M5 20h14",
  file: "M6 3h8l5 5v13H6zM14 3v5h5",
  minus: "M5 12h14",
} as const;
