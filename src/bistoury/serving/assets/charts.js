// Ping, lag and messages over the last hour, and the same as a table.

import { clock, make, rate, seconds } from "./format.js";

const MOST = 1800;
const data = { at: [], ping: [], lag: [], lag_p99: [], rate: [] };
const charts = [];
const dark = matchMedia("(prefers-color-scheme: dark)");

function ink(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

// An axis is never so short that two of its labels say the same.
const kinds = [
  { id: "c-ping", columns: ["ping"], text: (v) => seconds(v), least: 0.005, title: "Ping", colours: ["--ok"] },
  { id: "c-lag", columns: ["lag", "lag_p99"], text: (v) => seconds(v), least: 0.005, title: "Lag, median and 99th percentile", colours: ["--ok", "--second"] },
  { id: "c-rate", columns: ["rate"], text: (v) => rate(v), least: 1, title: "Messages", colours: ["--ok"] },
];
const SHORTEST = 60;
const STEPS = [0.001, 0.01, 0.1, 1, 10, 100, 1e3, 1e4, 1e5].flatMap((it) => [it, 2 * it, 5 * it]);

function span(_, low, high) {
  const until = high ?? Date.now() / 1000;
  return [Math.min(low ?? until, until - SHORTEST), until];
}

function build() {
  for (const chart of charts.splice(0)) chart.plot.destroy();
  for (const kind of kinds) {
    const box = document.getElementById(kind.id);
    const axis = { stroke: ink("--soft"), grid: { stroke: ink("--line"), width: 1 }, ticks: { show: false } };
    const options = {
      width: box.clientWidth || 300,
      height: 130,
      cursor: { y: false },
      legend: { show: false },
      scales: { x: { time: true, range: span }, y: { range: (_, low, high) => [0, Math.max(high * 1.15, kind.least)] } },
      axes: [
        { ...axis, size: 30, values: [[3600, "{HH}:{mm}"], [60, "{HH}:{mm}"], [1, "{HH}:{mm}:{ss}"]], space: 70 },
        { ...axis, size: 62, incrs: STEPS, values: (_, ticks) => ticks.map(kind.text) },
      ],
      series: [{}, ...kind.columns.map((_, number) => ({ stroke: ink(kind.colours[number]), width: 1.5, points: { show: false } }))],
    };
    charts.push({ kind, box, plot: new uPlot(options, rows(kind), box) });
  }
}

function rows(kind) {
  return [data.at, ...kind.columns.map((name) => data[name])];
}

function update() {
  for (const { kind, plot } of charts) {
    plot.setData(rows(kind));
    const values = data[kind.columns[kind.columns.length - 1]].filter((it) => it !== null);
    const now = kind.columns.map((name) => kind.text(data[name].at(-1))).join(" / ");
    const most = values.length ? kind.text(values.reduce((a, b) => Math.max(a, b), 0)) : "–";
    const text = `${kind.title}: ${now} now, ${most} at most`;
    const caption = document.getElementById(`${kind.id}-text`);
    if (caption.textContent !== text) caption.textContent = text;
  }
  const table = document.getElementById("samples");
  if (table.closest("details").open) table.replaceChildren(...samples());
}

function samples() {
  const head = make("tr");
  for (const name of ["Time", "Ping", "Lag, median", "Lag, 99th percentile", "Messages"]) {
    const cell = make("th", "", name);
    cell.scope = "col";
    head.append(cell);
  }
  const found = [head];
  for (let i = data.at.length - 1; i >= Math.max(0, data.at.length - 30); i--) {
    const row = make("tr");
    const cells = [clock(data.at[i] * 1000), seconds(data.ping[i]), seconds(data.lag[i]), seconds(data.lag_p99[i]), rate(data.rate[i])];
    for (const text of cells) row.append(make("td", "", text));
    found.push(row);
  }
  return found;
}

export function history(columns) {
  Object.assign(data, columns);
  build();
  update();
}

export function sample(row) {
  Object.keys(data).forEach((name, number) => {
    data[name].push(row[number]);
    if (data[name].length > MOST) data[name].shift();
  });
  update();
}

dark.addEventListener("change", () => { build(); update(); });
document.getElementById("samples").closest("details").addEventListener("toggle", update);
new ResizeObserver(() => {
  for (const { box, plot } of charts) {
    if (box.clientWidth && box.clientWidth !== plot.width) plot.setSize({ width: box.clientWidth, height: 130 });
  }
}).observe(document.querySelector(".charts"));
