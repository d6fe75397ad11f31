// One cell, drawn: its source, its outputs, and how it stands.

import { coloured } from "./code.js";
import { grow, make, say } from "./dom.js";
import { Output } from "./outputs.js";
import { duration, ticking } from "./words.js";

const STATES = {
  queued: "queued",
  running: "running",
  ok: "done",
  error: "failed",
  interrupted: "interrupted",
  kernel_died: "kernel died",
  not_run: "not run",
  server_ended: "server ended",
};

/** The drawing of one cell. Only a shell of it at first: `fill` draws what is in it. */
export class Cell {
  constructor(session, data) {
    this.session = session;
    this.id = data.id;
    this.outputs = [];
    this.filled = false;
    this.title = make("h3", { class: "hidden", id: `cell-${data.id}` });
    this.link = make("a", { class: "anchor", href: `#${session}/${encodeURIComponent(data.id)}` });
    this.badge = make("span", { class: "badge" });
    this.body = make("div", { class: "body" });
    this.element = make("article", { class: "cell", "aria-labelledby": `cell-${data.id}`, tabindex: "-1" });
    this.element.append(this.title, make("div", { class: "gutter" }, this.link), this.body);
    this.element.drawing = this;
    this.take(data);
  }

  /** Take the cell as it is now; outputs that are null are as before. */
  take(data) {
    const before = this.data;
    this.data = { ...data, outputs: data.outputs.map((block, at) => block ?? before?.outputs[at]) };
    this.element.dataset.state = data.state || "";
    this.element.dataset.type = data.type;
    if (!this.filled) {
      this.guess();
      return;
    }
    if (before.source !== data.source || before.type !== data.type) this.drawSource();
    this.drawOutputs(data.outputs);
    this.drawState();
  }

  /** Its place in the notebook, from 0. */
  place(index) {
    this.index = index;
    say(this.link, String(index + 1));
    this.link.setAttribute("aria-label", `Link to cell ${index + 1}`);
    this.drawTitle();
  }

  /** Draw it, now that it is about to be seen. */
  fill() {
    if (this.filled) return;
    this.filled = true;
    this.sourceElement = make("div", { class: "source" });
    this.outputsElement = make("div", { class: "outputs" });
    this.body.replaceChildren(this.sourceElement, this.badge, this.outputsElement);
    this.drawSource();
    this.drawOutputs(this.data.outputs);
    this.drawState();
  }

  /** About how tall it will be, so that the scroll bar is about right before it is drawn. */
  guess() {
    const lines = this.data.source.split("\n").length + 1;
    const heights = { picture: 300, frame: 180, error: 220 };
    const outputs = this.data.outputs.reduce((sum, block) => sum + (heights[block?.kind] || 40), 0);
    this.element.style.setProperty("--guess", `${20 * lines + outputs + 24}px`);
  }

  drawSource() {
    const { type, source, tree, language } = this.data;
    const content =
      type === "markdown"
        ? make("div", { class: "prose" }, grow(tree))
        : make("pre", { class: "code" }, type === "code" ? coloured(source, language) : source);
    // What may be wider than the page can be scrolled by the keyboard, too.
    const room = innerWidth < 820 ? 36 : 90;
    if (type !== "markdown" && source.split("\n").some((line) => line.length > room)) content.tabIndex = 0;
    this.sourceElement.replaceChildren(content);
  }

  drawOutputs(blocks) {
    blocks.forEach((block, index) => {
      if (block === null) return;
      const place = { session: this.session, cell: this.id, index };
      if (index < this.outputs.length) this.outputs[index].draw(block);
      else {
        this.outputs.push(new Output(block, place));
        this.outputsElement.append(this.outputs[index].element);
      }
    });
    for (const gone of this.outputs.splice(blocks.length)) gone.element.remove();
    this.outputsElement.hidden = blocks.length === 0;
  }

  drawState() {
    const { state, took, count, reason, type } = this.data;
    this.badge.hidden = type !== "code";
    const number = count === null || count === undefined ? "" : `[${count}] `;
    const word = state === "ok" || !state ? "" : STATES[state] || state;
    const time = took === null || took === undefined ? "" : duration(took);
    this.badge.title = reason || "";
    if (state !== "running") say(this.badge, number + [word, time].filter(Boolean).join(" · "));
    this.reason(state, reason);
    this.drawTitle();
  }

  reason(state, reason) {
    const told = ["kernel_died", "not_run", "server_ended"].includes(state) && reason;
    this.reasonElement?.remove();
    this.reasonElement = told ? make("p", { class: "reason" }, reason) : null;
    if (told) this.outputsElement.after(this.reasonElement);
  }

  drawTitle() {
    const word = STATES[this.data.state];
    say(this.title, `Cell ${(this.index ?? 0) + 1}, ${this.data.type}${word ? `, ${word}` : ""}`);
  }

  /** Say for how long it has been running, by the server's clock in seconds. */
  tick(now) {
    if (!this.filled || this.data.state !== "running" || !this.data.started_at) return;
    const number = this.data.count === null || this.data.count === undefined ? "" : `[${this.data.count}] `;
    say(this.badge, `${number}running · ${ticking(now - this.data.started_at)}`);
  }
}
