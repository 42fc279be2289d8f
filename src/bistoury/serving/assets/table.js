// Every subscription: sorted, filtered, and changed in place.

import { age, make, none, put, putName, rate, seconds } from "./format.js";

const columns = [
  ["name", "Feed", (it) => it.name],
  ["state", "State", (it) => it.state],
  ["age", "Age", (it) => age(it.age)],
  ["rate", "Rate", (it) => rate(it.rate)],
  ["lag", "Lag", (it) => seconds(it.lag)],
  ["gaps", "Gaps", (it) => gaps(it)],
  ["messages", "Messages", (it) => it.messages.toLocaleString("en")],
];
// The worst first: whoever looks wants to know what is wrong.
const severity = ["refused", "failed", "stale", "recovering", "pending", "late", "live"];
const colour = { refused: "bad", failed: "bad", stale: "bad", recovering: "warn", pending: "warn", late: "warn", live: "w-ok" };

const head = document.getElementById("columns");
const body = document.getElementById("rows");
const filter = document.getElementById("filter");
const lines = new Map();
let sort = { by: "state", up: true };
let latest = [];

function gaps(it) {
  if (!it.open && !it.recovered && !it.unrecoverable) return none;
  const parts = [];
  if (it.open) parts.push(`${it.open} open`);
  if (it.unrecoverable) parts.push(`${it.unrecoverable} lost`);
  if (it.recovered) parts.push(`${it.recovered} recovered`);
  return parts.join(", ");
}

function key(it, by) {
  if (by === "state") return severity.indexOf(it.state);
  if (by === "gaps") return it.open * 1e9 + it.unrecoverable * 1e4 + it.recovered;
  return it[by] ?? -1;
}

function compare(a, b) {
  const [x, y] = [key(a, sort.by), key(b, sort.by)];
  const order = typeof x === "string" ? x.localeCompare(y) : x - y;
  return (sort.up ? order : -order) || (a.name < b.name ? -1 : 1);
}

function line(it) {
  const row = make("tr");
  const cells = columns.map(() => row.insertCell());
  const one = { row, cells, why: null };
  lines.set(it.name, one);
  return one;
}

function render() {
  const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
  const shown = latest.filter((it) => words.every((word) => `${it.name} ${it.state}`.toLowerCase().includes(word)));
  shown.sort(compare);
  const wanted = [];
  for (const it of shown) {
    const one = lines.get(it.name) || line(it);
    columns.forEach(([by, , text], number) => (by === "name" ? putName : put)(one.cells[number], text(it)));
    const hue = colour[it.state] || "";
    if (one.cells[1].className !== hue) one.cells[1].className = hue;
    const gapHue = it.unrecoverable ? "bad" : it.open ? "warn" : "";
    if (one.cells[5].className !== gapHue) one.cells[5].className = gapHue;
    wanted.push(one.row);
    if (it.error) {
      if (!one.why) {
        one.why = make("tr", "why");
        one.why.insertCell().colSpan = columns.length;
      }
      put(one.why.cells[0], `↳ ${it.error}`);
      wanted.push(one.why);
    }
  }
  const isSame = wanted.length === body.children.length && wanted.every((row, number) => body.children[number] === row);
  if (!isSame) body.replaceChildren(...wanted);
  const total = latest.length;
  put(document.getElementById("shown"), words.length ? `${shown.length} of ${total}` : String(total));
  const none = document.getElementById("no-rows");
  none.hidden = shown.length > 0;
  put(none, total ? "No subscription matches the filter." : "Nothing is subscribed to.");
}

export function draw(state) {
  const names = state.columns;
  latest = state.subscriptions.map((row) => Object.fromEntries(names.map((name, number) => [name, row[number]])));
  const known = new Set(latest.map((it) => it.name));
  for (const name of lines.keys()) if (!known.has(name)) lines.delete(name);
  render();
}

for (const [by, title] of columns) {
  const cell = make("th");
  cell.scope = "col";
  const button = make("button", "", title);
  button.type = "button";
  button.addEventListener("click", () => {
    sort = { by, up: sort.by === by ? !sort.up : by === "name" || by === "state" };
    mark();
    render();
  });
  cell.append(button);
  cell.dataset.by = by;
  head.append(cell);
}

function mark() {
  for (const cell of head.children) {
    if (cell.dataset.by === sort.by) cell.setAttribute("aria-sort", sort.up ? "ascending" : "descending");
    else cell.removeAttribute("aria-sort");
  }
}

mark();
filter.addEventListener("input", render);

export function clear() {
  filter.value = "";
  render();
}
