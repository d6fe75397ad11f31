// One output of a cell, drawn; and drawn again when it has changed, as little as can be.

import { base, find, grow, make } from "./dom.js";
import { Terminal } from "./text.js";
import { plural } from "./words.js";

const TALLEST = 4000; // pixels of a frame; beyond it scrolls inside
const made = new Set(); // frames
const heights = new Map(); // of frames, by their contents: one that comes back does not jump

/** The frames that are on the page; others are forgotten. */
function connected() {
  for (const frame of made) if (!frame.isConnected) made.delete(frame);
  return [...made];
}

const isDark = () => document.documentElement.dataset.theme === "dark";

addEventListener("message", (event) => {
  const frame = connected().find((each) => each.contentWindow === event.source);
  const height = event.data?.height;
  if (!frame || typeof height !== "number" || !Number.isFinite(height)) return;
  const fitted = `${Math.min(TALLEST, Math.max(16, height))}px`;
  heights.set(frame.dataset.key, fitted);
  frame.style.height = fitted;
});
document.addEventListener("themechange", () => connected().forEach(colour));

/** Let a frame have the colours of the page. */
function colour(frame) {
  frame.contentWindow?.postMessage({ dark: isDark() }, "*");
}

/** The drawing of one output. */
export class Output {
  /** `place` says where it is: session, cell and index. */
  constructor(block, place) {
    this.place = place;
    this.element = make("div", { class: "output" });
    this.draw(block);
  }

  /** Draw it as it is now. */
  draw(block) {
    const before = this.block;
    this.block = block;
    if (before?.kind === "text" && block.kind === "text" && this.grew(before, block)) return;
    if (before && before.kind === block.kind && before.key && before.key === block.key) return;
    this.element.className = `output ${block.kind}${block.name === "stderr" ? " stderr" : ""}`;
    const picture = before?.kind === "picture" && block.kind === "picture" && this.element.querySelector("img");
    if (picture) picture.src = this.address("picture", block);
    else this.element.replaceChildren(...KINDS[block.kind](this, block));
  }

  /** Add what a text has more than before, as streams grow; says whether that is all that changed. */
  grew(before, block) {
    if (before.name !== block.name || before.cut || block.cut || !block.text.startsWith(before.text)) return false;
    this.pre.append(this.terminal.take(block.text.slice(before.text.length)));
    return true;
  }

  address(what, block, more = {}) {
    const { session, cell, index } = this.place;
    const query = new URLSearchParams({ mime: block.mime || "", key: block.key || "", ...more });
    const path = [session, cell, index].map(encodeURIComponent).join("/");
    return `${base}jlab-mcp/view/${what}/${path}?${query}`;
  }

  text(text) {
    this.terminal = new Terminal();
    this.pre = make("pre", {}, this.terminal.take(text));
    return this.pre;
  }
}

const KINDS = {
  text(output, block) {
    if (!block.cut) return [output.text(block.text)];
    const whole = make("a", { href: output.address("text", block), target: "_blank", rel: "noopener" }, "Show all of it");
    const gap = make("p", { class: "cut" }, `${plural(block.cut, "character")} left out. `, whole);
    return [make("pre", {}, new Terminal().take(block.head)), gap, output.text(block.text)];
  },

  error(output, block) {
    const text = block.text || `${block.name}: ${block.value}`;
    return [make("p", { class: "hidden" }, `Error: ${block.name}`), ...KINDS.text(output, { ...block, text })];
  },

  picture(output, block) {
    const image = make("img", { alt: block.alt || "picture that the cell shows", loading: "lazy", decoding: "async" });
    image.src = output.address("picture", block);
    return [image];
  },

  tree(output, block) {
    return [make("div", { class: "prose" }, grow(block.tree))];
  },

  frame(output, block) {
    const frame = sealed(output, block, false);
    if (!block.script) return [frame];
    const button = make("button", { class: "button small" }, "Run its script");
    const note = make("p", { class: "ask" }, "This output brings a script of its own. It could not reach this page or your login, but might connect to other hosts. ", button);
    button.addEventListener("click", () => {
      note.replaceChildren("Its script runs, sealed off from this page.");
      (frame.isConnected ? frame : plain).replaceWith(sealed(output, block, true));
      find("said").textContent = "The script of the output runs.";
    });
    const plain = output.text(block.text);
    return block.mime === "text/html" ? [frame, note] : [plain, note];
  },

  widget(output, block) {
    return [drawn(block.tree)];
  },
};

/** A frame without an origin: it can reach neither this page nor what belongs to it. */
function sealed(output, block, script) {
  const frame = make("iframe", { sandbox: "allow-scripts", loading: "lazy", title: "Output of the cell", referrerpolicy: "no-referrer" });
  frame.dataset.key = `${block.key}${script}`;
  frame.style.height = heights.get(frame.dataset.key) || "";
  frame.src = output.address("frame", block, { dark: isDark() ? "1" : "0", script: script ? "1" : "0" });
  frame.addEventListener("load", () => colour(frame)); // they may have changed while it was on its way
  made.add(frame);
  return frame;
}

function drawn(tree) {
  if (tree.kind === "box") return make("div", { class: tree.row ? "row" : "column" }, ...tree.children.map(drawn));
  if (tree.kind === "text") return make("span", { class: "label" }, tree.text);
  const bar = make("progress", { max: tree.max || 1, value: Math.min(tree.value, tree.max || 1) });
  bar.setAttribute("aria-label", tree.label || "progress");
  if (tree.style) bar.classList.add(tree.style);
  const label = tree.label ? make("span", { class: "label" }, tree.label) : null;
  return make("span", { class: "bar-of" }, label, bar);
}
