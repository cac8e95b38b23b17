// Words among the dots of the roofline: a roof's name beside its line, a layer's beside its dot, each where nothing else
// is; a layer that has no room keeps its name for who hovers it.

// Pixels: what axes and margins take of a chart, its height, a line of words, about the width of a letter.
const [AXIS_ROOM, FOOT_ROOM, CHART_HEIGHT, WORD_LINE, LETTER] = [80, 55, 400, 14, 6.2];
// Dots that may have a name, and letters of one.
const [LABELLED, LONGEST_LABEL] = [8, 22];
// Where a roof may have its name, as shares of its length; points of it that no name of a layer may lie on.
const PLACES_OF_ROOF = [0, 0.12, 0.25, 0.4, 0.55, 0.7, 0.85];
const ROOF_POINTS = 40;

// Where the chart draws a place, about: its axes are logarithmic and leave a twentieth free at each end.
function pixelsOf(places, width) {
  const axis = (values, length) => {
    const logs = values.filter((value) => value > 0).map(Math.log);
    const [low, high] = [Math.min(...logs), Math.max(...logs)];
    const span = (high - low || 1) * 1.1;
    return (value) => (Math.log(value) - (low + high) / 2) / span * length + length / 2;
  };
  const [across, height] = [Math.max(50, width - AXIS_ROOM), CHART_HEIGHT - FOOT_ROOM];
  const [x, up] = [axis(places.map((each) => each[0]), across), axis(places.map((each) => each[1]), height)];
  return { x, y: (value) => height - up(value), across, height };
}

const crosses = (one, other) => one[0] < other[2] && other[0] < one[2] && one[1] < other[3] && other[1] < one[3];

function boxOfWords(words, [x, y], { align, beside, above }) {
  const length = words.length * LETTER;
  const left = x + beside - { left: 0, center: length / 2, right: length }[align];
  return [left, y + above - WORD_LINE / 2, left + length, y + above + WORD_LINE / 2];
}

// A place on a line between two others; both axes are logarithmic.
const between = (one, other, share) => Math.exp(Math.log(one) + share * (Math.log(other) - Math.log(one)));

const shortLabel = (name) => (name.length <= LONGEST_LABEL ? name
  : `${name.slice(0, LONGEST_LABEL / 2)}…${name.slice(1 - LONGEST_LABEL / 2)}`);

// Names for the roofline: of every roof, and of those layers that have room, the longest first.
function namesAmong(dots, roofs, width) {
  const places = [...dots.map((dot) => [dot.x, dot.y]), ...roofs.flatMap(({ xs, ys }) => xs.map((x, end) => [x, ys[end]]))];
  if (!places.length) return [];
  const { x, y, across, height } = pixelsOf(places, width);
  const taken = dots.map((dot) => {
    const [left, top, half] = [x(dot.x), y(dot.y), dot.size / 2 + 1];
    return [left - half, top - half, left + half, top + half];
  });
  const inside = ([left, top, right, bottom]) => left >= 0 && top >= 0 && right <= across && bottom <= height;
  const isFree = (box) => !taken.some((each) => crosses(box, each));
  const lines = roofs.map(({ xs, ys }) => Array.from({ length: ROOF_POINTS + 1 }, (_, point) => {
    const share = point / ROOF_POINTS;
    const [left, top] = [x(between(xs[0], xs[1], share)), y(between(ys[0], ys[1], share))];
    return [left - 1, top - 1, left + 1, top + 1];
  }));
  const ofRoofs = roofs.map(({ xs, ys, tag, words }, number) => {
    const level = ys[0] === ys[1];
    const sides = level ? [{ align: "right", beside: -2, above: -8 }]
      : [{ align: "left", beside: 7, above: 7 }, { align: "right", beside: -7, above: -7 }];
    const offered = sides.flatMap((looks) => PLACES_OF_ROOF.map((share) => {
      const along = level ? 1 - share : share;
      const place = [between(xs[0], xs[1], along), between(ys[0], ys[1], along)];
      return { place, looks, box: boxOfWords(tag, [x(place[0]), y(place[1])], looks) };
    }));
    const others = lines.filter((_, line) => line !== number).flat();
    const chosen = offered.find(({ box }) => inside(box) && isFree(box) && !others.some((each) => crosses(box, each)))
      ?? offered.find(({ box }) => isFree(box)) ?? offered[0];
    taken.push(chosen.box);
    return { x: chosen.place[0], y: chosen.place[1], words: tag, colour: foreground(), ...chosen.looks, name: words, text: "" };
  });
  taken.push(...lines.flat());
  const ofDots = dots.slice(0, LABELLED).flatMap((dot) => {
    const [words, far] = [shortLabel(dot.name), dot.size / 2];
    const sides = [
      { align: "left", beside: far + 4, above: 0 }, { align: "right", beside: -far - 4, above: 0 },
      { align: "center", beside: 0, above: -far - 9 }, { align: "center", beside: 0, above: far + 9 },
    ];
    const side = sides.find((each) => {
      const box = boxOfWords(words, [x(dot.x), y(dot.y)], each);
      return inside(box) && isFree(box);
    });
    if (!side) return [];
    taken.push(boxOfWords(words, [x(dot.x), y(dot.y)], side));
    return [{ x: dot.x, y: dot.y, words, colour: dot.colour, ...side, name: dot.name, text: "" }];
  });
  return [...ofRoofs, ...ofDots];
}
