// The service over HTTP: its answers, its clock, and whether it answers at all.

const TIMEOUT_MS = 8000;
const KEY = "ovr.key";

export const link = { lastOk: null, offsetMs: null };

export class Away extends Error {}
export class Refused extends Error {
  constructor(status, problem) {
    super(problem.error ?? problem.detail ?? `The box answered ${status}.`);
    this.status = status;
  }
}

export const now = () => Date.now() + (link.offsetMs ?? 0);
export const key = () => remembered().getItem(KEY);
export const rememberKey = (value) => remembered().setItem(KEY, value);

// A browser may forbid storage: then things are remembered as long as the page is open.
const memory = new Map();
const fallback = { getItem: (name) => memory.get(name) ?? null, setItem: (name, value) => void memory.set(name, value) };
export function remembered() {
  try {
    return window.localStorage;
  } catch {
    return fallback;
  }
}

export async function get(path) {
  const sent = Date.now();
  const reply = await send(path, {});
  if (path === "/api/realtime") learnClock(reply.ts, sent, Date.now());
  return reply;
}

export function post(path, body, idempotencyKey) {
  const headers = { "Content-Type": "application/json", "Idempotency-Key": idempotencyKey };
  if (key()) headers["X-API-Key"] = key();
  return send(path, { method: "POST", headers, body });
}

async function send(path, options) {
  let reply, answer;
  try {
    const headers = { "X-Requested-With": "XMLHttpRequest", ...options.headers };
    reply = await fetch(path, { ...options, headers, cache: "no-store", signal: AbortSignal.timeout(TIMEOUT_MS) });
    answer = await reply.json();
  } catch {
    throw new Away(reply ? `The answer (${reply.status}) did not come from the box.` : "The box does not answer.");
  }
  link.lastOk = Date.now();
  if (!reply.ok) throw new Refused(reply.status, answer);
  return answer;
}

// The middle of the trip is the fairest guess; a slow trip says little.
function learnClock(serverMs, sent, received) {
  if (received - sent < 1000 || link.offsetMs === null) link.offsetMs = Math.round(serverMs - (sent + received) / 2);
}
