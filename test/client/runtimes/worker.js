// Runs the conversation in a worker, for the page that asks for it.
import * as client from "./client/index.js";
import { serve } from "./serve.js";

serve(client);
