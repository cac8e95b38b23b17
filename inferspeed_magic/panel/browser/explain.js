// What the panel of `explain` adds to that of `profile`: layers under the roofs, latency over batch size, and the table
// of layers. It stands before panel.js in the same function and uses what is defined there once it is called.

const ROOFS = ["xs", "ys", "colour", "dash", "width", "name", "text"];
const DOTS = ["x", "y", "colour", "marker", "size", "name", "text"];
const TAGS = ["x", "y", "words", "colour", "align", "beside", "above", "name", "text"];
const FITTED = ["x", "y", "low", "high", "colour", "marker", "name", "text"];
// Those that are named to readers who do not see the chart.
const NAMED = 10;
// Pixels: how high the charts are drawn, about, and a line of words.
const [PLOT, LINE] = [330, 14];
// From this width on the structures of two models fit beside each other.
const WIDE = 1350;

const rowOf = (model) => rows.find((row) => row.name === model);
const visible = (each) => rowOf(each.model) && !state.hidden.has(each.model);

function roofline() {
  const dots = own.data.dots.filter(visible).map((dot) => ({
    ...look(rowOf(dot.model)), x: dot.x, y: dot.y, size: dot.size,
    name: rows.length > 1 ? `${dot.model}: ${dot.name}` : dot.name, text: dot.told,
  }));
  const roofs = own.data.roofs.map((roof) => ({
    xs: roof.xs, ys: roof.ys, colour: faded(roof.main ? 0.8 : 0.45), dash: roof.main ? [] : [5, 4], width: 1.5,
    name: roof.words, text: "",
  }));
  const width = cards.find((card) => card.key === "roofline").slot.clientWidth;
  const tags = namesAmong(dots, own.data.roofs, width);
  return {
    marks: columns(dots.slice(0, NAMED), DOTS), others: columns(dots.slice(NAMED), DOTS), roofs: columns(roofs, ROOFS),
    tags: columns(tags, TAGS),
  };
}

const several = (count, one, many) => `${count} ${count === 1 ? one : many}`;

function rooflineCaption() {
  const roofs = own.data.roofs.map((roof) => roof.words);
  return [
    own.data.kind === "work" ? "Every dot is a layer, the larger the more of its model's operations it has."
      : "Every dot is a layer with all that is fused into it, the larger the more of its model's time it takes.",
    own.data.kind === "work" ? "Lines: equal arithmetic intensity."
      : roofs.length ? `None gets above the roof of what its bytes come from: ${roofs.join(", ")}.` : "The machine's ceilings were not measured.",
    own.data.undrawn ? `${several(own.data.undrawn, "layer has", "layers have")} no place: ${
      own.data.kind === "work" ? "nothing to compute." : "nothing to compute, fused into another, or not timed."}` : "",
  ].filter(Boolean).join(" ").replace(/[&<>]/g, (letter) => `&#${letter.charCodeAt(0)};`);
}

const fitLines = (place) => own.data.fits[place].lines.filter(visible);

// What a call costs however many samples it has: a dotted line, and its words at the end of it; below it where there is
// room, and never on each other.
function fixedCosts(lines) {
  const there = lines.filter((line) => line.fixed !== null && line.xs.length);
  const highest = Math.max(...lines.flatMap((line) => [...line.ys, ...line.points.map(([, point]) => point?.[0] ?? 0)]), 0);
  const last = Math.max(...there.flatMap((line) => line.xs), 0);
  const height = (line) => (line.fixed / (highest || 1)) * PLOT;
  const below = there.length > 0 && Math.min(...there.map(height)) > LINE * (there.length + 1);
  there.sort((one, other) => (below ? other.fixed - one.fixed : one.fixed - other.fixed));
  let taken = below ? Infinity : -Infinity;
  const tags = there.map((line) => {
    const at = height(line);
    taken = below ? Math.min(at - 9, taken - LINE) : Math.max(at + 9, taken + LINE);
    return {
      x: last, y: ms(line.fixed), words: `fixed ${latency(line.fixed)}`, colour: colour(rowOf(line.model)),
      align: "right", beside: -9, above: at - taken, name: line.model, text: "",
    };
  });
  const dotted = there.map((line) => ({
    ...look(rowOf(line.model)), xs: [0, last], ys: [ms(line.fixed), ms(line.fixed)], dash: [1, 4], width: 1.5, text: "",
  }));
  return { tags, dotted };
}

function fit(place) {
  const lines = fitLines(place);
  const marks = lines.flatMap((line) => line.points.filter(([, point]) => point).map(([size, [value, low, high]]) => ({
    ...look(rowOf(line.model)), x: size, y: ms(value), low: ms(known(low, value)), high: ms(known(high, value)),
    text: `batch ${size}: ${withRange([value, low, high], own.data.unit.perMs, ` ${own.data.unit.name}`)}`,
  })));
  const drawn = lines.filter((line) => line.xs.length).map((line) => ({
    ...look(rowOf(line.model)), xs: line.xs, ys: line.ys.map(ms), width: 2, text: line.told,
  }));
  const { tags, dotted } = fixedCosts(lines);
  return {
    marks: columns(marks, FITTED), lines: columns([...drawn, ...dotted], ROOFS), tags: columns(tags, TAGS),
  };
}

function fitCaption(place) {
  const said = fitLines(place).map((line) => `${line.model}: ${line.told}.`).join(" ");
  return said.replace(/[&<>]/g, (letter) => `&#${letter.charCodeAt(0)};`);
}

const fitNames = own.data.fits.map((_, place) => `fit_${place}`);
const byFit = (make) => Object.fromEntries(fitNames.map((name, place) => [name, make(place)]));
const isWork = own.data.kind === "work";

own.more = {
  state: { roofline: "roofline", fit: fitNames[0] },
  words: {
    roofline: isWork ? "Operations against bytes moved" : own.data.roofs.length ? "Layers under the machine's roofs"
      : "What layers reach",
    ...byFit((place) => `Latency over batch size, ${own.data.fits[place].way}`),
  },
  figures: byFit(() => "fit"),
  axes: byFit(() => "latency (UNIT)"),
  fill: { roofline: () => { followPage(); return roofline(); }, ...byFit((place) => () => fit(place)) },
  labels: {
    ACROSS: isWork ? "kB moved" : "arithmetic intensity (FLOP per byte moved)",
    UP: isWork ? "MFLOP in one inference" : "GFLOP/s reached",
  },
  cards: [
    ...(own.data.dots.length ? [{
      key: "roofline", options: [["roofline", "Roofline"]], label: "Layers", caption: rooflineCaption,
    }] : []),
    ...(fitNames.length ? [{
      key: "fit", options: fitNames.map((name, place) => [name, own.data.fits[place].way]), label: "Batch sizes on",
      caption: () => fitCaption(fitNames.indexOf(state.fit)),
    }] : []),
  ],
};

// ---------------------------------------------------------------- the table of layers

function sortable(table, values) {
  const [heads, body] = [[...table.tHead.rows[0].cells], table.tBodies[0]];
  const lines = [...body.rows];
  const isNumber = (place) => values.some((row) => typeof row[place] === "number");
  heads.forEach((head, place) => {
    const button = element("button", { type: "button", class: "im-sort", ...KEYS }, head.textContent);
    button.style.textAlign = head.style.textAlign;
    head.replaceChildren(button);
    for (const line of [table.tHead.rows[0], ...lines]) {
      line.cells[place].classList.add(`im-column-${own.data.layerKeys[place]}`);
    }
    if (own.data.sortedBy === place) head.setAttribute("aria-sort", "descending");
    button.addEventListener("click", () => {
      const before = head.getAttribute("aria-sort");
      // Of numbers one looks for the largest first.
      const ascending = before ? before === "descending" : !isNumber(place);
      for (const each of heads) each.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", ascending ? "ascending" : "descending");
      const compared = (one, other) => {
        const [first, second] = [values[lines.indexOf(one)][place], values[lines.indexOf(other)][place]];
        if (first === null || second === null) return (first === null) - (second === null);
        const order = typeof first === "number" && typeof second === "number"
          ? first - second : String(first).localeCompare(String(second), undefined, { numeric: true });
        return ascending ? order : -order;
      };
      body.append(...[...lines].sort(compared));
    });
  });
}

// The head of the table stays while its rows move below it, so it needs the page's own colour.
function followPage() {
  let page = panel;
  const bare = (node) => /^(transparent|rgba\(.*, 0\))$/.test(getComputedStyle(node).backgroundColor);
  while (page && bare(page)) page = page.parentElement;
  const otherwise = isDark() ? "#111" : "#fff";
  panel.style.setProperty("--im-page", page ? getComputedStyle(page).backgroundColor : otherwise);
}

function liven() {
  const style = "inferspeed-explain-style";
  document.head.querySelector(`#${style}`) ?? document.head.append(element("style", { id: style }, own.data.css));
  panel.querySelectorAll("table.inferspeed-layer-rows").forEach((table, place) => sortable(table, own.data.layers[place]));
  const [longest, all] = [panel.querySelector(".inferspeed-longest"), panel.querySelector("details.inferspeed-layers")];
  if (all) {
    all.open = true;
    if (longest) longest.hidden = true;
  }
  showStructures();
  // Where there is room for two beside each other, they are shown as they are.
  const wide = panel.clientWidth >= WIDE;
  panel.querySelectorAll("details.inferspeed-structure").forEach((each, place) => { each.open = wide && place < 2; });
  // Names that had room may have none in a narrower chart.
  const layers = cards.find((card) => card.key === "roofline");
  let drawn = layers?.slot.clientWidth;
  if (layers) {
    new ResizeObserver(() => {
      if (!layers.plot || layers.slot.clientWidth === drawn) return;
      drawn = layers.slot.clientWidth;
      show(layers);
    }).observe(layers.slot);
  }
  // Neither chart has another scale to offer.
  panel.querySelector(".im-toolbar [aria-label='Scale']")?.closest(".im-control").remove();
  const hint = panel.querySelector(".im-hint");
  if (hint && !own.more.cards.length) hint.textContent = "Click a heading to sort.";
  // What has to be scrolled can be reached by the keys that scroll.
  for (const each of panel.querySelectorAll(".inferspeed-scroll")) {
    const words = each.closest("details")?.querySelector("summary")?.textContent ?? "evidence";
    if (!each.querySelector("button, [tabindex]") && (each.closest("details") || each.scrollWidth > each.clientWidth)) {
      for (const [name, value] of Object.entries({ tabindex: "0", role: "region", "aria-label": words, ...KEYS })) {
        each.setAttribute(name, value);
      }
    }
  }
  followPage();
}

// Once panel.js has run to its end and what is defined there is there.
queueMicrotask(liven);
