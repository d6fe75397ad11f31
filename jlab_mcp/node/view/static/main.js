// The page: asks what is new, again and again, and shows it.

import { call, drop, LoggedOut, Refused } from "./calls.js";
import { watchHost } from "./curves.js";
import { base, find, make, say } from "./dom.js";
import { Notebook } from "./notebook.js";
import { listSessions, showHead } from "./sessions.js";
import { left } from "./words.js";

const WAIT = 20; // seconds that a call waits for news
const PAUSE = 80; // milliseconds between two calls at least
const LONGEST = 15; // seconds between two tries

let known = null;
let overview = null;
let notebook = null;
let skew = 0; // the server's clock less ours, in seconds
let idleEnds = null;
let wanted = route();
let wake = () => {};
let connected = false;

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const now = () => Date.now() / 1000 + skew;
const shownSession = () => overview?.sessions.find((each) => each.session_id === notebook?.session) || null;

/** The address after `#`: a session, and one of its cells. */
function route() {
  const [session, cell] = location.hash.slice(1).split("/").map(decodeURIComponent);
  return { session: session && session !== "notebook" ? session : null, cell: cell || null };
}

// -- what is new ---------------------------------------------------------------------------------

async function watch() {
  for (let failures = 0; ; ) {
    try {
      await look();
      failures = 0;
      await pause(PAUSE);
    } catch (error) {
      connected = false;
      if (error instanceof LoggedOut) return loggedOut();
      failures += 1;
      if (!(error instanceof Refused)) drop();
      else console.warn(error);
      await retry(Math.min(LONGEST, 2 ** (failures - 1)), failures);
    }
  }
}

async function look() {
  const session = notebook?.session || null;
  const query = { wait: connected ? WAIT : 0, known, session, since: notebook?.since ?? null };
  const asked = call("GET", "view", { query: drained(query), wait: WAIT });
  const woken = new Promise((resolve) => (wake = () => resolve(null)));
  const news = await Promise.race([asked, woken]);
  if (news === null) {
    asked.catch(() => {}); // another session is looked at: what comes of this call is of no use
    return;
  }
  skew = news.now - Date.now() / 1000;
  idleEnds = news.idle_ends_in_s === null ? null : now() + news.idle_ends_in_s;
  if (!connected) link("live", "Live");
  connected = true;
  take(news, session);
}

const drained = (query) => Object.fromEntries(Object.entries(query).filter(([, value]) => value !== null));

function take(news, session) {
  if (news.overview) {
    if (overview && overview.server.server_id !== news.overview.server.server_id) say(find("said"), "Another server runs now.");
    overview = news.overview;
    known = news.known;
    choose();
  }
  if (news.notebook && notebook?.session === session) {
    notebook.take(news.notebook);
    if (wanted.cell && notebook.show(wanted.cell)) {
      find("follow").checked = false;
      wanted.cell = null;
    }
  }
  showAll();
  const running = shownSession()?.running;
  if (find("follow").checked && running) notebook.follow(running.cell);
}

// -- what is shown -------------------------------------------------------------------------------

/** Show the session that the address names, else the one that runs, else the newest. */
function choose() {
  const { sessions } = overview;
  const open = (id) => sessions.some((each) => each.session_id === id);
  let id = wanted.session;
  if (!id) {
    if (notebook && open(notebook.session)) return;
    const best = sessions.find((each) => each.running) || [...sessions].sort((a, b) => b.created_at - a.created_at)[0];
    id = best?.session_id || null;
  }
  if (notebook?.session === id && open(id)) return;
  notebook?.close();
  notebook = id && open(id) ? new Notebook(id) : null;
}

function showAll() {
  const session = shownSession();
  find("empty").hidden = overview.sessions.length > 0 || Boolean(wanted.session);
  find("gone").hidden = !wanted.session || Boolean(session);
  find("shown").hidden = !session;
  listSessions(overview.sessions, session?.session_id);
  if (session) showHead(session, notebook);
  const { server } = overview;
  say(find("project"), server.folder);
  const job = server.job_id ? `job ${server.job_id}` : server.profile === "local" ? "" : server.profile;
  say(find("place"), [server.hostname, job].filter(Boolean).join(" · "));
  const state = session?.running ? "▶ " : "";
  say(document.querySelector("title"), `${state}${session ? `${session.name} · ` : ""}${server.folder} · jlab-mcp`);
  if (server.ending) trouble(`The server is ending (${server.ending}). The notebooks are saved.`);
  else find("trouble").hidden = true;
  tick();
}

function tick() {
  if (!overview) return;
  const running = shownSession()?.running;
  if (connected && running) {
    notebook.tick(now(), running.cell);
    showHead(shownSession(), notebook, now());
  }
  const ends = overview.server.ends_at;
  const soon = ends !== null ? ends - now() : idleEnds !== null ? idleEnds - now() : null;
  const place = find("left");
  place.hidden = soon === null;
  if (soon !== null) {
    say(place, ends !== null ? `${left(Math.max(0, soon))} left` : `ends in ${left(Math.max(0, soon))} if idle`);
    place.classList.toggle("soon", soon < 600);
  }
}

// -- how the connection is -----------------------------------------------------------------------

function link(state, words) {
  find("link").dataset.state = state;
  say(find("linkword"), words);
}

function trouble(words, ...more) {
  const place = find("trouble");
  if (place.dataset.words !== words || place.hidden) place.replaceChildren(make("span", {}, words), ...more);
  place.dataset.words = words;
  place.hidden = false;
}

async function retry(seconds, failures) {
  const ended = overview?.server.ending;
  link("lost", ended ? "Ended" : "Not connected");
  if (ended) trouble(`The server has ended (${ended}). What is shown is the last that was seen; the notebooks are saved.`);
  else if (failures > 1) {
    const button = make("button", { class: "button small" }, "Try now");
    trouble("The server does not answer: it may have ended, or the way to it is cut. It is tried again.", button);
    button.addEventListener("click", () => wake());
  }
  await Promise.race([pause(seconds * 1000), new Promise((resolve) => (wake = resolve))]);
}

function loggedOut() {
  link("lost", "Logged out");
  const next = encodeURIComponent(location.pathname + location.hash);
  trouble("This browser is not logged in any more. ", make("a", { href: `${base}login?next=${next}` }, "Log in"));
}

// -- what a person does --------------------------------------------------------------------------

async function interrupt() {
  const session = shownSession();
  if (!session) return;
  const dialog = find("ask");
  const cell = session.running?.index;
  const which = cell === null || cell === undefined ? "What runs" : `Cell ${cell + 1}`;
  const queued = session.queued ? ` The ${session.queued} queued behind it will not be run.` : "";
  say(find("ask-text"), `${which} of “${session.name}” is interrupted, as by Kernel → Interrupt. Variables stay.${queued}`);
  dialog.returnValue = "no";
  dialog.showModal();
  await new Promise((resolve) => dialog.addEventListener("close", resolve, { once: true }));
  if (dialog.returnValue !== "yes") return;
  say(find("said"), "Interrupting.");
  try {
    const request = crypto.getRandomValues(new Uint32Array(4)).join("-");
    const path = `sessions/${encodeURIComponent(session.session_id)}/interrupt`;
    const answer = await call("POST", path, { query: { request }, wait: 15 });
    say(find("said"), answer.interrupted ? "It was interrupted." : "It has not stopped yet.");
  } catch (error) {
    say(find("said"), "It could not be interrupted.");
    if (!(error instanceof Refused)) throw error;
  }
}

addEventListener("hashchange", () => {
  if (location.hash === "#notebook") return;
  wanted = route();
  find("side").classList.remove("open");
  find("menu").setAttribute("aria-expanded", "false");
  if (!overview) return;
  choose();
  if (wanted.cell && notebook?.show(wanted.cell)) {
    wanted.cell = null;
    find("follow").checked = false;
  }
  showAll();
  wake();
});
find("interrupt").addEventListener("click", interrupt);
find("menu").addEventListener("click", () => {
  const open = find("side").classList.toggle("open");
  find("menu").setAttribute("aria-expanded", String(open));
});
find("follow").addEventListener("change", (event) => {
  const running = shownSession()?.running;
  if (event.target.checked && running) notebook.follow(running.cell);
});
// Who scrolls up wants to read there.
addEventListener("wheel", (event) => event.deltaY < 0 && (find("follow").checked = false), { passive: true });
addEventListener("touchmove", () => (find("follow").checked = false), { passive: true });
addEventListener("keydown", (event) => {
  if (["PageUp", "Home", "ArrowUp"].includes(event.key)) find("follow").checked = false;
});
addEventListener("online", () => wake());
setInterval(tick, 1000);
watch();
watchHost(() => connected);
