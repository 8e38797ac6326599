// Style sheets imported by path (`with { type: "file" }`), which the page loads later.
declare module "*.css" {
  const path: string;
  export default path;
}
