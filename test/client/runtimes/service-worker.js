// Runs the conversation in a service worker, where `import()` does not work, for the page that asks for it.
import * as client from "./client/whole.js";
import { serve } from "./serve.js";

serve(client);
