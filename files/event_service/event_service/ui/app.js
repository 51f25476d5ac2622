// The operator page: looks at the box every two seconds and draws what changed.

import { get, link, now, rememberKey } from "./server.js";
import { drawNote, drawReports } from "./lists.js";
import { OLD_MS, age, element, id, listed, power, runningTime, time } from "./words.js";
import { discard, flush, onChange, waiting, write } from "./writes.js";

const LOOK_MS = 2000;
const REPORTS_EVERY = 4;
const AWAY_MS = 7000;
const SURE_MS = 10000;

const at = (name) => document.getElementById(name);
const state = {
  live: null,
  status: null,
  notes: [],
  reports: null,
  known: [], // systems that took part before
  chosen: new Set(), // systems to start on
  added: new Set(), // systems that were typed in
  sure: null, // the end button that was tapped once
  about: null, // what the operator chose to write notes about
  open: new Set(), // events whose single ends are shown
};

// Looking -----------------------------------------------------------------------------------------------------------

let looks = 0;
async function look() {
  try {
    const all = looks++ % REPORTS_EVERY === 0;
    const asked = ["/api/realtime", "/api/status", ...(all ? ["/api/notes?limit=8", "/api/reports?limit=12", "/api/systems"] : [])];
    const [live, status, notes, reports, known] = await Promise.all(asked.map(get));
    Object.assign(state, { live, status });
    if (all) Object.assign(state, { notes: notes.notes, reports, known: known.systems });
    draw();
  } catch {
    // The line at the top says how long ago the box answered.
  }
  tick();
}

function lookAtAll() {
  looks = 0;
  return look();
}

function keepLooking() {
  setTimeout(async () => {
    if (!document.hidden) await look();
    keepLooking();
  }, LOOK_MS);
}

// Drawing -----------------------------------------------------------------------------------------------------------

// Elements are replaced only when what they show has changed: a button under a finger stays where it is.
const drawn = new Map();
function put(name, facts, make) {
  const print = JSON.stringify(facts);
  if (drawn.get(name) === print) return;
  drawn.set(name, print);
  at(name).replaceChildren(...make());
}

function draw() {
  const events = Object.entries(state.status.events_grouped);
  for (const [, parts] of events) parts.sort((a, b) => rigsFirst(a.system_id, b.system_id));
  document.body.classList.toggle("running", events.length > 0);
  put("running", [events, state.sure, [...state.open]], () => events.map(drawEvent));
  put("systems", [systems(), [...state.chosen]], () => drawSystems(systems()));
  put("events", state.status.recent_event_ids, () => state.status.recent_event_ids.map(option));
  put("locations", state.status.recent_locations, () => state.status.recent_locations.map(option));
  put("event-chips", state.status.recent_event_ids, () => state.status.recent_event_ids.slice(0, 5).map(eventChip));
  put("notes", state.notes, () => state.notes.map(drawNote));
  if (state.reports) put("reports", state.reports, () => drawReports(state.reports));
  drawAbout(events);
  drawStart();
  fillValues();
  at("store").hidden = !state.live.problem;
  at("store").textContent = "⚠ The box keeps events and notes, but its measurements cannot be read now.";
}

// Ages and running times, every second.
function tick() {
  const silent = link.lastOk === null ? Infinity : Date.now() - link.lastOk;
  const away = silent > AWAY_MS;
  document.body.classList.toggle("cut", away);
  at("link").textContent = link.lastOk === null ? "◔ Connecting…" : away ? "✕ No connection" : "● Connected";
  at("offline").hidden = !away || link.lastOk === null;
  at("offline").textContent =
    `✕ The box has not answered for ${Math.round(silent / 1000)} s. What you see is that old. ` +
    "What you save is kept here and sent when it answers.";
  for (const one of document.querySelectorAll("[data-since]")) one.textContent = runningTime(now() - one.dataset.since);
  for (const one of document.querySelectorAll("[data-at]")) {
    const ms = now() - one.dataset.at;
    one.textContent = ms > OLD_MS ? `⚠ ${age(ms)}` : age(ms);
    one.closest(".value").classList.toggle("old", ms > OLD_MS);
  }
}

// Measurements change with every look: their texts are replaced, the elements stay.
function fillValues() {
  for (const place of document.querySelectorAll("[data-system]")) {
    const one = state.live.systems.find((other) => other.system_id === place.dataset.system);
    const [watts, soc] = [one?.pout ?? one?.p_total, one?.soc];
    const [number, note] = place.children;
    number.textContent = power(watts);
    if (one) note.dataset.at = one.times.pout ?? one.times.p_total ?? one.ts;
    else note.textContent = "no measurement";
    place.previousElementSibling.querySelector(".battery").textContent = typeof soc === "number" ? `battery ${Math.round(soc)} %` : "";
  }
}

function measured(systemId, ...what) {
  return [
    element("span", { class: "who" }, id(systemId)),
    element("span", { class: "what soft" }, element("span", {}, what), element("span", { class: "battery" })),
    element("span", { class: "value", "data-system": systemId }, element("b", {}, "–"), element("small")),
  ];
}

function drawEvent([eventId, parts]) {
  const names = parts.map((part) => part.system_id);
  const since = Math.min(...parts.map((part) => part.started_at)) / 1e6;
  const end = () => write("/api/event/end_all", { event_id: eventId }, `End ${eventId} on ${listed(names)}`, ended);
  return element(
    "article",
    { class: "card event", "aria-label": `Running: ${eventId}` },
    element("header", {}, element("h2", {}, id(eventId)), element("span", { class: "tag" }, "● running")),
    element("p", { class: "clock", "data-since": since }, runningTime(now() - since)),
    element("p", { class: "soft" }, `since ${time(since * 1e6)}`),
    element("ul", {}, parts.map(drawPart)),
    endButton(`all ${eventId}`, "End event", `Tap again: end ${eventId} on ${listed(names)}`, end),
    names.length > 1 && drawSingleEnds(eventId, names),
  );
}

const drawPart = (part) => element("li", { class: "system" }, measured(part.system_id, part.location));

function drawSingleEnds(eventId, names) {
  const toggled = (change) => (change.target.open ? state.open.add(eventId) : state.open.delete(eventId));
  return element(
    "details",
    { open: state.open.has(eventId), ontoggle: toggled },
    element("summary", {}, "End on one system only"),
    names.map((name) => {
      const end = () => write("/api/event/end", { system_id: name, event_id: eventId }, `End ${eventId} on ${name}`, ended);
      return endButton(`one ${eventId} ${name}`, `End on ${name}`, `Tap again: end ${eventId} on ${name} only`, end);
    }),
  );
}

// The first tap only asks: it says what the second one ends.
function endButton(name, text, question, end) {
  if (state.sure !== name) return element("button", { class: "stop", onclick: () => ask(name) }, `■ ${text}`);
  const confirm = () => (ask(null), end());
  return [
    element("button", { class: "stop sure", onclick: confirm }, `■ ${question}`),
    element("button", { class: "keep", onclick: () => ask(null) }, "Let it run"),
  ];
}

let sureTimer = null;
function ask(name) {
  clearTimeout(sureTimer);
  state.sure = name;
  if (name) sureTimer = setTimeout(() => ask(null), SURE_MS);
  draw();
  tick();
  if (name) document.querySelector(".stop.sure")?.focus();
}

function ended() {
  lookAtAll();
}

// Starting ----------------------------------------------------------------------------------------------------------

function systems() {
  const running = new Map(state.status.active_events.map((part) => [part.system_id, part.event_id]));
  const measuring = state.live.systems.map((one) => one.system_id);
  const names = [...new Set([...measuring, ...state.known, ...running.keys(), ...state.added])].sort(rigsFirst);
  return names.map((name) => ({ name, event: running.get(name) ?? null }));
}

const isRig = (name) => state.live.systems.some((one) => one.system_id === name && one.type === "gx");
const rigsFirst = (a, b) => isRig(b) - isRig(a) || a.localeCompare(b);

function drawSystems(all) {
  if (all.length) return all.map(drawSystem);
  return [element("p", { class: "soft" }, "No system has sent a measurement in the last 15 minutes. Add one by its id.")];
}

function drawSystem({ name, event }) {
  const toggled = (change) => choose(name, change.target.checked);
  const [checked, disabled] = [!event && state.chosen.has(name), Boolean(event)];
  const box = element("input", { type: "checkbox", checked, disabled, onchange: toggled });
  return element("label", { class: "system" }, box, measured(name, event && ["in ", id(event)]));
}

function choose(name, on) {
  if (on) state.chosen.add(name);
  else state.chosen.delete(name);
  // The box already shows it: only the button's words change.
  drawn.set("systems", JSON.stringify([systems(), [...state.chosen]]));
  drawStart();
}

const free = () => systems().filter((one) => !one.event && state.chosen.has(one.name)).map((one) => one.name);

function drawStart() {
  const [names, event] = [free(), at("event").value.trim()];
  at("start-text").textContent = names.length && event ? `Start ${event} on ${listed(names)}` : "Start";
  if (names.length && event) at("start-hint").hidden = true;
}

function start(submitted) {
  submitted.preventDefault();
  const [names, event, location] = [free(), at("event").value.trim(), at("location").value.trim()];
  at("start-hint").hidden = names.length > 0;
  at("start-hint").textContent = "✕ Choose at least one system that is not in an event.";
  if (!names.length) return;
  for (const name of names) {
    const fields = { system_id: name, event_id: event, ...(location && { location }) };
    write("/api/event/start", fields, `Start ${event} on ${name}`, () => started(name));
  }
}

function started(name) {
  state.chosen.delete(name);
  if (!waiting().length) {
    at("event").value = at("location").value = "";
    window.scrollTo({ top: 0 });
  }
  lookAtAll();
}

function eventChip(name) {
  const fill = () => ((at("event").value = name), drawStart());
  return element("button", { type: "button", onclick: fill }, id(name));
}

function addSystem() {
  const name = at("system-name").value.trim();
  if (!name) return;
  state.added.add(name);
  state.chosen.add(name);
  at("system-name").value = "";
  draw();
}

const option = (text) => element("option", { value: text });

// Notes -------------------------------------------------------------------------------------------------------------

function drawAbout(events) {
  const parts = events.flatMap(([eventId, taking]) => taking.map((part) => [part.system_id, eventId]));
  const rest = systems().filter((one) => !one.event).map((one) => [one.name, ""]);
  const about = ([system, event]) => (event ? `${event} on ${system}` : `${system}, no event`);
  const all = [...parts, ...rest];
  put("about", all, () =>
    all.length
      ? all.map((one) => element("option", { value: JSON.stringify(one) }, about(one)))
      : [element("option", { value: "" }, "No system is known yet: add one first")],
  );
  // Unless the operator chose otherwise, a note is about what runs.
  const chosen = [...at("about").options].find((one) => one.value === state.about);
  at("about").value = chosen?.value ?? at("about").options[0]?.value;
}

function saveNote(submitted) {
  submitted.preventDefault();
  const msg = at("msg").value.trim();
  const [system, event] = at("about").value ? JSON.parse(at("about").value) : ["", ""];
  if (!msg) return;
  const fields = { ...(system && { system_id: system }), ...(event && { event_id: event }), msg };
  write("/api/note", fields, `Note: ${msg.length > 60 ? `${msg.slice(0, 60)}…` : msg}`, lookAtAll);
  // It is kept in the list of unsaved writes until the box has it.
  at("msg").value = "";
}

// Writes that wait --------------------------------------------------------------------------------------------------

function drawWaiting() {
  at("queue").replaceChildren(...waiting().map(drawWrite));
  at("key").hidden = !waiting().some((item) => item.needsKey);
}

function drawWrite(item) {
  const buttons = (retry) =>
    element(
      "div",
      { class: "row" },
      retry && element("button", { onclick: flush }, "Send now"),
      element("button", { onclick: () => discard(item.id) }, item.refused ? "Put aside" : "Do not send"),
    );
  if (item.refused) {
    return element("div", { class: "item bad", role: "alert" }, `✕ Not done: ${item.label}. ${item.problem}`, buttons(false));
  }
  if (!item.problem) return element("div", { class: "item warn" }, `◔ Saving: ${item.label}`);
  const told = `◔ Not saved yet: ${item.label}, tapped at ${time(item.tapped * 1e6)}. ${item.problem} It is sent again by itself.`;
  return element("div", { class: "item warn" }, told, buttons(true));
}

function useKey(submitted) {
  submitted.preventDefault();
  rememberKey(at("key-value").value.trim());
  at("key-value").value = "";
  flush();
}

// -------------------------------------------------------------------------------------------------------------------

at("start").addEventListener("submit", start);
at("event").addEventListener("input", drawStart);
at("add-system").addEventListener("click", addSystem);
at("note").addEventListener("submit", saveNote);
at("about").addEventListener("change", () => (state.about = at("about").value));
at("key-form").addEventListener("submit", useKey);
onChange(drawWaiting);
for (const moment of ["online", "pageshow"]) addEventListener(moment, () => (flush(), lookAtAll()));
document.addEventListener("visibilitychange", () => document.hidden || (flush(), lookAtAll()));
setInterval(tick, 1000);
drawWaiting();
keepLooking();
