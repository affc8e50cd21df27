// Elements around the canvas: legend and tooltip. All text goes in as text, all style through style properties.

import { FULL_CHANGE, moduleShade } from "./colors.js";
import { flameChange, flameMs, flamePercent } from "./flame_words.js";

/** An element with a class and children (elements or texts). */
export function flameElement(tag, className, ...children) {
  const element = document.createElement(tag);
  if (className !== "") element.className = className;
  element.append(...children);
  return element;
}

/** So many modules are named in the legend. */
const NAMED_MODULES = 6;

/**
 * The legend of a graph: `update(palette, sentence)` sets the colours of its scale and what width means. For two sides
 * colours are changes, for one they are `modules`, of which the first are named.
 */
export function flameLegend(sides, modules) {
  const steps = flameElement("span", "flame-scale-steps");
  const width = flameElement("p", "flame-width");
  const marks = flameElement("div", "flame-marks");
  const legend = flameElement("div", "flame-legend");
  const mark = (kind, text) => {
    marks.append(flameElement("span", "flame-mark", flameElement("span", `flame-swatch flame-swatch-${kind}`), text));
  };
  let named = [];
  if (sides.length === 2) {
    if (FULL_CHANGE !== 2) throw new Error("the words of the scale are those of a factor of 2");
    const word = (text) => flameElement("span", "", text);
    legend.append(
      flameElement(
        "div",
        "flame-scale",
        flameElement("div", "flame-scale-words", word("◀ faster"), word("slower ▶")),
        steps,
        flameElement(
          "div",
          "flame-scale-ends",
          word("half or less"),
          word("same, or within chance"),
          word("twice or more"),
        ),
      ),
    );
    mark("new", `only in ${sides[1].label}`);
    mark("vanished", `only in ${sides[0].label}`);
  } else {
    named = modules.filter((module) => module !== "<unknown>").slice(0, NAMED_MODULES);
    legend.append(flameElement("span", "", "Colour: module"));
    for (const module of named) mark("module", module);
    mark("unknown", "not resolved");
  }
  mark("dust", "too narrow to tell apart");
  legend.append(marks, width);
  const update = (palette, sentence) => {
    const step = (fill) => {
      const element = flameElement("span", "");
      element.style.backgroundColor = fill;
      return element;
    };
    if (sides.length === 2) steps.replaceChildren(...palette.fills.map(step));
    marks.querySelectorAll(".flame-swatch-module").forEach((swatch, at) => {
      swatch.style.backgroundColor = palette.fills[moduleShade(named[at], "")];
    });
    width.textContent = sentence;
  };
  return { element: legend, update };
}

/** What can be done, once for hands on a keyboard or mouse, once for fingers; flame.css shows the right one. */
export function flameHelp(id) {
  const key = (name) => flameElement("kbd", "", name);
  const help = flameElement(
    "p",
    "flame-help",
    flameElement(
      "span",
      "flame-help-keys",
      ...["Click or ", key("Enter"), " zooms to a frame; double click or ", key("Esc"), " shows all again. "],
      ...["Arrow keys walk, ", key("Home"), " goes to the top. Drag moves. "],
      ...[key("Ctrl"), " + wheel, pinch, ", key("+"), " or ", key("−"), " zooms; the wheel alone scrolls, "],
      ...["with ", key("Shift"), " sideways. "],
      ...[key("b"), ", ", key("Shift + Enter"), " or ", key("Ctrl"), " + click shows callers and callees."],
    ),
    flameElement(
      "span",
      "flame-help-touch",
      "Tap zooms to a frame, double tap shows all again. Drag sideways moves, pinch zooms. ",
      "The button shows callers and callees of the frame last tapped.",
    ),
  );
  help.id = id;
  return help;
}

/** The tooltip: `show(facts)`, `place(x, y)` beside a point of the window, never outside it; `hide()`. */
export function flameTooltip(sides) {
  const name = flameElement("p", "flame-name");
  const of = flameElement("p", "flame-of");
  const heads = sides.length === 2 ? ["", sides[0].label, sides[1].label, "change"] : ["", "a run", "of the program"];
  const head = flameElement("tr", "", ...heads.map((text) => flameElement(text === "" ? "td" : "th", "", text)));
  const body = flameElement("tbody", "");
  const table = flameElement("table", "", flameElement("thead", "", head), body);
  const note = flameElement("p", "flame-note");
  const element = flameElement("div", "flame-tooltip", name, of, table, note);
  element.setAttribute("role", "tooltip");
  element.setAttribute("aria-hidden", "true"); // the line below the graph tells the same to screen readers
  element.hidden = true;
  const show = (facts) => {
    name.textContent = facts.name;
    of.textContent = facts.of === "" ? "" : `on the way to ${facts.of}`;
    of.hidden = facts.of === "";
    body.replaceChildren(...facts.rows.flatMap(tooltipRows));
    note.textContent = facts.change;
    note.hidden = facts.change === "";
    element.hidden = false;
    shortenUntilItFits(element, name, facts.name);
  };
  const hide = () => {
    element.hidden = true;
  };
  return { element, show, place: (x, y) => placeBeside(element, x, y), hide };
}

function tooltipRows(row, at) {
  const line = (label, cells) =>
    flameElement("tr", "", flameElement("th", "", label), ...cells.map((text) => flameElement("td", "", text)));
  if (row.ms.length === 1) return [line(row.label, [flameMs(row.ms[0]), flamePercent(row.share[0])])];
  const weight = line(row.label, [...row.ms.map(flameMs), flameChange(row.ms[0], row.ms[1])]);
  if (at > 0) return [weight];
  return [
    weight,
    line("share", [...row.share.map(flamePercent), pointsText(row.share[1] - row.share[0])]),
  ];
}

function pointsText(difference) {
  const points = 100 * difference;
  return `${points > 0 ? "+" : points < 0 ? "−" : ""}${Math.abs(points).toFixed(2)} points`;
}

/** Names of thousands of characters are shown whole where the window has room, else without their middle. */
function shortenUntilItFits(element, name, text) {
  const room = document.documentElement.clientHeight - 16;
  const characters = Array.from(text);
  let kept = characters.length;
  while (element.scrollHeight > room && kept > 80) {
    kept = Math.floor(kept * 0.8);
    const half = Math.floor(kept / 2);
    const gone = characters.length - 2 * half;
    const tail = characters.slice(characters.length - half).join("");
    name.textContent = `${characters.slice(0, half).join("")} … ${gone} characters … ${tail}`;
  }
}

function placeBeside(element, x, y) {
  const { clientWidth, clientHeight } = document.documentElement;
  const { offsetWidth, offsetHeight } = element;
  const margin = 8;
  const right = x + 14;
  const below = y + 18;
  const left = right + offsetWidth + margin <= clientWidth ? right : x - offsetWidth - 14;
  const top = below + offsetHeight + margin <= clientHeight ? below : y - offsetHeight - 12;
  element.style.left = `${Math.max(margin, Math.min(left, clientWidth - offsetWidth - margin))}px`;
  element.style.top = `${Math.max(margin, Math.min(top, clientHeight - offsetHeight - margin))}px`;
}
