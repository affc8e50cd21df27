// Elements of the page. Text goes in as text, never as markup: names come from files of strangers.

import { fullName } from "./flame_search.js";

/** An element; `options` are a class, attributes, and `on`: what is to be called for which event. */
export function make(tag, options, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(options)) {
    if (name === "on") for (const [event, call] of Object.entries(value)) element.addEventListener(event, call);
    else if (name === "class") element.className = value;
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null) element.setAttribute(name, String(value));
  }
  element.append(...children);
  return element;
}

/** A choice of a few words, one of which is on: {element, set(value)}. `choices` are [value, text]. */
export function makeChoice(label, choices, choose) {
  const buttons = new Map(
    choices.map(([value, text]) => [
      value,
      make("button", { type: "button", "aria-pressed": "false", on: { click: () => choose(value) } }, text),
    ]),
  );
  const element = make("div", { class: "choice", role: "group", "aria-label": label }, ...buttons.values());
  const set = (wanted) => {
    for (const [value, button] of buttons) button.setAttribute("aria-pressed", String(value === wanted));
  };
  return { element, set };
}

/** A box to search in: {element, input}; `typed(text)` is called while one types, once a pause allows. */
export function makeSearch(label, placeholder, typed, pause = 120) {
  let waiting = 0;
  const later = () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => typed(input.value), pause);
  };
  const input = make("input", {
    type: "search",
    placeholder,
    autocomplete: "off",
    spellcheck: "false",
    "aria-label": label,
    on: { input: later },
  });
  return { element: make("label", { class: "search" }, input), input };
}

/** A bar for a share of something, 0 to 1: decoration beside its figure. */
export function makeBar(share) {
  const bar = make("span", { class: "share-bar", "aria-hidden": "true" }, make("span", {}));
  bar.firstChild.style.width = `${Math.min(1, Math.max(0, share)) * 100}%`;
  return bar;
}

/** `module!function` with the module set back; all of it is the tooltip. */
export function makeName(item, tag = "span", options = {}) {
  const module = make("span", { class: "module" }, `${item[0]}!`);
  return make(tag, { class: "item", title: fullName(item), ...options }, module, ...breakable(item[1]));
}

/** The text with places to break lines at, where C++ names have joints. */
function breakable(text) {
  return text.split(/(?<=::|,|\()(?=.)/).flatMap((part) => [make("wbr", {}), part]);
}
