// What was noted and reported, as list items.

import { duration, element, energy, id, time } from "./words.js";

export function drawNote(note) {
  return element(
    "li",
    {},
    element("span", { class: "soft" }, `${time(note.timestamp)} · `, id(note.event_id), " · ", id(note.system_id)),
    element("p", {}, note.note),
  );
}

const STATES = {
  final: ["good", "✓ final"],
  provisional: ["warn", "◔ provisional"],
  queued: ["warn", "◔ being made"],
  running: ["warn", "◔ being made"],
  failed: ["bad", "✕ failed"],
};

export function drawReports({ pending, reports }) {
  if (!pending.length && !reports.length) return [element("li", { class: "soft" }, "None yet. A report is made when an event ends.")];
  return [...pending.map(drawPending), ...reports.map(drawReport)];
}

function drawPending(one) {
  return element(
    "li",
    {},
    reportLink(one, element("span", { class: "soft" }, `ended ${time(one.ended_at)}`), one.state),
    one.error && element("p", { class: "problem" }, one.error),
  );
}

function drawReport(one) {
  const [first, ...others] = one.summary.systems ?? [];
  const taken = [energy(first), others.length && `and ${others.length} more`].filter(Boolean).join(", ");
  const when = `${time(one.ended_at)} · ${duration(one.duration_seconds)}`;
  const facts = element("span", { class: "soft" }, when, taken && ` · ${first.system_id} ${taken}`);
  return element("li", {}, reportLink(one, facts, one.state));
}

function reportLink(one, facts, word) {
  const [kind, text] = STATES[word] ?? ["warn", word];
  const address = `/api/reports/${encodeURIComponent(one.event_id)}/html?run=${encodeURIComponent(one.run_id)}`;
  return element(
    "a",
    { href: address },
    element("span", {}, element("b", {}, id(one.event_id)), element("br"), facts),
    element("span", { class: `badge ${kind}` }, text),
  );
}
