// Incidents: what happened, what was missed, was it recovered.

import { clock, day, make, none, plural, put, putName, seconds } from "./format.js";

const list = document.getElementById("incidents");
const open = new Map(); // number -> {details, parts, signature}
const words = { outage: ["outage", "down"], degraded: ["degraded", "degraded"], gap: ["gap", "degraded"] };

function headOf(it) {
  const lasted = it.until === null ? `for ${seconds(it.seconds)}, going on` : `for ${seconds(it.seconds)}`;
  return `${lasted}; ${it.fate}${it.attempts ? `; ${plural(it.attempts, "attempt")}` : ""}`;
}

function entry(it) {
  const details = make("details");
  details.dataset.number = it.number;
  const summary = make("summary");
  const when = make("span", "when", day(it.since));
  const what = make("span", "what");
  const [word, colour] = words[it.kind];
  what.append(make("span", `word w-${colour}`, word), " ", make("span", "title", it.title));
  const fate = make("span", "fate", headOf(it));
  summary.append(when, what, fate);
  const account = make("div", "account");
  details.append(summary, account);
  const one = { details, title: what.lastChild, fate, account, signature: "" };
  details.addEventListener("toggle", () => { if (details.open) load(it.number, one); });
  return one;
}

async function load(number, one) {
  try {
    const answer = await fetch(`/incidents/${number}.json`);
    if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
    show(one.account, await answer.json());
  } catch (error) {
    one.account.replaceChildren(make("p", "empty", `The account could not be read (${error.message}); close and open it again.`));
  }
}

function show(account, it) {
  const steps = make("ol");
  const half = it.steps_left_out ? Math.ceil(it.steps.length / 2) : -1;
  it.steps.forEach((step, number) => {
    if (number === half) steps.append(make("li", "", `… ${plural(it.steps_left_out, "step")} left out …`));
    const line = make("li");
    line.append(make("time", "", clock(step.at)), make("span", "", step.text));
    steps.append(line);
  });
  const happened = make("div");
  happened.append(make("h3", "", "What happened"), steps);
  const missed = make("div");
  missed.append(make("h3", "", "What was missed, and was it recovered?"));
  if (!it.missed.length) {
    missed.append(make("p", "", "No feed missed anything."));
  } else {
    const box = make("div", "scroll");
    box.tabIndex = 0;
    box.setAttribute("role", "region");
    box.setAttribute("aria-label", "What was missed");
    const table = make("table");
    const head = make("tr");
    for (const name of ["Feed", "Recovered?", "Since", "Until", "Rows back", "Cause"]) {
      const cell = make("th", "", name);
      cell.scope = "col";
      head.append(cell);
    }
    table.append(head);
    for (const gap of it.missed) {
      const row = make("tr");
      const fate = { recovered: ["recovered", "w-ok"], unrecoverable: ["lost for good", "bad"], open: ["being looked for", "warn"] }[gap.status];
      putName(row.insertCell(), gap.subscription);
      row.append(make("td", fate[1], fate[0] + (gap.note ? " *" : "")),
        make("td", "", clock(gap.since)), make("td", "", gap.until === null ? none : clock(gap.until)),
        make("td", "", String(gap.recovered_count)), make("td", "", gap.cause));
      table.append(row);
      if (gap.note) row.cells[1].title = gap.note;
    }
    box.append(table);
    missed.append(box);
    const notes = new Set(it.missed.filter((gap) => gap.note).map((gap) => gap.note));
    for (const note of notes) missed.append(make("p", "note", `* never known: ${note}`));
    if (it.missed_left_out) missed.append(make("p", "note", `${plural(it.missed_left_out, "gap")} more`));
  }
  account.replaceChildren(happened, missed);
}

export function draw(state) {
  const total = state.incident_count;
  put(document.getElementById("incident-count"), total ? `${total} since the start${total > state.incidents.length ? `, the last ${state.incidents.length} shown` : ""}` : "");
  if (!state.incidents.length) return;
  const numbers = new Set(state.incidents.map((it) => it.number));
  for (const [number, one] of open) {
    if (!numbers.has(number)) { one.details.remove(); open.delete(number); }
  }
  list.querySelector(".empty:only-child")?.remove();
  for (const it of [...state.incidents].reverse()) {
    let one = open.get(it.number);
    if (!one) {
      one = entry(it);
      open.set(it.number, one);
      list.prepend(one.details);
    }
    put(one.title, it.title);
    put(one.fate, headOf(it));
    const signature = JSON.stringify([it.until, it.gaps, it.attempts, it.losses]);
    if (signature !== one.signature) {
      one.signature = signature;
      if (one.details.open) load(it.number, one);
    }
  }
}

export function first() {
  const summary = list.querySelector("summary");
  if (summary) { summary.focus(); summary.parentElement.scrollIntoView({ block: "nearest" }); }
}
