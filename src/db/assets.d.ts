// Files that are imported by path (`with { type: "file" }`), so that a compiled program carries them.
declare module "*.wasm" {
  const path: string;
  export default path;
}
declare module "*.data" {
  const path: string;
  export default path;
}
