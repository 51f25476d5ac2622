// Writes that are not saved yet. Each is kept on this device, under one key, until the box has answered for good:
// repeated after a lost answer it gets the first answer again, so nothing is done twice.

import { Away, Refused, link, now, post, remembered } from "./server.js";

const STORED = "ovr.writes";
const AGAIN_MS = 4000;
const LATER = [401, 408, 425, 429];

let list = load();
let busy = false;
let timer = null;
const listeners = [];

export const waiting = () => list;
export const onChange = (listener) => listeners.push(listener);

// `label` says what it does, in words; `done` is not kept over a reload.
export function write(path, fields, label, done = () => {}) {
  if (list.some((item) => !item.refused && item.path === path && item.fields === JSON.stringify(fields))) return;
  list.push({ id: newKey(), path, fields: JSON.stringify(fields), body: bodyOf(fields), label, tapped: Date.now(), done });
  changed();
  flush();
}

export function discard(id) {
  list = list.filter((item) => item.id !== id);
  changed();
}

export async function flush() {
  if (busy) return;
  busy = true;
  clearTimeout(timer);
  try {
    for (let item; (item = list.find((one) => !one.refused)); ) {
      if (!(await attempt(item))) break;
    }
  } finally {
    busy = false;
  }
  if (list.some((item) => !item.refused)) timer = setTimeout(flush, AGAIN_MS);
}

async function attempt(item) {
  try {
    const reply = await post(item.path, item.body, item.id);
    list = list.filter((one) => one !== item);
    changed();
    item.done?.(reply);
    return true;
  } catch (error) {
    const forGood = error instanceof Refused && error.status < 500 && !LATER.includes(error.status);
    Object.assign(item, { problem: error.message, refused: forGood, needsKey: error.status === 401 });
    if (!(error instanceof Away || error instanceof Refused)) item.problem = `This page stumbled: ${error.message}`;
    changed();
    return forGood;
  }
}

// The time is that of the tap, by the box's clock as far as this page knows it: a write may be sent much later.
function bodyOf(fields) {
  const times = { client_ts: `${Date.now()}000000` };
  if (link.offsetMs !== null) Object.assign(times, { ts: `${now()}000000`, client_offset_ns: `${link.offsetMs}000000` });
  // ns do not fit JavaScript's numbers, so their digits are put in as text.
  const digits = Object.entries(times).map(([name, value]) => `"${name}":${value.replace(/^(-?)0+$/, "0")}`);
  return JSON.stringify(fields).replace(/\}$/, `,${digits.join(",")}}`);
}

// crypto.randomUUID needs HTTPS, and a rig's own network has none.
function newKey() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

function load() {
  try {
    return JSON.parse(remembered().getItem(STORED)) ?? [];
  } catch {
    return [];
  }
}

function changed() {
  try {
    remembered().setItem(STORED, JSON.stringify(list));
  } catch {
    // Storage is full or forbidden: the list lives as long as the page.
  }
  listeners.forEach((listener) => listener());
}
