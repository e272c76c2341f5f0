"use strict";
(() => {
  const json = (id) => {
    const found = document.getElementById(id);
    return found ? JSON.parse(found.textContent) : null;
  };
  const narrow = matchMedia("(max-width: 640px)");
  const dark = matchMedia("(prefers-color-scheme: dark)");

  // Charts: the library is unpacked here, and colours are read from the page's own variables.
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const painted = (value) => {
    if (typeof value === "string") return value.startsWith("--") ? colour(value) : value;
    if (Array.isArray(value)) return typeof value[0] === "object" ? value.map(painted) : value;
    if (value && typeof value === "object")
      return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, painted(item)]));
    return value;
  };
  const axis = (own) => ({
    gridcolor: colour("--rule"), zerolinecolor: colour("--faint"), linecolor: colour("--rule"),
    automargin: true, fixedrange: narrow.matches, ...own,
    ...(own.title ? { title: { text: own.title, standoff: 8 } } : {}),
  });
  const layout = (own) => {
    const shared = {
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", showlegend: false,
      font: { family: "system-ui, sans-serif", size: 12, color: colour("--quiet") },
      margin: { l: 44, r: 12, t: 28, b: 32 },
      legend: { orientation: "h", x: 0, y: 1.02, yanchor: "bottom" },
      hoverlabel: { bgcolor: colour("--card"), bordercolor: colour("--rule"), font: { color: colour("--ink") } },
      dragmode: narrow.matches ? false : "zoom",
      ...own,
    };
    for (const key of Object.keys(own)) if (/^[xy]axis/.test(key)) shared[key] = axis(own[key]);
    return shared;
  };
  const draw = (chart) => {
    const place = document.getElementById("chart-" + chart.id);
    const traces = chart.data.map((trace) => painted({ type: "scatter", ...trace }));
    Plotly.react(place, traces, layout(chart.layout), { responsive: true, displayModeBar: false });
    return place;
  };
  const unpacked = async (text) => {
    const bytes = Uint8Array.from(atob(text), (sign) => sign.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return new Response(stream).text();
  };
  const drawAll = async () => {
    const charts = json("charts");
    const library = document.createElement("script");
    library.textContent = await unpacked(document.getElementById("plotly").textContent);
    document.head.append(library);
    for (const chart of charts)
      draw(chart).on("plotly_click", (event) => {
        const id = event.points[0].customdata;
        if (id) location.hash = "trade-" + id;
      });
    const again = () => charts.forEach(draw);
    dark.addEventListener("change", again);
    narrow.addEventListener("change", again);
    document.documentElement.dataset.charts = "drawn";
  };
  drawAll().catch((error) => {
    for (const place of document.querySelectorAll(".chart"))
      place.textContent = "This browser cannot draw the charts: " + error.message;
  });

  // Trades: an explanation is built when its row is opened.
  const table = document.getElementById("trades");
  if (!table) return;
  const body = table.tBodies[0];
  const rows = [...body.rows];
  let names = [];
  let trades = {};
  const make = (name, text, kind) => {
    const made = document.createElement(name);
    if (text !== undefined) made.textContent = text;
    if (kind) made.className = kind;
    return made;
  };
  const pair = (name, text) => {
    const made = make("div");
    made.append(make("dt", name), make("dd", text));
    return made;
  };
  const explanation = (row) => {
    const cell = make("td");
    cell.colSpan = row.cells.length;
    const parts = make("div", undefined, "parts");
    const columns = [...table.tHead.rows[0].cells];
    const itself = make("div", undefined, "part itself");
    const facts = make("dl");
    columns.forEach((head, i) => {
      if (!head.classList.contains("wide") || i === 0) return;
      const before = columns[i - 1].textContent;
      const name = head.textContent === "at" ? before + " at" : head.textContent;
      facts.append(pair(name, row.cells[i].textContent));
    });
    itself.append(make("h3", "The trade"), facts);
    parts.append(itself);
    for (const [title, lines] of trades[row.id] ?? []) {
      const part = make("div", undefined, "part");
      const list = make("dl");
      for (const [name, text] of lines) list.append(pair(names[name], text));
      part.append(make("h3", names[title]), list);
      if (lines.length > 8) part.classList.add("many");
      if (names[title] === "Orders and fills") part.classList.add("orders");
      parts.append(part);
    }
    cell.append(parts);
    const made = make("tr", undefined, "detail");
    made.append(cell);
    return made;
  };
  const isOpen = (row) => row.nextElementSibling?.classList.contains("detail");
  const close = (row) => {
    if (isOpen(row)) row.nextElementSibling.remove();
    row.setAttribute("aria-expanded", "false");
  };
  const open = (row) => {
    if (!isOpen(row)) row.after(explanation(row));
    row.setAttribute("aria-expanded", "true");
  };
  const toggle = (row) => (isOpen(row) ? close(row) : open(row));
  for (const row of rows) {
    row.tabIndex = 0;
    row.setAttribute("aria-expanded", "false");
  }
  body.addEventListener("click", (event) => {
    const row = event.target.closest("tr.trade");
    if (row && !String(getSelection())) toggle(row);
  });
  body.addEventListener("keydown", (event) => {
    if (event.target.matches("tr.trade") && (event.key === "Enter" || event.key === " ")) {
      event.preventDefault();
      toggle(event.target);
    }
  });
  const count = document.getElementById("shown");
  const filter = document.getElementById("filter");
  const filtered = () => {
    const wanted = filter.value.trim().toUpperCase();
    let left = 0;
    for (const row of rows) {
      row.hidden = !row.dataset.symbol.toUpperCase().includes(wanted);
      if (row.hidden) close(row);
      else left += 1;
    }
    count.textContent = left + (left === 1 ? " trade" : " trades");
  };
  filter.addEventListener("input", filtered);
  const key = (row, column) => {
    const cell = row.cells[column];
    return cell.dataset.v ?? cell.textContent;
  };
  [...table.tHead.rows[0].cells].forEach((head, column) => {
    const numeric = head.classList.contains("num") || column === 0;
    head.firstChild.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      for (const other of table.tHead.rows[0].cells) other.setAttribute("aria-sort", "none");
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const sign = down ? -1 : 1;
      const order = (a, b) => {
        const [x, y] = [key(a, column), key(b, column)];
        if (!numeric) return x < y ? -sign : x > y ? sign : 0;
        const [p, q] = [Number.parseFloat(x), Number.parseFloat(y)];
        if (Number.isNaN(p) || Number.isNaN(q)) return Number.isNaN(p) - Number.isNaN(q);
        return sign * (p - q);
      };
      rows.forEach(close);
      body.append(...rows.toSorted(order));
    });
  });
  const follow = () => {
    const row = document.getElementById(location.hash.slice(1));
    if (!row?.matches("tr.trade")) return;
    if (row.hidden) {
      filter.value = "";
      filtered();
    }
    open(row);
    row.scrollIntoView({ block: "center" });
  };
  addEventListener("hashchange", follow);
  const ready = async () => {
    ({ names, trades } = JSON.parse(await unpacked(document.getElementById("explanations").textContent)));
    follow();
  };
  ready();
})();
