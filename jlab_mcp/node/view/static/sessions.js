// The list of sessions, and the head of the one that is shown.

import { base, find, make, say } from "./dom.js";
import { plural, ticking } from "./words.js";

const STATES = { idle: "idle", busy: "busy", starting: "starting", restarting: "restarting", dead: "dead" };

/** The state of a session in a word, and how it is marked. */
function stateOf(session) {
  if (session.dead) return ["dead", "kernel died"];
  if (session.running) return ["busy", session.queued ? `running, ${session.queued} queued` : "running"];
  return [session.kernel_state, STATES[session.kernel_state] || session.kernel_state];
}

/** Show the list; the entries that are there stay, so that the focus does. */
export function listSessions(sessions, shown) {
  const list = find("sessions");
  const entries = new Map([...list.children].map((entry) => [entry.dataset.session, entry]));
  sessions.forEach((session, at) => {
    let entry = entries.get(session.session_id);
    entries.delete(session.session_id);
    if (!entry) {
      const link = make("a", { href: `#${encodeURIComponent(session.session_id)}` });
      link.append(make("span", { class: "dot", "aria-hidden": "true" }), make("span", { class: "what" }), make("span", { class: "how" }), make("span", { class: "line" }));
      entry = make("li", { "data-session": session.session_id }, link);
    }
    if (list.children[at] !== entry) list.insertBefore(entry, list.children[at] || null);
    const [mark, word] = stateOf(session);
    const link = entry.firstChild;
    link.dataset.state = mark;
    if (session.session_id === shown) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
    say(link.querySelector(".what"), session.name);
    say(link.querySelector(".how"), `${word} · ${plural(session.cells, "cell")}`);
    say(link.querySelector(".line"), session.running?.line || "");
  });
  for (const entry of entries.values()) entry.remove();
  say(find("count"), sessions.length ? String(sessions.length) : "");
}

/** Show the head of a session's notebook; `now` is the server's time in seconds, where it ticks. */
export function showHead(session, notebook, now = null) {
  say(find("title"), session.name);
  say(find("path"), `${session.notebook} · ${session.kernel}`);
  find("lab").href = `${base}lab/tree/${session.notebook.split("/").map(encodeURIComponent).join("/")}`;
  const [mark, word] = stateOf(session);
  const state = find("state");
  state.dataset.state = mark;
  if (session.running) {
    const { index, cell, started_at: since } = session.running;
    const words = `${index === null ? "running" : `Cell ${index + 1}`}${now && since ? ` · ${ticking(now - since)}` : ""}`;
    const queued = session.queued ? ` · ${session.queued} queued` : "";
    let link = state.querySelector("a");
    if (!link) {
      link = make("a");
      state.replaceChildren(make("span", { class: "dot", "aria-hidden": "true" }), link);
    }
    link.href = `#${encodeURIComponent(session.session_id)}/${encodeURIComponent(cell)}`;
    if (now || !link.textContent) say(link, words + queued);
  } else state.replaceChildren(make("span", { class: "dot", "aria-hidden": "true" }), word);
  find("interrupt").disabled = session.kernel_state !== "busy" || Boolean(session.dead);
  notices(session);
}

function notices(session) {
  const words = [];
  if (session.dead) words.push(["bad", `${capital(session.dead)}. All variables are gone; the notebook is kept. The agent can start a fresh kernel, or you in JupyterLab.`]);
  else if (session.notice) words.push(["note", `${capital(session.notice)}.`]);
  if (session.save_error) words.push(["bad", `${capital(session.save_error)}.`]);
  const place = find("notices");
  const text = JSON.stringify(words);
  if (place.dataset.text === text) return;
  place.dataset.text = text;
  place.replaceChildren(...words.map(([kind, each]) => make("p", { class: `notice ${kind}`, role: kind === "bad" ? "alert" : null }, each)));
}

const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);
