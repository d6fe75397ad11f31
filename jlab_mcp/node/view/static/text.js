// Text of a terminal: the colours and weights of its escape sequences, as elements.

import { make } from "./dom.js";

// eslint-disable-next-line no-control-regex
const SEQUENCE = /\x1b\[([0-9;:]*)([A-Za-z])|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[()][A-Za-z0-9]|\x1b[A-Za-z=>]/g;
const LEVELS = [0, 95, 135, 175, 215, 255];

const PLAIN = Object.freeze({ fg: null, bg: null, bold: false, dim: false, italic: false, under: false, strike: false, inverse: false });

/** Turns pieces of text into elements; colours go on from one piece to the next. */
export class Terminal {
  constructor() {
    this.style = PLAIN;
  }

  /** Return the elements of a piece. */
  take(text) {
    const made = document.createDocumentFragment();
    if (!text.includes("\x1b")) {
      this.add(made, text);
      return made;
    }
    let from = 0;
    for (const match of text.matchAll(SEQUENCE)) {
      this.add(made, text.slice(from, match.index));
      from = match.index + match[0].length;
      if (match[2] === "m") this.set(match[1].split(/[;:]/).map((code) => Number(code || 0)));
    }
    this.add(made, text.slice(from));
    return made;
  }

  add(made, text) {
    if (!text) return;
    const style = this.style;
    if (style === PLAIN) {
      made.append(text);
      return;
    }
    const span = make("span", {}, text);
    let { fg, bg } = style;
    if (style.inverse) {
      span.classList.add("inverse");
      [fg, bg] = [bg, fg];
    }
    if (typeof fg === "number") span.classList.add(`fg${fg}`);
    else if (fg) {
      span.classList.add("own");
      span.style.setProperty("--own", fg);
    }
    if (typeof bg === "number") span.classList.add(`bg${bg}`);
    else if (bg) span.style.backgroundColor = bg;
    for (const name of ["bold", "dim", "italic", "under", "strike"]) if (style[name]) span.classList.add(name);
    made.append(span);
  }

  set(codes) {
    const next = { ...this.style };
    for (let at = 0; at < codes.length; at += 1) {
      const code = codes[at];
      if (code === 0) Object.assign(next, PLAIN);
      else if (code === 1) next.bold = true;
      else if (code === 2) next.dim = true;
      else if (code === 3) next.italic = true;
      else if (code === 4) next.under = true;
      else if (code === 7) next.inverse = true;
      else if (code === 9) next.strike = true;
      else if (code === 22) next.bold = next.dim = false;
      else if (code === 23) next.italic = false;
      else if (code === 24) next.under = false;
      else if (code === 27) next.inverse = false;
      else if (code === 29) next.strike = false;
      else if (code >= 30 && code <= 37) next.fg = code - 30;
      else if (code === 39) next.fg = null;
      else if (code >= 40 && code <= 47) next.bg = code - 40;
      else if (code === 49) next.bg = null;
      else if (code >= 90 && code <= 97) next.fg = code - 82;
      else if (code >= 100 && code <= 107) next.bg = code - 92;
      else if (code === 38 || code === 48) {
        const [colour, used] = extended(codes.slice(at + 1));
        next[code === 38 ? "fg" : "bg"] = colour;
        at += used;
      }
    }
    const plain = Object.keys(PLAIN).every((key) => next[key] === PLAIN[key]);
    this.style = plain ? PLAIN : next;
  }
}

function extended([kind, a, b, c]) {
  if (kind === 2) return [`rgb(${[a, b, c].map((part) => Math.min(255, part || 0)).join(",")})`, 4];
  if (kind !== 5) return [null, 0];
  if (a < 16) return [a, 2];
  if (a >= 232) {
    const grey = 8 + 10 * (a - 232);
    return [`rgb(${grey},${grey},${grey})`, 2];
  }
  const cube = a - 16;
  const parts = [Math.floor(cube / 36), Math.floor(cube / 6) % 6, cube % 6].map((part) => LEVELS[part]);
  return [`rgb(${parts.join(",")})`, 2];
}
