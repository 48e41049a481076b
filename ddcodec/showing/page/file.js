// The page without a server: shows a file that is chosen or dropped, or that its own address names.

import { start } from "./app.js";
import { element, visible } from "./dom.js";
import { FileSource } from "./file_source.js";

const blank = document.body.cloneNode(true);

/** Only asked for where the header of a file needs it, which is nearly always. */
async function dictionary() {
  const answer = await fetch("header_dictionary.bin");
  if (!answer.ok) throw new Error("This page lacks header_dictionary.bin: copy the whole folder.");
  return new Uint8Array(await answer.arrayBuffer());
}

/** Show a file, or the URL of one, in place of what is shown. */
async function show(place) {
  document.body.replaceWith(blank.cloneNode(true));
  document.getElementById("name").textContent = "Opening…";
  try {
    const source = await FileSource.open(place, { dictionary });
    document.querySelector(".kicker").append(" · ", chooser("another", "link"));
    await start(source);
  } catch (error) {
    refuse(error.message);
  }
}

function refuse(message) {
  document.body.replaceWith(blank.cloneNode(true));
  document.getElementById("name").textContent = "Nothing to show";
  wait();
  const notice = document.getElementById("notice");
  notice.hidden = false;
  notice.textContent = visible(`${message.slice(0, 1).toUpperCase()}${message.slice(1)}.`.replace(/\.\.$/, "."));
}

/** A place to drop a file on, until there is something to show. */
function wait() {
  document.querySelector("main").hidden = true;
  document.getElementById("facts").hidden = true;
  const words = element("p", {}, "It is read in this page, and stays on this machine.");
  document.querySelector(".top").append(element("div", { className: "drop" }, chooser("a", "large"), words));
}

/** What somebody chooses a file with, who does not drop it. */
function chooser(which, name) {
  const input = element("input", { type: "file", accept: ".ddz", className: "hidden" });
  input.addEventListener("change", () => input.files.length > 0 && show(input.files[0]));
  return element("label", { className: `choose ${name}` }, `Choose ${which} .ddz file, or drop it here`, input);
}

// Files may be dropped anywhere, whatever is shown.
document.addEventListener("dragover", (event) => {
  if (!event.dataTransfer.types.includes("Files")) return;
  event.preventDefault();
  document.body.classList.add("dropping");
});
document.addEventListener("dragleave", (event) => {
  if (event.relatedTarget === null) document.body.classList.remove("dropping");
});
document.addEventListener("drop", (event) => {
  event.preventDefault();
  document.body.classList.remove("dropping");
  const [file] = event.dataTransfer.files;
  if (file) show(file);
});

const asked =
  new URLSearchParams(location.search).get("file") ?? document.querySelector('meta[name="shown"]')?.content ?? null;
if (asked === null) {
  document.getElementById("name").textContent = "Look at an artifact";
  wait();
} else {
  show(new URL(asked, location.href));
}
