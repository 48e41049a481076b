// The page of a server, or one that holds what it shows.

import { start } from "./app.js";
import { EmbeddedSource, ServerSource } from "./source.js";

const data = document.getElementById("data");
start(data === null ? new ServerSource() : new EmbeddedSource(data.textContent));
