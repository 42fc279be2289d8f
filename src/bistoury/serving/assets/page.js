// Follows the stream of states and draws them; says so when it hears nothing.

import * as charts from "./charts.js";
import { make, plural, put, rate, seconds } from "./format.js";
import * as incidents from "./incidents.js";
import * as panels from "./panels.js";
import * as table from "./table.js";
import * as timeline from "./timeline.js";

const SILENT_AFTER = 5000;
const $ = (id) => document.getElementById(id);
let heardAt = 0;
let pending = null;

const limits = {
  connections_per_minute: "New connections per minute", connections: "Connections", subscriptions: "Subscriptions",
  users: "Users", messages_per_minute: "Messages sent per minute", posts_in_flight: "Requests in flight",
  rest_weight_per_minute: "REST weight per minute",
};

function verdict(state) {
  const status = state.verdict.off ? "off" : state.verdict.status;
  $("verdict").dataset.status = status;
  put($("line"), state.verdict.line);
  put($("where"), `${state.network} · ${state.url} · ${state.version}`);
  const shown = state.verdict.off || state.verdict.reasons.length < 3 ? [] : state.verdict.reasons.slice(0, 8);
  if (JSON.stringify(shown) !== $("reasons").dataset.shown) {
    $("reasons").dataset.shown = JSON.stringify(shown);
    $("reasons").replaceChildren(...shown.map((it) => make("li", "", it)));
  }
  document.title = `${status} · bistoury`;
}

function figures(state) {
  const { health, statistics } = state;
  put($("f-state"), health.state);
  put($("f-uptime"), health.uptime_seconds ? seconds(health.uptime_seconds) : "–");
  put($("f-live"), `${statistics.subscriptions.live} of ${statistics.subscriptions.wanted + statistics.subscriptions.refused}`);
  put($("f-age"), health.last_message_age_seconds === null ? "–" : `${seconds(health.last_message_age_seconds)} old`);
  put($("f-rate"), rate(health.messages_per_second));
  put($("f-ping"), seconds(state.last_ping_seconds));
  put($("f-reconnects"), String(statistics.total_reconnects));
  put($("f-gaps"), `${statistics.gaps.unrecoverable} of ${statistics.gaps.open + statistics.gaps.recovered + statistics.gaps.unrecoverable}`);
}

function headRoom(state) {
  const list = $("limits");
  for (const [name, it] of Object.entries(state.health.limits)) {
    let one = list.querySelector(`[data-limit="${name}"]`);
    if (!one) {
      one = make("div");
      one.dataset.limit = name;
      const bar = make("progress");
      bar.setAttribute("aria-label", limits[name] || name);
      const holder = make("dd", "bar");
      holder.append(bar);
      one.append(make("dt", "", limits[name] || name), make("dd"), holder);
      list.append(one);
    }
    put(one.children[1], `${it.used.toLocaleString("en")} of ${it.allowed.toLocaleString("en")}`);
    const bar = one.querySelector("progress");
    bar.max = Math.max(it.allowed, 1);
    bar.value = it.used;
    bar.className = it.used >= it.allowed ? "full" : it.used >= it.allowed * 0.8 ? "near" : "";
  }
}

function draw() {
  const state = pending;
  pending = null;
  if (!state) return;
  verdict(state);
  figures(state);
  timeline.draw(state);
  incidents.draw(state);
  panels.draw(state);
  table.draw(state);
  headRoom(state);
  put($("updated"), `Up to date, ${plural(state.subscriptions.length, "subscription")}`);
}

function listen() {
  const source = new EventSource("/events");
  source.addEventListener("state", (event) => {
    heardAt = Date.now();
    // Only the newest is worth drawing, and only while somebody looks.
    if (!pending) requestAnimationFrame(draw);
    pending = JSON.parse(event.data);
  });
  source.addEventListener("history", (event) => charts.history(JSON.parse(event.data)));
  source.addEventListener("sample", (event) => charts.sample(JSON.parse(event.data)));
  source.addEventListener("error", () => {
    // A browser gives up by itself after an error status; a restart must not end it.
    if (source.readyState === EventSource.CLOSED) setTimeout(listen, 2000);
  });
}

setInterval(() => {
  const silence = Date.now() - heardAt;
  if (heardAt && silence > SILENT_AFTER) {
    $("verdict").dataset.status = "unknown";
    put($("line"), "No word from the client: it has ended, or it hangs. Trying again…");
    $("reasons").replaceChildren();
    $("reasons").dataset.shown = "";
    put($("updated"), `What is below is ${seconds(silence / 1000)} old`);
    document.title = "no word · bistoury";
  }
}, 1000);

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const isTyping = event.target.matches("input");
  if (event.key === "Escape") { table.clear(); if (isTyping) event.target.blur(); return; }
  if (isTyping) return;
  if (event.key === "/") { event.preventDefault(); $("filter").focus(); }
  if (event.key === "i") incidents.first();
  if (event.key === "s") { $("subscriptions").focus(); $("subscriptions").scrollIntoView(); }
});

listen();
