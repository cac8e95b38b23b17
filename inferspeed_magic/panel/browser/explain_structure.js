// The structure of each model: its layers in the order of execution, a line from each to those that take what it makes,
// all coloured by their share. Where the panel's script runs this takes the place of the table that is there without it.
// It uses what is defined in panel.js, and runs after that.

// Pixels: between two lanes, at most; the room for all of them; what is left free beside them; half a layer's box.
const [PITCH, RAILS, MARGIN, BOX] = [15, 170, 9, 5.5];
// Models of this many layers have a strip in their title that shows all of them at once.
const STRIP_FROM = 4;
const ORANGE = "204, 95, 26";
const SVG = Object.assign(document.createElement("div"), { innerHTML: "<svg></svg>" }).firstChild.namespaceURI;

function svgPart(tag, attributes, ...children) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

const heatOf = (heat) => `rgba(${ORANGE}, ${(0.12 + 0.88 * heat).toFixed(3)})`;

// All layers of a model beside each other: what a folded structure shows of itself.
function heatStrip(given) {
  const cells = given.map(([, , heat], place) => svgPart("rect", {
    x: place, y: 0, width: 1, height: 1, fill: heat ? heatOf(heat) : "currentColor", "fill-opacity": heat ? 1 : 0.08,
  }));
  return svgPart("svg", {
    class: "im-strip", viewBox: `0 0 ${given.length} 1`, preserveAspectRatio: "none", "aria-hidden": "true",
  }, ...cells);
}

// A line of the list: the box of its layer is drawn beside it, and everything that can be hovered is text, too.
function structureLine([words, text, heat, told, takes], place, id) {
  const name = element("th", {
    scope: "row", tabindex: place ? "-1" : "0", "aria-describedby": `${id}-${place}`, ...KEYS,
  }, element("span", { class: "im-step" }, words));
  if (takes) name.append(element("small", { class: "im-takes" }, takes));
  const bar = element("span", { class: "im-heat", "aria-hidden": "true" });
  bar.style.cssText = `width: ${100 * heat}%; background: ${heatOf(heat)}`;
  return element("tr", {}, element("td"), name,
    element("td", { class: "im-share" }, element("span", { class: "im-room", "aria-hidden": "true" }, bar), text),
    element("td", { class: "im-told", id: `${id}-${place}` }, told));
}

// Lines leave a layer downwards in its own lane, and turn aside between the two rows before whoever takes from it.
function railPath(from, to, x, ys) {
  const [begin, end] = [x(from.lane), x(to.lane)];
  if (begin === end) return `M${begin} ${ys[from.place]}V${ys[to.place]}`;
  const [above, below] = [ys[to.place - 1], ys[to.place]];
  const middle = (above + below) / 2;
  return `M${begin} ${ys[from.place]}V${above}C${begin} ${middle} ${end} ${middle} ${end} ${below}`;
}

function drawRails(structure, table, svg) {
  const lines = [...table.tBodies[0].rows];
  const frame = table.getBoundingClientRect();
  if (!frame.height) return;
  const ys = lines.map((line) => {
    const box = line.getBoundingClientRect();
    return Math.round((box.top + box.bottom) / 2 - frame.top);
  });
  const pitch = Math.min(PITCH, RAILS / structure.lanes);
  const x = (lane) => MARGIN + lane * pitch;
  const width = 2 * MARGIN + (structure.lanes - 1) * pitch;
  const at = (place) => ({ place, lane: structure.rows[place][5] });
  const edges = structure.rows.flatMap((row, place) => row[6].map((from) => svgPart("path", {
    d: railPath(at(from), at(place), x, ys), class: "im-rail", "data-from": from, "data-to": place,
  })));
  const half = Math.min(BOX, 0.45 * pitch);
  const boxes = structure.rows.map(([, , heat], place) => svgPart("rect", {
    x: x(at(place).lane) - half, y: ys[place] - BOX, width: 2 * half, height: 2 * BOX, rx: 2,
    class: heat ? "im-box" : "im-box im-idle", ...(heat ? { fill: heatOf(heat) } : {}), "data-place": place,
  }));
  // Boxes are opaque behind their colour, so that no line is seen through them.
  const covers = boxes.map((box) => {
    const cover = box.cloneNode();
    cover.setAttribute("class", "im-cover");
    cover.removeAttribute("fill");
    return cover;
  });
  table.style.setProperty("--im-rails", `${width}px`);
  for (const [name, value] of Object.entries({ width, height: Math.round(frame.height) })) svg.setAttribute(name, value);
  svg.replaceChildren(...edges, ...covers, ...boxes);
}

// Whoever looks at a layer sees what feeds it and what it feeds, and reads all that is known of it.
function bringOut(place, box, line, tip, [words, text, , told, takes]) {
  const own = (each) => [each.dataset.from, each.dataset.to].includes(String(place));
  for (const rail of box.querySelectorAll(".im-rail")) rail.classList.toggle("im-on", own(rail));
  tip.replaceChildren(element("b", {}, words), ...[text, told, takes].filter(Boolean).map((each) => element("div", {}, each)));
  tip.hidden = false;
  const [frame, at] = [tip.parentElement.getBoundingClientRect(), line.getBoundingClientRect()];
  const room = Math.max(0, frame.width - tip.offsetWidth);
  tip.style.left = `${Math.min(room, line.cells[1].getBoundingClientRect().left - frame.left + 24)}px`;
  const below = at.bottom - frame.top + 4;
  tip.style.top = `${below + tip.offsetHeight > frame.height ? at.top - frame.top - tip.offsetHeight - 4 : below}px`;
}

function letGo(box, tip) {
  tip.hidden = true;
  for (const rail of box.querySelectorAll(".im-on")) rail.classList.remove("im-on");
}

// One layer is reached by Tab, the others from there by arrows: a model may have hundreds.
function moveByKeys(event, lines) {
  const place = lines.findIndex((line) => line.contains(event.target));
  const to = { ArrowDown: place + 1, ArrowUp: place - 1, Home: 0, End: lines.length - 1 }[event.key];
  if (place < 0 || to === undefined) return;
  event.preventDefault();
  const next = lines[Math.min(lines.length - 1, Math.max(0, to))];
  lines[place].cells[1].tabIndex = -1;
  next.cells[1].tabIndex = 0;
  next.cells[1].focus({ preventScroll: true });
  next.scrollIntoView({ block: "nearest" });
}

function showStructure(folded, structure) {
  const id = `im-layer-${(window.inferspeedIds = (window.inferspeedIds ?? 0) + 1)}`;
  const lines = structure.rows.map((row, place) => structureLine(row, place, id));
  const heads = ["layer", "share", "details"].map((words) => element("th", { scope: "col" }, words));
  const table = element("table", { class: "im-structure" },
    element("thead", {}, element("tr", {}, element("td", {}, element("div", { class: "im-rails" })), ...heads)), element("tbody", {}, ...lines));
  const svg = svgPart("svg", { class: "im-lines", "aria-hidden": "true" });
  const box = element("div", { class: "inferspeed-scroll im-graph", role: "region", "aria-label": structure.title },
    element("div", { class: "im-canvas" }, table, svg));
  const tip = element("div", { class: "im-tip", "aria-hidden": "true", hidden: "" });
  lines.forEach((line, place) => {
    const look = () => bringOut(place, box, line, tip, structure.rows[place]);
    line.addEventListener("mouseenter", look);
    line.addEventListener("focusin", look);
    line.addEventListener("mouseleave", () => letGo(box, tip));
    line.addEventListener("focusout", () => letGo(box, tip));
  });
  box.addEventListener("scroll", () => {
    const place = lines.findIndex((line) => line.matches(":hover, :focus-within"));
    if (place < 0) letGo(box, tip);
    else bringOut(place, box, lines[place], tip, structure.rows[place]);
  });
  box.addEventListener("keydown", (event) => moveByKeys(event, lines));
  folded.querySelector(".inferspeed-scroll").replaceWith(element("div", { class: "im-frame" }, box, tip));
  if (lines.length >= STRIP_FROM) folded.querySelector("summary").append(heatStrip(structure.rows));
  // Rows have places only while they are shown, and other ones where words need more lines.
  new ResizeObserver(() => drawRails(structure, table, svg)).observe(table);
}

function showStructures() {
  panel.querySelectorAll("details.inferspeed-structure").forEach((each, place) => {
    showStructure(each, own.data.structures[place]);
  });
}
