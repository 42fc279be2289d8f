// Tables that others put on the page, such as what a paper account holds.

import { make, put } from "./format.js";

const box = document.getElementById("panels");

function build(panel, number) {
  const section = make("section");
  const title = make("h2", "", panel.title);
  title.id = `h-panel-${number}`;
  section.setAttribute("aria-labelledby", title.id);
  const scroll = make("div", "scroll");
  scroll.tabIndex = 0;
  scroll.setAttribute("role", "region");
  scroll.setAttribute("aria-labelledby", title.id);
  const table = make("table");
  const head = make("tr");
  for (const name of panel.columns) {
    const cell = make("th", "", name);
    cell.scope = "col";
    head.append(cell);
  }
  table.createTHead().append(head);
  table.createTBody();
  scroll.append(table);
  section.append(title, scroll, make("p", "note"));
  return section;
}

export function draw(state) {
  const panels = state.panels || [];
  box.hidden = !panels.length;
  const shape = JSON.stringify(panels.map((it) => [it.title, it.columns]));
  if (box.dataset.shape !== shape) {
    box.dataset.shape = shape;
    box.replaceChildren(...panels.map(build));
  }
  panels.forEach((panel, number) => {
    const section = box.children[number];
    put(section.querySelector(".note"), panel.note);
    const body = section.querySelector("tbody");
    while (body.rows.length > panel.rows.length) body.deleteRow(-1);
    panel.rows.forEach((cells, at) => {
      const row = body.rows[at] || body.insertRow();
      cells.forEach((text, column) => put(row.cells[column] || row.insertCell(), text));
    });
  });
}
