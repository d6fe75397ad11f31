// Making elements. Text only ever goes in as text.

/** Make an element: attributes, `class` among them; children are elements or text. */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/** Make an element of a drawing. */
export function draw(tag, attributes = {}) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}

export const find = (id) => document.getElementById(id);

/** Change a text only if it is another one: nobody is told of it twice. */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

export const base = document.documentElement.dataset.base;

const TAGS = new Set(
  (
    "p br hr h1 h2 h3 h4 h5 h6 ul ol li dl dt dd blockquote pre code kbd samp var em strong b i u s del ins sub " +
    "sup mark small abbr cite q span div a img table thead tbody tfoot tr th td caption details summary"
  ).split(" "),
);
const NAMES = new Set("title alt colspan rowspan scope start align open headers abbr dir lang".split(" "));
const LOWERED = { h1: "h4", h2: "h5", h3: "h6", h4: "h6", h5: "h6" };

/** Make the elements of a tree that the server has cleaned; what is on no list here is left out all the same. */
export function grow(tree) {
  const grown = document.createDocumentFragment();
  for (const item of tree) {
    if (typeof item === "string") grown.append(item);
    else if (TAGS.has(item.tag)) grown.append(element(item));
  }
  return grown;
}

const ROOM = 50; // characters that a phone has room for

function isWide(tag, made) {
  if (tag === "pre") return made.textContent.split("\n").some((line) => line.length > ROOM);
  return tag === "table" && [...made.querySelectorAll("tr")].some((row) => row.textContent.length > ROOM);
}

function element(item) {
  // The page has headings above those of a text: the outline goes on below them, the look stays.
  const made = make(LOWERED[item.tag] || item.tag);
  if (LOWERED[item.tag]) made.classList.add(`was-${item.tag}`);
  for (const [name, value] of Object.entries(item.attributes)) if (NAMES.has(name)) made.setAttribute(name, value);
  const { href, src } = item.attributes;
  if (item.tag === "a" && /^(https?:\/\/|mailto:)/i.test(href || "")) {
    made.href = href;
    made.target = "_blank";
    made.rel = "noopener noreferrer";
  }
  if (item.tag === "img" && src) {
    made.src = src.startsWith("files/") ? base + src : src.startsWith("data:image/") ? src : "";
    made.loading = "lazy";
    made.referrerPolicy = "same-origin"; // JupyterLab's files want to know who asks
    if (!made.hasAttribute("alt")) made.alt = "";
  }
  made.append(grow(item.children));
  if (isWide(item.tag, made)) made.tabIndex = 0; // it scrolls, and so it must for the keyboard
  return made;
}
