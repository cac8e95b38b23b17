// The panel in the browser: sorting, hiding, the choice of the baseline, and the charts. It needs no kernel and no
// network. What the notebook shows without it (table, words, picture) is already there: this only adds.
//
// Called as a function of: panel (its element), Bokeh (BokehJS, ours alone), own ({data, figures, style}). A script that
// stands before this one may leave in own.more what the panel of another verb draws in place of profile's charts.

const { data, figures } = own;
const more = own.more ?? {};
const rows = data.rows;
const names = [...new Set(rows.map((row) => row.name))];
const batches = [...new Set(rows.map((row) => row.batch))];
const state = {
  hidden: new Set(),
  baseline: data.baseline,
  batch: batches[0],
  scale: spread(rows.flatMap((row) => [row.p50[0], ...row.trace.latency.slice(-1)])) > 3 ? "log" : "linear",
  distribution: "ecdf",
  curve: "batch_latency",
  cost: rows.some((row) => row.artifact !== null) ? "artifact" : "memory",
  ...more.state,
};

// When the kernel draws the panel again, because more was measured, it goes on as the reader left it.
const remembered = ((window.inferspeedStates ??= {})[data.run] ??= state);
if (remembered !== state) {
  const there = { batch: batches };
  for (const [key, value] of Object.entries(remembered)) if (!there[key] || there[key].includes(value)) state[key] = value;
  window.inferspeedStates[data.run] = state;
}

// ---------------------------------------------------------------- numbers, as Python's numbers.py formats them

function lastPlace(value) {
  return value === 0 ? 0 : Number(value.toExponential(2).split("e")[1]) - 2;
}

function fixed(value, place) {
  const rounded = place > 0 ? Math.round(value / 10 ** place) * 10 ** place : value;
  return rounded.toLocaleString("en-US", {
    minimumFractionDigits: Math.max(0, -place),
    maximumFractionDigits: Math.max(0, -place),
  });
}

function number(value, like = null) {
  if (value === null) return "-";
  if (like === null) return fixed(value, lastPlace(value));
  const shared = lastPlace(like);
  return fixed(value, Number(value.toFixed(Math.max(0, -shared))) || !value ? shared : lastPlace(value));
}

function range([value, low, high]) {
  return low === null || high === null ? "" : `(${number(low, value)}-${number(high, value)})`;
}

function ratio([value, low, high]) {
  const toOne = [low, high].some((bound) => bound !== null && bound !== 1 && number(bound, value) === "1.00");
  if (!toOne || (low <= 1 && 1 <= high)) return [`${number(value)}x`, range([value, low, high])];
  return [`${value.toFixed(4)}x`, `(${low.toFixed(4)}-${high.toFixed(4)})`];
}

function latency(ms) {
  return `${number(ms * data.unit.perMs)} ${data.unit.name}`;
}

function withRange([value, low, high], scaled, suffix) {
  const [v, l, h] = [value, low, high].map((each) => (each === null ? null : each * scaled));
  return `${number(v)}${suffix} ${range([v, l, h])}`.trim();
}

function spread(values) {
  const positive = values.filter((value) => value > 0);
  return positive.length ? Math.max(...positive) / Math.min(...positive) : 1;
}

// ---------------------------------------------------------------- elements

function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value !== null) made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

// JupyterLab would take arrow keys and letters for itself.
const KEYS = { "data-lm-suppress-shortcuts": "true" };

function choices(label, options, key, after = update) {
  const group = element("span", { class: "im-choices", role: "group", "aria-label": label });
  for (const [value, words] of options) {
    const button = element("button", {
      type: "button", ...KEYS, "aria-pressed": String(state[key] === value),
      onclick: () => {
        state[key] = value;
        for (const each of group.children) each.setAttribute("aria-pressed", String(each === button));
        after();
      },
    }, words);
    group.append(button);
  }
  return group;
}

function labelled(words, control) {
  return element("span", { class: "im-control" }, element("span", { "aria-hidden": "true" }, words), control);
}

// ---------------------------------------------------------------- the tables

const tables = [...panel.querySelectorAll("table.inferspeed-rows")].map((table) => {
  const body = table.tBodies[0];
  const keys = data.columns[table.classList.contains("inferspeed-cost") ? "cost" : "latency"];
  const lines = [...body.rows];
  return { table, body, keys, lines, sorted: null };
});

function addSorting({ table, body, keys, lines }) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, place) => {
    const button = element("button", { type: "button", class: "im-sort", ...KEYS }, head.textContent);
    head.replaceChildren(button);
    // Some front ends align all headings left; the cells know better.
    button.style.textAlign = lines[0].cells[place].style.textAlign;
    for (const line of [table.tHead.rows[0], ...lines]) line.cells[place].classList.add(`im-column-${keys[place]}`);
    button.addEventListener("click", () => {
      const ascending = head.getAttribute("aria-sort") !== "ascending";
      for (const each of heads) each.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", ascending ? "ascending" : "descending");
      const value = (line) => {
        const row = rows[lines.indexOf(line)];
        const cell = row.cells[keys[place]];
        if (keys[place] === "speedup") return speedup(row)?.[0] ?? null;
        return cell.number ?? (cell.text === "-" ? null : cell.text);
      };
      const compared = (one, other) => {
        const [first, second] = [value(one), value(other)];
        if (first === null || second === null) return (first === null) - (second === null);
        const order = typeof first === "number" && typeof second === "number"
          ? first - second : String(first).localeCompare(String(second), undefined, { numeric: true });
        return ascending ? order : -order;
      };
      body.append(...[...lines].sort(compared));
    });
  });
}

function addToggles({ lines }) {
  lines.forEach((line, place) => {
    const row = rows[place];
    const old = line.querySelector(".inferspeed-name");
    const button = element("button", {
      type: "button", class: "im-name", ...KEYS, "data-name": row.name,
      onclick: () => {
        if (!state.hidden.delete(row.name)) state.hidden.add(row.name);
        update();
      },
    });
    button.append(...old.childNodes);
    old.replaceWith(button);
  });
}

// What a row is compared with: one candidate, or each model's own where the choice begins with OWN.
const OWN = "\u0000";
const way = (row) => row.name.slice(row.model.length + 1);

function isBaseline(row) {
  return state.baseline === row.name || state.baseline === OWN + way(row);
}

// Speed-ups over whatever the reader chose; null where nothing can be said.
function speedup(row) {
  const reference = rows.findIndex((each) => each.batch === row.batch && isBaseline(each)
    && (each.name === state.baseline || each.model === row.model));
  return reference < 0 ? null : data.speedups[rows.indexOf(row)][reference];
}

function showSpeedups() {
  if (state.baseline === null) return;
  const shown = rows.filter((row) => !state.hidden.has(row.name)).map(speedup).filter(Boolean);
  const ends = shown.flat().filter((value) => value !== null && value > 0);
  const log = state.scale === "log";
  const low = log ? Math.min(1, ...ends) : 0;
  const high = Math.max(1, ...ends);
  const place = (value) => {
    const share = log ? Math.log(value / low) / Math.log(high / low || 1) : value / high;
    return 2 + 96 * Math.min(1, Math.max(0, Number.isFinite(share) ? share : 0));
  };
  for (const { table, keys, lines } of tables) {
    const column = keys.indexOf("speedup");
    if (column < 0) continue;
    for (const line of [table.tHead.rows[0], ...lines]) line.cells[column].classList.add("im-left");
    table.tHead.rows[0].cells[column].firstChild.style.textAlign = "left";
    lines.forEach((line, index) => {
      const row = rows[index];
      const found = speedup(row);
      const own = isBaseline(row);
      const [text, detail] = found === null ? ["-", ""] : own ? ["1.00x", ""] : ratio(found);
      const [, from, to] = found ?? [];
      const unsure = found !== null && !own && (from === null ? "too few samples" : from <= 1 && 1 <= to
        ? "no difference seen" : "");
      const words = element("span", {}, text, " ", element("small", {}, detail));
      if (unsure) words.append(element("br"), element("small", {}, unsure));
      const drawn = found !== null && !state.hidden.has(row.name);
      line.cells[column].replaceChildren(element("span", { class: "im-speedup" },
        drawn && found[1] !== null ? bar(row, found, place) : element("span", { class: "im-bar" }), words));
      
    });
  }
}

function bar(row, [value, low, high], place) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const add = (tag, attributes) => {
    const part = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, given] of Object.entries(attributes)) part.setAttribute(name, given);
    svg.append(part);
  };
  svg.setAttribute("class", "im-bar");
  svg.setAttribute("viewBox", "0 0 100 16");
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("aria-hidden", "true");
  const begin = state.scale === "log" ? place(1) : 2;
  const [left, right] = [Math.min(begin, place(value)), Math.max(begin, place(value))];
  add("rect", { x: left, y: 3, width: Math.max(1, right - left), height: 10, fill: colour(row), "fill-opacity": 0.75 });
  add("line", { x1: place(1), x2: place(1), y1: 0, y2: 16, stroke: "currentColor", "stroke-opacity": 0.5 });
  if (low !== null && high !== null && !isBaseline(row)) {
    add("line", { x1: place(low), x2: place(high), y1: 8, y2: 8, stroke: "currentColor", "stroke-width": 1.5 });
    for (const end of [low, high]) {
      add("line", { x1: place(end), x2: place(end), y1: 5, y2: 11, stroke: "currentColor", "stroke-width": 1.5 });
    }
  }
  return svg;
}

function showNames() {
  for (const { lines } of tables) {
    lines.forEach((line, index) => {
      const row = rows[index];
      const hidden = state.hidden.has(row.name);
      const button = line.querySelector(".im-name");
      button.setAttribute("aria-pressed", String(!hidden));
      button.title = `${hidden ? "Show" : "Hide"} ${row.name} in the charts`;
      button.querySelector(".inferspeed-marker").style.color = colour(row);
      line.classList.toggle("im-hidden", hidden);
    });
  }
}

// The badge goes where the baseline goes, and so do the words that explain it.
const badge = panel.querySelector(".inferspeed-baseline")?.cloneNode(true);
const footnotes = panel.querySelector(".inferspeed-footnotes");
const explained = footnotes?.textContent;

const chosen = () => (state.baseline.startsWith(OWN) ? `each model's own ${state.baseline.slice(1)}` : state.baseline);

function showBaseline() {
  if (state.baseline === null) return;
  panel.querySelectorAll(".inferspeed-baseline").forEach((each) => each.remove());
  tables[0].lines.forEach((line, index) => {
    if (badge && isBaseline(rows[index])) line.querySelector(".im-name").after(" ", badge.cloneNode(true));
  });
  if (footnotes) footnotes.textContent = explained.replace(`(${data.baseline})`, `(${chosen()})`);
}

// ---------------------------------------------------------------- the page's colours

// Front ends name their themes in many ways; the colour of the words around the panel tells in all of them.
const foreground = () => getComputedStyle(panel.parentElement ?? panel).color;

function isDark() {
  const [r, g, b] = (foreground().match(/[\d.]+/g) ?? [0, 0, 0]).map(Number);
  return 0.299 * r + 0.587 * g + 0.114 * b > 140;
}

function faded(alpha) {
  const [r, g, b] = foreground().match(/[\d.]+/g) ?? [0, 0, 0];
  return `rgba(${r}, ${g}, ${b}, ${alpha})`;
}

function colour(row) {
  return panel.classList.contains("im-dark") ? row.dark : row.light;
}

// Write the page's colours and the data into a figure's JSON, before anything is drawn.
function prepared(name, sources) {
  const words = foreground();
  const font = getComputedStyle(panel).fontFamily;
  const visit = (node) => {
    if (Array.isArray(node)) return node.forEach(visit);
    if (node === null || typeof node !== "object") return undefined;
    if (node.type === "object") {
      const given = (node.attributes ??= {});
      if (given.name === "scaled" && state.scale === "linear") {
        node.name = { LogScale: "LinearScale", LogAxis: "LinearAxis", LogTicker: "BasicTicker" }[node.name];
        if (node.name === "BasicTicker") node.attributes = { desired_num_ticks: 5 };
      }
      if (/Axis$/.test(node.name)) {
        Object.assign(given, { axis_label_text_color: words, major_label_text_color: words });
        Object.assign(given, { axis_label_text_font: font, major_label_text_font: font });
      }
      if (node.name === "Grid" && given.grid_line_color !== null) given.grid_line_color = faded(0.15);
      if (given.name in sources) given.data = { type: "map", entries: Object.entries(sources[given.name]) };
      if (given.name === "batch_ticks") given.ticks = batches;
      if (more.labels?.[given.axis_label]) given.axis_label = more.labels[given.axis_label];
      const factors = Object.values(sources)[0].label;
      if (node.name === "FactorRange") given.factors = factors;
      if (node.name === "Plot" && factors) given.height = heightFor(factors);
    }
    return Object.values(node).forEach(visit);
  };
  const text = JSON.stringify(figures[FIGURES[name] ?? name]).replaceAll("QUANTITY", AXES[name] ?? "");
  const doc = JSON.parse(text.replaceAll("UNIT", data.unit.name));
  visit(doc);
  return doc;
}

function heightFor(factors) {
  return Math.max(160, 70 + 24 * factors.length);
}

// ---------------------------------------------------------------- charts

const ms = (value) => value * data.unit.perMs;
const shown = () => rows.filter((row) => !state.hidden.has(row.name));
const atBatch = () => shown().filter((row) => row.batch === state.batch);
// Long names would leave no room for what is drawn; hovering tells them in full.
const label = (row) => `${row.glyph} ${row.name.length <= 30 ? row.name : `${row.name.slice(0, 14)}…${row.name.slice(-15)}`}`;
const look = (row) => ({ colour: colour(row), dash: row.dash, marker: row.marker, name: row.name });
const known = (value, otherwise) => (value === null ? otherwise : value);

function columns(entries, empty) {
  const made = Object.fromEntries(empty.map((name) => [name, []]));
  for (const entry of entries) for (const name of empty) made[name].push(entry[name]);
  return made;
}

const LINES = ["xs", "ys", "colour", "dash", "name", "text"];
const MARKS = ["x", "y", "low", "high", "colour", "marker", "name", "text"];
const BOXES = ["label", "p5", "p25", "p50", "p75", "p95", "colour", "marker", "name", "text"];
const POINTS = ["x", "y", "colour", "marker", "alpha", "name", "text"];
const BARS = ["label", "zero", "load_end", "compile_end", "first_end", "value", "colour", "name", "text"];

function p50Text(row) {
  return `p50 ${withRange(row.p50, data.unit.perMs, ` ${data.unit.name}`)}`;
}

const FILL = {
  ecdf() {
    const drawn = atBatch().filter((row) => row.trace.latency.length);
    // One inference that the system interrupted would squeeze all others into a corner of a linear axis.
    const end = state.scale === "log" ? Infinity : 1.5 * Math.max(...drawn.map((row) => row.trace.box[4]));
    return {
      lines: columns(drawn.map((row) => ({ ...look(row), ...stairs(row.trace, end), text: p50Text(row) })), LINES),
      marks: columns(drawn.map((row) => ({
        ...look(row), x: ms(row.p50[0]), y: 0.5, low: ms(known(row.p50[1], row.p50[0])),
        high: ms(known(row.p50[2], row.p50[0])), text: p50Text(row),
      })), MARKS),
    };
  },
  box() {
    const drawn = atBatch().filter((row) => row.trace.box.length).reverse();
    const boxes = drawn.map((row) => {
      const [p5, p25, , p75, p95] = row.trace.box.map(ms);
      return {
        ...look(row), label: label(row), p5, p25, p50: ms(row.p50[0]), p75, p95,
        text: `${p50Text(row)}; half within ${number(p25)}-${number(p75)}, nine tenths within ${number(p5)}-${number(p95)}`,
      };
    });
    return { boxes: columns(boxes, BOXES) };
  },
  series() {
    const points = atBatch().flatMap((row) => row.trace.at.map((at, place) => ({
      ...look(row), x: at, y: ms(row.trace.each[place]), alpha: place < row.trace.warmUp ? 0 : 0.5,
      text: `${latency(row.trace.each[place])}${place < row.trace.warmUp ? ", warm-up" : ""}`,
    })));
    return { points: columns(points, POINTS) };
  },
  batch_latency: () => curves((row) => row.p50, data.unit.perMs, ` ${data.unit.name}`),
  batch_throughput: () => curves((row) => row.rate, 1, " samples/s"),
  start_up() {
    const bars = atBatch().filter((row) => row.startUp).reverse().map((row) => {
      const [load, compile, first] = row.startUp;
      return {
        ...look(row), label: label(row), zero: 0, load_end: load, compile_end: load + compile,
        first_end: load + compile + first,
        text: `load ${number(load)} ms, compile ${number(compile)} ms, first inference ${number(first)} ms`,
      };
    });
    return { bars: columns(bars, BARS) };
  },
  artifact: () => sizes((row) => row.artifact),
  memory: () => sizes((row) => row.memory),
  ...more.fill,
};

function stairs({ latency: values, share }, end) {
  const [xs, ys] = [[ms(values[0])], [0]];
  values.filter((value) => value <= end).forEach((value, place) => {
    xs.push(ms(value), ms(value));
    ys.push(ys[ys.length - 1], share[place]);
  });
  return { xs, ys };
}

function curves(read, scaled, suffix) {
  const groups = [...new Set(shown().map((row) => row.name))].map((name) => rows.filter((row) => row.name === name
    && read(row) !== null).sort((one, other) => one.batch - other.batch)).filter((group) => group.length);
  const text = (row) => `batch ${row.batch}: ${withRange(read(row), scaled, suffix)}`;
  return {
    lines: columns(groups.map((group) => ({
      ...look(group[0]), xs: group.map((row) => row.batch), ys: group.map((row) => read(row)[0] * scaled),
      text: "",
    })), LINES),
    marks: columns(groups.flat().map((row) => {
      const [value, low, high] = read(row);
      return {
        ...look(row), x: row.batch, y: value * scaled, low: known(low, value) * scaled,
        high: known(high, value) * scaled, text: text(row),
      };
    }), MARKS),
  };
}

function sizes(read) {
  const bars = atBatch().filter((row) => read(row) !== null).reverse().map((row) => ({
    ...look(row), label: label(row), value: read(row), text: `${number(read(row))} MB`,
  }));
  return { bars: columns(bars, BARS) };
}

const WORDS = {
  ecdf: "Latency distribution", box: "Latency, quartiles and p5-p95", series: "Latency over time",
  batch_latency: "Latency against batch size", batch_throughput: "Throughput against batch size",
  start_up: "Start-up", artifact: "Size of the file", memory: "Peak memory", ...more.words,
};

// Charts that share a figure, and what its axis then says.
const FIGURES = { batch_latency: "curve", batch_throughput: "curve", artifact: "bars", memory: "bars", ...more.figures };
const AXES = {
  batch_latency: "p50 latency (UNIT)", batch_throughput: "samples per second",
  artifact: "MB on disk", memory: "MB at the peak of the worker process", ...more.axes,
};

// Each card shows one of several charts.
const CARDS = [
  {
    key: "distribution", options: [["ecdf", "ECDF"], ["box", "Box"], ["series", "Over time"]], label: "Latency chart",
    caption: () => ({
      ecdf: `A steep line is a steady one; the marker is p50 with its interval.${
        state.scale === "linear" ? " Outliers lie to the right of this scale." : ""}`,
      box: "Box: half of the inferences; line: nine tenths; marker: p50.",
      series: rows.some((row) => row.trace.thinned)
        ? "Every dot is an inference; of each stretch the fastest, the middle and the slowest one are drawn."
        : "Every dot is an inference.",
    })[state.distribution],
  },
  {
    key: "curve", options: [["batch_latency", "Latency"], ["batch_throughput", "Throughput"]], label: "Batch size chart",
    needed: () => batches.length > 1, everyBatch: true, caption: () => "Whiskers are 95% intervals.",
  },
  {
    key: "startUp", options: [["start_up", "Start-up"]], label: "Start-up chart",
    caption: () => ["load", "compile", "first inference"].map((phase, place) => `<span class="im-phase im-phase-${place}"
      aria-hidden="true"></span> ${phase}`).join(", ") + ": once, before the steady state.",
  },
  {
    key: "cost", options: [["artifact", "File"], ["memory", "Memory"]], label: "Size chart",
    needed: () => rows.some((row) => row.artifact !== null || row.memory !== null), caption: () => "",
  },
];
state.startUp = "start_up";

// What a chart says, for those who do not see it.
function described(name) {
  const filled = FILL[name]();
  const { name: who, text } = filled.marks ?? filled.boxes ?? filled.bars ?? filled.dots ?? { name: [], text: [] };
  const at = name.startsWith("batch_") ? "" : `, batch ${state.batch}`;
  const each = who.map((one, place) => `${one}: ${text[place]}`);
  if (filled.boxes ?? filled.bars) each.reverse(); // charts with names begin at the bottom
  if (filled.points) each.push(...atBatch().map((row) => `${row.name}: ${p50Text(row)}, ${row.trace.samples} inferences`));
  return `${WORDS[name]}${at}. ${each.join(". ")}`;
}

async function show(card) {
  const name = state[card.key];
  const wanted = `${name} ${state.scale} ${foreground()}`;
  card.title.textContent = `${WORDS[name]}${card.everyBatch ? "" : batches.length > 1 ? `, batch ${state.batch}` : ""}`;
  card.note.innerHTML = card.caption();
  card.slot.setAttribute("aria-label", described(name));
  const sources = FILL[name]();
  if (card.drawn === wanted) return refill(card.plot, sources);
  card.drawn = wanted;
  const target = element("div");
  card.slot.replaceChildren(target);
  const doc = prepared(name, sources);
  const views = await Bokeh.embed.embed_item({ doc, root_id: doc.roots[0].id, target_id: null }, target);
  if (card.drawn === wanted) card.plot = views.roots[0].model; // unless the reader was faster
  return undefined;
}

function refill(plot, sources) {
  for (const [source, filled] of Object.entries(sources)) {
    if (filled.label) {
      plot.y_range.factors = filled.label;
      plot.height = heightFor(filled.label);
    }
    plot.document.get_model_by_name(source).data = filled;
  }
}

const cards = (more.cards ?? CARDS).filter((card) => rows.length && (card.needed?.() ?? true));

function buildCharts() {
  const area = element("div", { class: `im-charts im-charts-${cards.length}` });
  for (const card of cards) {
    card.title = element("span", { class: "im-title" });
    card.slot = element("div", { class: "im-plot", role: "img" });
    card.note = element("figcaption", {});
    const options = card.options.length > 1 ? choices(card.label, card.options, card.key, () => show(card)) : "";
    area.append(element("figure", { class: "im-card" }, element("div", { class: "im-head" }, card.title, options),
      card.slot, card.note));
  }
  return area;
}

function buildToolbar() {
  const bar = element("div", { class: "im-toolbar", role: "group", "aria-label": "What the table and the charts show" });
  if (data.baseline !== null && names.length > 1 && rows.some((row) => data.speedups[rows.indexOf(row)].some(Boolean))) {
    const several = new Set(rows.map((row) => row.model)).size > 1;
    const shared = several ? [...new Set(rows.map(way))] : [];
    const offered = [...names.map((name) => [name, name]), ...shared.map((each) => [OWN + each, `each model's own ${each}`])];
    const select = element("select", {
      ...KEYS, "aria-label": "Baseline", onchange: () => { [state.baseline] = offered[select.selectedIndex]; update(); },
    }, ...offered.map(([value, words]) => element("option", { value: words, ...(value === state.baseline ? { selected: "" }
      : {}) }, words)));
    bar.append(labelled("Baseline", select));
  }
  if (batches.length > 1) {
    bar.append(labelled("Batch in the charts", choices("Batch size in the charts",
      batches.map((size) => [size, String(size)]), "batch")));
  }
  bar.append(labelled("Scale", choices("Scale", [["log", "log"], ["linear", "linear"]], "scale")));
  const all = element("button", {
    type: "button", class: "im-all", ...KEYS, onclick: () => { state.hidden.clear(); update(); },
  }, "Show all");
  bar.append(all, element("span", { class: "im-hint" }, "Click a name to hide it in the charts, a heading to sort."));
  return bar;
}

// ---------------------------------------------------------------- the controls below, once their kernel is gone

// JupyterLab keeps the place of a widget that died and says "model not found" there; nobody is helped by that.
function hideDeadControls() {
  const area = panel.closest(".jp-OutputArea");
  const mine = panel.closest(".jp-OutputArea-child");
  if (!area || !mine) return;
  const look = () => {
    const next = mine.nextElementSibling;
    const dead = next && (/^\s*(Error displaying widget|Loading widget)/.test(next.textContent)
      || next.querySelector("[class*=disconnected]"));
    if (next && next.hidden !== Boolean(dead)) {
      next.hidden = Boolean(dead);
      next.style.display = dead ? "none" : "";
    }
  };
  look();
  const watched = { childList: true, subtree: true, characterData: true, attributes: true, attributeFilter: ["class"] };
  new MutationObserver(look).observe(area, watched);
}

// ---------------------------------------------------------------- together

function update() {
  panel.classList.toggle("im-dark", isDark());
  showNames();
  showBaseline();
  showSpeedups();
  const all = panel.querySelector(".im-all");
  if (all) all.hidden = !state.hidden.size;
  return Promise.all(cards.map(show));
}

async function start() {
  document.head.querySelector("#inferspeed-style") ?? document.head.append(element("style", { id: "inferspeed-style" },
    own.style));
  panel.classList.add("im-live");
  tables.forEach(addSorting);
  tables.forEach(addToggles);
  const picture = panel.querySelector(".inferspeed-picture");
  const first = tables[0]?.table.parentElement;
  if (first) {
    // Above whichever comes first.
    const top = picture && (picture.compareDocumentPosition(first) & Node.DOCUMENT_POSITION_FOLLOWING) ? picture : first;
    top.before(buildToolbar());
    (picture ?? first).after(buildCharts());
  }
  if (picture) picture.hidden = true;
  hideDeadControls();
  await update();
  const follow = () => { if (isDark() !== panel.classList.contains("im-dark")) update(); };
  const watcher = new MutationObserver(() => setTimeout(follow, 50));
  for (const each of [document.documentElement, document.body]) {
    watcher.observe(each, { attributes: true, attributeFilter: ["class", "style", "theme", "data-jp-theme-light"] });
  }
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", follow);
  panel.dataset.ready = "true";
}

start();
