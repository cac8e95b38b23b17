// What the panel of `optimize` adds to that of `profile`: the Pareto chart. It stands before panel.js in the same
// function and uses what is defined there once it is called.

const COSTS = {
  latency: { words: "Latency", axis: "p50 latency (UNIT), lower is faster", title: "latency" },
  size: { words: "File", axis: "MB of the file, smaller is better", title: "size of the file" },
  memory: { words: "Memory", axis: "MB of memory at the peak, less is better", title: "peak memory" },
};
const LINES_OF_FRONTS = ["xs", "ys", "colour", "dash", "name", "text"];
const DOTS = ["x", "y", "x_low", "x_high", "y_low", "y_high", "colour", "fill", "marker", "size", "name", "text"];
const TAGS = ["x", "y", "words", "colour", "align", "beside", "below", "name", "text"];

const scaledBy = (cost) => (cost === "latency" ? own.data.unit.perMs : 1);
const drawable = (row, cost) => row.score !== null && row.costs[cost] !== null && row.costs[cost][0] > 0;

function paretoDots(cost) {
  return shown().filter((row) => drawable(row, cost)).map((row) => {
    const [x, low, high] = row.costs[cost].map((value) => (value === null ? null : value * scaledBy(cost)));
    const [y, yLow, yHigh] = row.score;
    return {
      ...look(row), row, x, y, x_low: known(low, x), x_high: known(high, x), y_low: known(yLow, y), y_high: known(yHigh, y),
      fill: row.standing === "rejected" || row.standing === "unknown" ? 0 : 0.85,
      size: row.standing === "winner" ? 16 : row.standing === "original" ? 13 : 10,
      text: row.told,
    };
  });
}

// A step at each point: until the next one nothing better can be had for the cost.
function paretoFront(cost, dots) {
  const line = own.data.fronts[cost].map((name) => dots.find((dot) => dot.row.name === name)).filter(Boolean);
  const [xs, ys] = [[], []];
  line.forEach((dot, place) => {
    xs.push(...(place ? [dot.x, dot.x] : [dot.x]));
    ys.push(...(place ? [ys[ys.length - 1], dot.y] : [dot.y]));
  });
  const made = [{ xs, ys, colour: foreground(), dash: [], name: "Pareto front", text: "" }];
  if (own.data.allowed !== null && dots.length) {
    const ends = [Math.min(...dots.map((dot) => dot.x_low)), Math.max(...dots.map((dot) => dot.x_high))];
    made.push({ xs: ends, ys: ends.map(() => own.data.allowed), colour: foreground(), dash: [6, 4], name: "goal", text: "" });
  }
  return made;
}

// The names of the winner and of the original, on the side where there is room.
function paretoTags(dots) {
  const [first, last] = [Math.min(...dots.map((dot) => dot.x)), Math.max(...dots.map((dot) => dot.x))];
  const share = (x) => (state.scale === "log" ? Math.log(x / first) / Math.log(last / first || 1)
    : (x - first) / (last - first || 1));
  return dots.filter((dot) => ["winner", "original"].includes(dot.row.standing)).map((dot) => {
    const right = !(share(dot.x) > 0.5);
    return {
      x: dot.x, y: dot.y, words: dot.row.standing, colour: dot.colour, align: right ? "left" : "right",
      // Away from the front, which goes on to better scores.
      beside: right ? 10 : -10, below: own.data.higherIsBetter ? 14 : -14, name: dot.name, text: dot.text,
    };
  });
}

function pareto(cost) {
  const dots = paretoDots(cost);
  return {
    dots: columns(dots, DOTS), fronts: columns(paretoFront(cost, dots), LINES_OF_FRONTS), tags: columns(paretoTags(dots), TAGS),
  };
}

function paretoCaption() {
  const cost = state.pareto.slice(7);
  const missing = shown().filter((row) => !drawable(row, cost)).length;
  const beyond = shown().filter((row) => drawable(row, cost) && row.atEdge).length;
  return [
    "Line: no candidate is better in both.",
    own.data.allowed === null ? "" : "Dashed: what the goal allows.",
    "Hollow: not chosen, the table says why. Whiskers: 95% intervals, those of scores of the difference from the original.",
    beyond ? `${beyond} lie${beyond === 1 ? "s" : ""} beyond the axis and ${beyond === 1 ? "is" : "are"} drawn on its edge.` : "",
    missing ? `${missing} ${missing === 1 ? "has" : "have"} no score or no such number and ${
      missing === 1 ? "is" : "are"} not drawn.` : "",
  ].filter(Boolean).join(" ");
}

const costsThere = Object.keys(COSTS).filter((cost) => own.data.rows.some((row) => drawable(row, cost)));

own.more = {
  state: { pareto: `pareto_${costsThere[0] ?? "latency"}` },
  words: Object.fromEntries(costsThere.map((cost) => [`pareto_${cost}`, `Score against ${COSTS[cost].title}`])),
  figures: Object.fromEntries(costsThere.map((cost) => [`pareto_${cost}`, "pareto"])),
  axes: Object.fromEntries(costsThere.map((cost) => [`pareto_${cost}`, COSTS[cost].axis])),
  fill: Object.fromEntries(costsThere.map((cost) => [`pareto_${cost}`, () => pareto(cost)])),
  labels: { SCORE: own.data.scoreTitle },
  cards: costsThere.length ? [{
    key: "pareto", options: costsThere.map((cost) => [`pareto_${cost}`, COSTS[cost].words]), label: "What it costs",
    caption: paretoCaption,
  }] : [],
};
