// One account's report: from the data in the page, or from the server behind it.
"use strict";

const MOST_ROWS = 200;
const money = (value) => `${Number(value).toLocaleString("en", { minimumFractionDigits: 2, maximumFractionDigits: 2 })} USDC`;
const part = (value) => (value === null ? "–" : `${(Number(value) * 100).toFixed(2)} %`);
const moment = (ms) => new Date(ms).toISOString().slice(0, 19).replace("T", " ") + " UTC";
const at = (id) => document.getElementById(id);

function make(tag, text, kind) {
  const it = document.createElement(tag);
  it.textContent = text;
  if (kind) it.className = kind;
  return it;
}

function pairs(id, rows) {
  at(id).replaceChildren(...rows.map(([name, value]) => {
    const box = document.createElement("div");
    box.append(make("dt", name), make("dd", value));
    return box;
  }));
}

function table(id, head, rows) {
  const first = document.createElement("tr");
  head.forEach((name, i) => {
    const cell = make("th", name, i ? "number" : "");
    cell.scope = "col";
    first.append(cell);
  });
  const made = rows.map((row) => {
    const line = document.createElement("tr");
    row.forEach((value, i) => line.append(value instanceof Node ? value : make("td", value, i ? "number" : "")));
    return line;
  });
  at(id).replaceChildren(first, ...made);
}

const signed = (value) => make("td", money(value), `number ${Number(value) < 0 ? "loss" : "gain"}`);

function plain(value) {
  if (value === null) return "–";
  if (typeof value !== "object") return String(value);
  if (Array.isArray(value)) return value.map(moment).join(", ");
  return Object.entries(value).filter(([, it]) => it !== null).map(([name, it]) => `${name} ${it}`).join(", ");
}

function chart(id, times, values, colour, label) {
  const box = at(id);
  const ink = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  box.replaceChildren();
  const axis = { stroke: ink("--soft"), grid: { stroke: ink("--line"), width: 1 }, ticks: { show: false } };
  const plot = new uPlot({
    width: box.clientWidth || 600,
    height: 190,
    legend: { show: false },
    scales: { x: { time: true } },
    axes: [axis, { ...axis, size: 80 }],
    series: [{}, { label, stroke: ink(colour), width: 1.5, points: { show: times.length < 3 } }],
  }, [times, values], box);
  new ResizeObserver(() => {
    if (box.clientWidth && box.clientWidth !== plot.width) plot.setSize({ width: box.clientWidth, height: 190 });
  }).observe(box);
}

function show(it) {
  document.title = `Paper: ${it.account}`;
  at("title").textContent = `${it.account}: ${money(it.value)}, ${Number(it.profit) < 0 ? "a loss of" : "a profit of"} ${money(Math.abs(Number(it.profit)))}`;
  at("span").textContent = `${moment(it.from)} to ${moment(it.to)}`;
  const { not_simulated: missing, ...assumed } = it.assumptions;
  pairs("assumed", Object.entries(assumed).map(([name, value]) => [name, plain(value)]));
  at("missing").textContent = `Not simulated: ${missing.join("; ")}.`;
  const slip = it.slippage_points;
  const points = (value) => (value === null ? "–" : `${Number(value).toFixed(2)} bp`);
  pairs("figures", [
    ["Began with", money(it.begun_with)],
    ["Profit", money(it.profit)],
    ["Deepest fall", `${money(it.drawdown)} (${part(it.drawdown_share)})`],
    ["Fills", String(it.fills)],
    ["Traded", money(it.traded)],
    ["Maker share", part(it.maker_share)],
    ["Slippage, mid at decision", points(slip.against_mid_at_decision)],
    ["Slippage, mid at arrival", points(slip.against_mid_at_arrival)],
  ]);
  const times = it.equity.map(([ms]) => ms / 1000);
  const values = it.equity.map(([, value]) => Number(value));
  let peak = -Infinity;
  const below = values.map((value) => { peak = Math.max(peak, value); return value - peak; });
  chart("equity", times, values, "--gain", "Equity");
  chart("drawdown", times, below, "--loss", "Below the peak");
  at("equity-text").textContent = `From ${money(it.begun_with)} to ${money(it.value)}, in ${times.length} points.`;
  at("drawdown-text").textContent = `At most ${money(it.drawdown)} below the highest value before.`;
  table("profit", ["From", "USDC"], Object.entries(it.profit_from).map(([name, value]) => [name.replaceAll("_", " "), signed(value)]));
  table("quality", ["Quality of fills", "Fills"], Object.entries(it.fills_by_quality).map(([name, count]) => [name, String(count)]));
  table("degraded", ["Data of", "Not to be traded on", "Observed"], Object.entries(it.degraded).map(([coin, told]) => [coin, part(told.share), `${told.observed_seconds.toFixed(0)} s`]));
  at("uncertain").textContent = `${it.orders_that_rested_through_a_gap} orders rested through a stretch that nobody knows.`;
  const rows = it.rows.slice(-MOST_ROWS).reverse();
  table("fills", ["Time", "Coin", "Side", "Role", "Price", "Size", "Fee", "Closed profit", "Quality", "Number"], rows.map((row) => [
    moment(row.time), row.coin, row.side, row.role, row.px, row.sz, row.fee, row.closed_pnl, row.quality, String(row.tid),
  ]));
}

const held = at("data");
if (held) {
  show(JSON.parse(held.textContent));
} else {
  const wanted = new URLSearchParams(location.search).get("account") || "main";
  fetch(`/paper/report.json?account=${encodeURIComponent(wanted)}`)
    .then(async (answer) => {
      const body = await answer.json();
      if (!answer.ok) throw new Error(body.error);
      show(body);
    })
    .catch((error) => { at("title").textContent = `There is no report: ${error.message}`; });
}
