// The notebook that is shown: its cells in order, drawn as they come near, and followed while they run.

import { Cell } from "./cell.js";
import { find } from "./dom.js";

const NEAR = "1200px 0px";
const idle = window.requestIdleCallback || ((work) => setTimeout(() => work({ timeRemaining: () => 8 }), 50));

export class Notebook {
  constructor(session) {
    this.session = session;
    this.since = null;
    this.cells = new Map();
    this.order = [];
    this.place = find("cells");
    this.place.replaceChildren();
    this.near = new IntersectionObserver(
      (entries) => {
        for (const entry of entries)
          if (entry.isIntersecting) {
            entry.target.drawing.fill();
            this.near.unobserve(entry.target);
          }
      },
      { rootMargin: NEAR },
    );
    this.closed = false;
  }

  /** Take what has changed. */
  take(news) {
    if (news.whole) {
      for (const cell of this.cells.values()) cell.element.remove();
      this.cells.clear();
    }
    this.since = news.since;
    const fresh = [];
    for (const data of news.cells) {
      const cell = this.cells.get(data.id);
      if (cell) cell.take(data);
      else {
        const made = new Cell(this.session, data);
        this.cells.set(data.id, made);
        fresh.push(made);
      }
    }
    if (news.order) this.arrange(news.order);
    for (const cell of fresh) this.near.observe(cell.element);
    if (fresh.length) this.fillBehind();
    find("none").hidden = this.order.length > 0;
  }

  arrange(order) {
    const wanted = new Set(order);
    for (const [id, cell] of this.cells)
      if (!wanted.has(id)) {
        cell.element.remove();
        this.cells.delete(id);
      }
    this.order = order;
    let after = null;
    order.forEach((id, index) => {
      const { element } = this.cells.get(id);
      const next = after ? after.nextSibling : this.place.firstChild;
      if (next !== element) this.place.insertBefore(element, next);
      this.cells.get(id).place(index);
      after = element;
    });
  }

  /** Draw the rest while there is nothing else to do: then the browser's search finds all of it. */
  fillBehind() {
    const rest = [...this.cells.values()].filter((cell) => !cell.filled);
    const work = (deadline) => {
      while (rest.length && !this.closed && deadline.timeRemaining() > 4) rest.shift().fill();
      if (rest.length && !this.closed) idle(work);
    };
    idle(work);
  }

  /** Scroll to a cell and put the focus there; says whether there is one. */
  show(id) {
    const cell = this.cells.get(id);
    if (!cell) return false;
    cell.fill();
    cell.element.scrollIntoView({ block: "start" });
    cell.element.focus({ preventScroll: true });
    return true;
  }

  /** Keep the end of the running cell in sight. */
  follow(id) {
    const cell = this.cells.get(id);
    if (!cell) return;
    cell.fill();
    const { top, bottom } = cell.element.getBoundingClientRect();
    const room = innerHeight - 24;
    if (bottom > room) scrollBy({ top: bottom - room, behavior: "instant" });
    else if (top < 0 && bottom < room / 2) scrollBy({ top: bottom - room, behavior: "instant" });
  }

  tick(now, running) {
    this.cells.get(running)?.tick(now);
  }

  close() {
    this.closed = true;
    this.near.disconnect();
    this.place.replaceChildren();
  }
}
