// Files imported by path (`with { type: "file" }`), so that the compiled program includes them.
declare module "*.wasm" {
  const path: string;
  export default path;
}
declare module "*.data" {
  const path: string;
  export default path;
}
