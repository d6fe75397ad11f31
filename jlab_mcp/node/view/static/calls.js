// The way to the node API: calls over one websocket, or over HTTP where none gets through.

import { base } from "./dom.js";

const API = `${base}jlab-mcp/v1/`;
const OPENS = 10_000; // milliseconds in which a websocket opens
const SLACK = 20_000; // more than a call waits, after which its connection is taken for dead

export class LoggedOut extends Error {}
export class Lost extends Error {}
export class Refused extends Error {}

let socket = null;
let number = 0;
let plain = false; // no websocket gets through
const waiting = new Map();

/** Make a call; `wait` seconds of it may pass by design. */
export async function call(method, path, { query = {}, body = {}, wait = 0 } = {}) {
  if (!plain && (await opened())) {
    const answer = await over({ method, path, query, body }, wait * 1000 + SLACK);
    return checked(answer.status, answer.body);
  }
  return overHttp(method, path, query, body, wait * 1000 + SLACK);
}

/** Let the connection go; the next call makes a new one. */
export function drop() {
  socket?.close();
  socket = null;
}

function checked(status, body) {
  if (status === 401 || status === 403) throw new LoggedOut();
  if (status >= 400) throw new Refused(body?.error?.message || `status ${status}`);
  return body;
}

async function opened() {
  if (socket && socket.readyState === WebSocket.OPEN) return true;
  const address = new URL(`${API}calls`, location.href);
  address.protocol = address.protocol.replace("http", "ws");
  const made = new WebSocket(address);
  const open = await new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), OPENS);
    const settle = (value) => {
      clearTimeout(timer);
      resolve(value);
    };
    made.addEventListener("open", () => settle(true));
    made.addEventListener("close", () => settle(false));
  });
  if (!open) {
    made.close();
    // Nobody there, logged out, or no websocket: an ordinary request tells.
    await overHttp("GET", "info", {}, {}, OPENS);
    plain = true;
    return false;
  }
  socket = made;
  made.addEventListener("message", (event) => {
    const answer = JSON.parse(event.data);
    waiting.get(answer.id)?.resolve(answer);
  });
  made.addEventListener("close", () => {
    for (const each of waiting.values()) if (each.socket === made) each.reject(new Lost());
    if (socket === made) socket = null;
  });
  return true;
}

function over(request, limit) {
  const mine = socket;
  const id = (number += 1);
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      mine.close();
      reject(new Lost());
    }, limit);
    const settled = (settle) => (value) => {
      clearTimeout(timer);
      waiting.delete(id);
      settle(value);
    };
    waiting.set(id, { socket: mine, resolve: settled(resolve), reject: settled(reject) });
    mine.send(JSON.stringify({ id, ...request }));
  });
}

async function overHttp(method, path, query, body, limit) {
  const address = new URL(API + path, location.href);
  for (const [key, value] of Object.entries(query)) if (value !== null) address.searchParams.set(key, value);
  const headers = { "X-XSRFToken": document.cookie.match(/(?:^|; )_xsrf=([^;]*)/)?.[1] || "" };
  let response;
  try {
    response = await fetch(address, {
      method,
      headers,
      body: method === "POST" ? JSON.stringify(body) : undefined,
      signal: AbortSignal.timeout(limit),
      redirect: "error",
    });
  } catch {
    throw new Lost();
  }
  if (response.status >= 502) throw new Lost(); // something in between: what is behind it does not answer
  let content = null;
  try {
    content = await response.json();
  } catch {
    if (response.ok) throw new Lost();
  }
  return checked(response.status, content);
}
