// Figures as people read them; nothing else.

export const none = "–";

export function seconds(value) {
  if (value === null || value === undefined) return none;
  if (value < 0.001) return value > 0 ? "<1 ms" : "0 ms";
  if (value < 1) return `${Math.round(value * 1000)} ms`;
  if (value < 60) return `${value.toFixed(1)} s`;
  const all = Math.round(value);
  if (all < 3600) return `${Math.floor(all / 60)} min ${all % 60} s`;
  return `${Math.floor(all / 3600)} h ${Math.floor((all % 3600) / 60)} min`;
}

// An age in a column: its largest unit, so that it stays narrow.
export function age(value) {
  if (value === null || value === undefined || value < 60) return seconds(value);
  if (value < 3600) return `${Math.floor(value / 60)} min`;
  return value < 86400 ? `${Math.floor(value / 3600)} h` : `${Math.floor(value / 86400)} d`;
}

export function rate(value) {
  if (value === null || value === undefined) return none;
  return `${value < 10 ? value.toFixed(1) : Math.round(value)}/s`;
}

export function clock(ms) {
  if (ms === null || ms === undefined) return "?";
  return new Date(ms).toLocaleTimeString(undefined, { hour12: false });
}

export function day(ms) {
  const then = new Date(ms);
  const isToday = then.toDateString() === new Date().toDateString();
  const date = then.toLocaleDateString(undefined, { month: "short", day: "numeric" });
  return isToday ? clock(ms) : `${date} ${clock(ms)}`;
}

export function plural(count, word) {
  return `${count} ${word}${count === 1 ? "" : "s"}`;
}

export function put(element, text) {
  // Only what differs is written: a thousand rows are looked at every second.
  if (element.textContent !== text) element.textContent = text;
}

export function putName(element, name) {
  // A narrow column breaks a subscription's name before its parameters, not in them.
  if (element.textContent === name) return;
  const parts = name.split(/(?=\()|(?<=, )/).flatMap((part) => [make("wbr"), part]);
  element.replaceChildren(...parts.slice(1));
}

export function make(tag, className, text) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text !== undefined) element.textContent = text;
  return element;
}
