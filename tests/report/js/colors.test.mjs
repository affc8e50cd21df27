// Colours: what a change looks like, that noise looks like none, and that names can be read on all of them.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";

import {
  CHANGE_STEPS,
  changeShade,
  colorOfHue,
  colorText,
  flamePalette,
  isWithinChance,
  mixColors,
  MODULE_HUES,
  moduleShade,
  parseColor,
  PLAIN_THEME,
} from "../../../perfdb/report/html/static/colors.js";
import { randomNumbers } from "./trees.mjs";

const MS = 1e6;
const READABLE = 4.5; // WCAG 2.2, contrast of text

/** Relative luminance, as WCAG 2.2 defines it. */
function luminance(text) {
  const [red, green, blue] = parseColor(text).map((part) =>
    part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4,
  );
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(one, other) {
  const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (high + 0.05) / (low + 0.05);
}

/** The themes of flame.css: what each rule for :root sets, in the order of the file, and where it holds. */
function themesOfStyle() {
  const style = readFileSync(new URL("../../../perfdb/report/html/static/flame.css", import.meta.url), "utf8");
  return [...style.matchAll(/^ *(:root[^{]*)\{([^}]*)\}/gm)].map(([, selector, body]) => ({
    selector: selector.replace(/\s+/g, " ").trim(),
    theme: Object.fromEntries([...body.matchAll(/--flame-([\w-]+): ([^;]+);/g)].map((found) => found.slice(1))),
  }));
}

function shade(before, after, { runs = [1, 1] } = {}) {
  return changeShade(before * MS, after * MS, before, after, ...runs);
}

test("a change is told by direction and size, and by no more than twice or half", () => {
  assert.equal(2 * CHANGE_STEPS, shade(1000, 2000));
  assert.equal(2 * CHANGE_STEPS, shade(1000, 9000));
  assert.equal(0, shade(2000, 1000));
  assert.equal(CHANGE_STEPS + CHANGE_STEPS / 2, shade(10000, 14142));
  assert.equal(CHANGE_STEPS - CHANGE_STEPS / 2, shade(14142, 10000));
});

test("changes are those of ms a run, however many runs a side has", () => {
  assert.equal(CHANGE_STEPS, shade(3000, 1000, { runs: [3, 1] }));
  assert.equal(2 * CHANGE_STEPS, shade(3000, 2000, { runs: [3, 1] }));
});

test("new and vanished frames have the full colour where chance does not explain them", () => {
  assert.equal(2 * CHANGE_STEPS, shade(0, 5));
  assert.equal(0, shade(5, 0));
  assert.equal(CHANGE_STEPS, shade(0, 3));
  assert.equal(CHANGE_STEPS, shade(3, 0));
  assert.equal(CHANGE_STEPS, shade(0, 0));
});

test("what counting alone explains is neutral: two deviations of both counts", () => {
  assert.equal(true, isWithinChance(100 * MS, 128 * MS, 100, 128, 1, 1)); // 28 of 2 × 15.1
  assert.equal(false, isWithinChance(100 * MS, 132 * MS, 100, 132, 1, 1)); // 32 of 2 × 15.2
});

test("chance is that of samples, not of their weight", () => {
  assert.equal(true, isWithinChance(10 * MS, 20 * MS, 2, 4, 1, 1));
  assert.equal(false, isWithinChance(10 * MS, 20 * MS, 200, 400, 1, 1));
});

test("of unchanged frames about one in twenty is coloured", () => {
  const next = randomNumbers(3);
  const poisson = (mean) => {
    let count = -1;
    for (let left = mean; left > 0; count++) left += Math.log(1 - next());
    return count;
  };
  let colored = 0;
  for (let trial = 0; trial < 4000; trial++) {
    const [before, after] = [poisson(40), poisson(40)];
    if (!isWithinChance(before, after, before, after, 1, 1)) colored++;
  }

  assert.ok(colored / 4000 < 0.06 && colored / 4000 > 0.03, `${colored} of 4000`);
});

test("flame.css has a light and a dark theme, asked for, forced and for print, each with all colours", () => {
  const themes = themesOfStyle();
  const [light, dark, forced, print] = themes.map(({ theme }) => theme);

  assert.deepEqual(
    [
      ":root",
      ':root:not([data-theme="light"])',
      ':root[data-theme="dark"]',
      ':root, :root[data-theme="dark"], :root:not([data-theme="light"])',
    ],
    themes.map(({ selector }) => selector),
  );
  assert.deepEqual(dark, forced);
  for (const [name, value] of Object.entries(PLAIN_THEME)) {
    assert.equal(value, light[name], name);
    assert.equal(value, print[name], name);
    assert.ok(name in dark, name);
  }
});

test("names can be read on every colour of both themes, found by a search or not", () => {
  for (const { selector, theme } of themesOfStyle()) {
    for (const sides of [1, 2]) {
      const palette = flamePalette(theme, sides);
      for (const fill of [...palette.fills, palette.surface]) {
        assert.ok(contrast(fill, palette.ink) >= READABLE, `${selector}: ${palette.ink} on ${fill}`);
      }
      for (const fill of [...palette.muted, palette.surface]) {
        assert.ok(contrast(fill, palette.inkMuted) >= READABLE, `${selector}: ${palette.inkMuted} on ${fill}`);
      }
      for (const fill of palette.fills) {
        const lined = colorText(mixColors(parseColor(fill), parseColor(palette.hatch), 0.5));

        assert.ok(contrast(lined, palette.ink) >= READABLE, `${selector}: ${palette.ink} on lines ${lined}`);
      }
    }
  }
});

test("slower and faster are equally light, step by step, so that only the hue tells them apart", () => {
  for (const { selector, theme } of themesOfStyle()) {
    const { fills } = flamePalette(theme, 2);
    for (let step = 1; step <= CHANGE_STEPS; step++) {
      const ratio = contrast(fills[CHANGE_STEPS - step], fills[CHANGE_STEPS + step]);

      assert.ok(ratio < 1.03, `${selector}: step ${step} differs by ${ratio}`);
    }
  }
});

test("what matches a search is underlined in a colour that stands out from all others", () => {
  for (const { selector, theme } of themesOfStyle()) {
    for (const sides of [1, 2]) {
      const palette = flamePalette(theme, sides);
      for (const fill of palette.fills) {
        assert.ok(contrast(fill, palette.match) >= 2.2, `${selector}: ${palette.match} on ${fill}`);
      }
    }
  }
});

test("slower is a red and faster a blue, in both themes", () => {
  for (const { theme } of themesOfStyle()) {
    const { fills } = flamePalette(theme, 2);
    const [faster, slower] = [parseColor(fills[0]), parseColor(fills.at(-1))];

    assert.ok(faster[2] > 2 * faster[0]);
    assert.ok(slower[0] > 2 * slower[2]);
  }
});

test("a module has its colour for ever, no matter how it is written", () => {
  assert.equal(moduleShade("ntdll.dll", "f"), moduleShade("NTDLL.dll", "g"));
  const modules = ["ntdll.dll", "kernel32.dll", "kernelbase.dll", "ucrtbase.dll", "kuzu_shared.dll"];
  assert.deepEqual(
    [2, 14, 11, 7, 13],
    modules.map((module) => moduleShade(module, "f")),
  );
});

test("what is not resolved is grey", () => {
  assert.equal(MODULE_HUES, moduleShade("<unknown>", "f"));
  assert.equal(MODULE_HUES, moduleShade("ntdll.dll", "<unresolved>"));
});

test("colours are read and written", () => {
  assert.deepEqual([1, 0, 0.2], parseColor(" #f03 "));
  assert.equal("#ff0033", colorText(parseColor("#ff0033")));
  assert.equal(null, parseColor("red"));
  assert.equal(null, parseColor(""));
});

test("mixed colours lie between in linear light, and hues on the screen", () => {
  assert.equal("#bcbcbc", colorText(mixColors([0, 0, 0], [1, 1, 1], 0.5)));
  assert.equal("#ffffff", colorText(colorOfHue(1, 0, 0)));
  assert.ok(colorOfHue(0.7, 0.4, 30).every((part) => part >= 0 && part <= 1));
});

test("a page without the style sheet has colours all the same", () => {
  assert.deepEqual(flamePalette(PLAIN_THEME, 2), flamePalette({}, 2));
});
