// The host's curves: processors, memory, GPUs.

import { call } from "./calls.js";
import { draw, find, make, say } from "./dom.js";
import { bytes } from "./words.js";

const EVERY = 3000; // milliseconds
const SPAN = 600; // seconds that a curve shows
const LEAST = 60; // of which so many are there from the start
const [WIDTH, HEIGHT] = [200, 36];

const points = [];
const drawn = new Map(); // curves by name

/** Ask again and again, while the page is seen and `mayAsk` says so. */
export async function watchHost(mayAsk) {
  for (;;) {
    if (mayAsk() && !document.hidden) {
      try {
        take(await call("GET", "view/curves", { query: { after: Math.floor(points.at(-1)?.at || 0) } }));
      } catch {
        // The page's own calls find out what is wrong, and say it.
      }
    }
    await new Promise((resolve) => setTimeout(resolve, EVERY));
  }
}

function take({ host, points: news }) {
  const known = points.at(-1)?.at || 0;
  points.push(...news.filter((point) => point.at > known));
  while (points.length && points[0].at < points.at(-1).at - SPAN) points.shift();
  const { cpus, memory, gpus } = host;
  const used = memory.total && memory.available !== null ? memory.total - memory.available : null;
  curve("Processors", percent(cpus.percent), `${cpus.usable ?? cpus.count ?? "?"} usable`, (point) => point.cpu);
  curve("Memory", used === null ? "–" : bytes(used), memory.total ? `of ${bytes(memory.total)}` : "", (point) => point.memory);
  gpus.forEach((gpu, at) => {
    const name = gpus.length > 1 ? `GPU ${gpu.index ?? at}` : "GPU";
    curve(name, percent(gpu.utilization), gpu.name || "", (point) => point.gpus[at]?.busy);
    if (gpu.memory_total)
      curve(`${name} memory`, bytes(gpu.memory_used || 0), `of ${bytes(gpu.memory_total)}`, (point) => point.gpus[at]?.memory);
  });
}

const percent = (value) => (value === null || value === undefined ? "–" : `${Math.round(value)} %`);

function curve(name, value, more, of) {
  let made = drawn.get(name);
  if (!made) {
    made = begun(name);
    drawn.set(name, made);
    find("curves").append(made.figure);
  }
  say(made.value, value);
  say(made.more, more);
  const end = points.at(-1)?.at || 0;
  const span = Math.min(SPAN, Math.max(LEAST, end - (points[0]?.at || end)));
  const places = points
    .filter((point) => typeof of(point) === "number")
    .map((point) => [WIDTH - ((end - point.at) / span) * WIDTH, HEIGHT - 1 - (of(point) / 100) * (HEIGHT - 3)]);
  const line = places.map(([x, y], at) => `${at ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`).join("");
  made.line.setAttribute("d", line);
  made.area.setAttribute("d", places.length ? `${line}L${places.at(-1)[0]} ${HEIGHT}L${places[0][0]} ${HEIGHT}Z` : "");
}

function begun(name) {
  const svg = draw("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", "aria-hidden": "true" });
  const area = draw("path", { class: "area" });
  const line = draw("path", { class: "line", "vector-effect": "non-scaling-stroke" });
  svg.append(area, line);
  const value = make("strong");
  const more = make("span", { class: "more" });
  const caption = make("figcaption", {}, make("span", {}, name), " ", value, " ", more);
  return { figure: make("figure", { class: "curve" }, caption, svg), value, more, line, area };
}
