// Numbers, times and ages as an operator reads them, and the making of elements.

export const OLD_MS = 10000;

// Text goes in as text only: what an id holds is never read as HTML.
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) made.setAttribute(name, value);
  }
  made.append(...children.flat(2).filter((child) => child !== null && child !== undefined && child !== false));
  return made;
}

// An id in the middle of a sentence must not turn the sentence around.
export const id = (text) => element("bdi", {}, text);

export function listed(names) {
  if (names.length < 2) return names.join("");
  return `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
}

export function power(watts) {
  if (watts === null || watts === undefined) return "–";
  const small = Math.abs(watts) < 1000;
  const digits = { minimumFractionDigits: small ? 0 : 2, maximumFractionDigits: small ? 0 : 2 };
  return `${new Intl.NumberFormat(undefined, digits).format(small ? watts : watts / 1000)} ${small ? "W" : "kW"}`;
}

export function energy(headline) {
  if (!headline || headline.import === null || headline.import === undefined) return "";
  const value = Math.abs(headline.export ?? 0) > headline.import ? headline.export : headline.import;
  const small = value < 10000;
  const digits = { maximumFractionDigits: small ? 0 : 2 };
  return `${new Intl.NumberFormat(undefined, digits).format(small ? value : value / 1000)} ${small ? "" : "k"}${headline.unit}`;
}

export function age(ms) {
  if (ms < 5000) return "now";
  if (ms < 120000) return `${Math.round(ms / 1000)} s old`;
  return ms < 7200000 ? `${Math.round(ms / 60000)} min old` : `${Math.round(ms / 3600000)} h old`;
}

export function runningTime(ms) {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  return [hours, minutes, seconds % 60].map((part) => String(part).padStart(2, "0")).join(":");
}

export function duration(seconds) {
  if (seconds < 120) return `${Math.round(seconds)} s`;
  return seconds < 7200 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`;
}

const today = () => new Date().toDateString();
export function time(ns) {
  const at = new Date(ns / 1e6);
  const clock = at.toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit" });
  return at.toDateString() === today() ? clock : `${at.toLocaleDateString(undefined, { day: "numeric", month: "short" })}, ${clock}`;
}
