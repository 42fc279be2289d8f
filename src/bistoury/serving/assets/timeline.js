// The bar of the last hours: how things stood, and where incidents were.

import { clock, put, seconds } from "./format.js";

const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 1000;
const HEIGHT = 44;
const words = { ok: "live", degraded: "degraded", down: "down", off: "not asked to be connected" };

const spans = [0.25, 1, 6];

let hours = 0.25;
let isChosen = false;
let latest = null;

function box(kind, x, y, width, height, title) {
  const rect = document.createElementNS(SVG, "rect");
  rect.setAttribute("class", `k-${kind}`);
  for (const [name, value] of Object.entries({ x, y, width, height })) rect.setAttribute(name, value);
  const text = document.createElementNS(SVG, "title");
  text.textContent = title;
  rect.append(text);
  return rect;
}

export function draw(state) {
  latest = state;
  const now = Date.parse(state.at);
  if (!isChosen && state.timeline.length) {
    // As long as nobody chose, the shortest span that shows all there is.
    const long = (now - state.timeline[0][1]) / 3600e3;
    choose(spans.find((it) => it >= long) || spans[spans.length - 1]);
  }
  const from = now - hours * 3600e3;
  const place = (ms) => Math.max(0, ((ms - from) / (now - from)) * WIDTH);
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", `0 0 ${WIDTH} ${HEIGHT}`);
  svg.setAttribute("preserveAspectRatio", "none");
  const spent = {};
  // The worst is drawn last and no thinner than can be seen: a blip must not hide.
  const order = ["off", "ok", "degraded", "down"];
  const stretches = state.timeline.filter((it) => it[2] >= from);
  for (const kind of order) {
    for (const [which, since, until] of stretches) {
      if (which !== kind) continue;
      const x = place(since);
      const least = kind === "down" || kind === "degraded" ? 3 : 0;
      const long = (until - Math.max(since, from)) / 1000;
      spent[kind] = (spent[kind] || 0) + long;
      const width = Math.max(place(until) - x, least);
      svg.append(box(kind, Math.min(x, WIDTH - width), 0, width, HEIGHT - 12,
        `${words[kind]} from ${clock(since)} to ${clock(until)} (${seconds(long)})`));
    }
  }
  for (const it of state.incidents) {
    if (it.since < from) continue;
    const lost = it.gaps.unrecoverable > 0;
    svg.append(box("incident", Math.min(place(it.since), WIDTH - 3), HEIGHT - 11, 3, lost ? 11 : 5,
      `${clock(it.since)} ${it.title}: ${it.fate}`));
  }
  document.getElementById("timeline").replaceChildren(svg);
  const told = order.filter((it) => spent[it]).map((it) => `${words[it]} ${seconds(spent[it])}`);
  const label = `The last ${hours < 1 ? "15 minutes" : hours === 1 ? "hour" : `${hours} hours`}: ${told.join(", ") || "no history yet"}`;
  document.getElementById("timeline").setAttribute("aria-label", label);
  put(document.getElementById("t-from"), clock(from));
  const share = `${(state.availability * 100).toFixed(state.availability === 1 ? 0 : 3)} %`;
  put(document.getElementById("shares"), `${told.join(", ")}. Nothing was amiss for ${share} of the remembered time.`);
}

function choose(wanted) {
  hours = wanted;
  for (const button of document.querySelectorAll("[data-hours]")) {
    button.setAttribute("aria-pressed", String(Number(button.dataset.hours) === hours));
  }
}

for (const button of document.querySelectorAll("[data-hours]")) {
  button.addEventListener("click", () => {
    isChosen = true;
    choose(Number(button.dataset.hours));
    if (latest) draw(latest);
  });
}
