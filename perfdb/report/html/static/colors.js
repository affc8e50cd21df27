// Colours of frames: by change for two sides, by module for one. Numbers in, colours out; themes are in flame.css.
//
// The two ends of a change are mixed with the neutral colour in linear light, so that a step towards slower and the
// same step towards faster are equally light: only the hue (vermilion or blue) tells the direction, and one colour of
// text can be read on all of them. Colours here are [red, green, blue], 0 to 1, in sRGB.

/** Steps of colour on either side of "the same". */
export const CHANGE_STEPS = 8;
/** A change by this factor, or by one over it, has the full colour. */
export const FULL_CHANGE = 2;
/** Differences below so many standard deviations of what counting alone brings are shown as none. */
export const CHANCE_DEVIATIONS = 2;
/** So many hues are told apart where colour means the module; the shade after them is "unknown". */
export const MODULE_HUES = 18;

/** How much of the surface is in the colour of what a search did not find. */
const MUTED_PART = 0.7;

/** The colours of a theme by its custom properties (--flame-…); these are for a page without flame.css. */
export const PLAIN_THEME = Object.freeze({
  surface: "#ffffff",
  ink: "#16181d",
  "ink-muted": "#5a616c",
  same: "#dfe3e8",
  slower: "#fe7d3c",
  faster: "#4aa6fe",
  unknown: "#d3d7dd",
  dust: "#bfc6d0",
  match: "#b0005c",
  hatch: "#ffffff",
  "module-lightness": "0.85",
  "module-chroma": "0.075",
});

/**
 * The shade of a frame that weighs `a` ns in the baseline and `b` in the contender, with `m` and `n` samples, in `p`
 * and `q` runs: 0 (half or less) … CHANGE_STEPS (the same, or within chance) … 2 * CHANGE_STEPS (twice or more).
 *
 * Chance is that of counting: m samples of an unchanged frame deviate by their square root.
 */
export function changeShade(a, b, m, n, p, q) {
  if (isWithinChance(a, b, m, n, p, q)) return CHANGE_STEPS;
  if (a <= 0) return 2 * CHANGE_STEPS;
  if (b <= 0) return 0;
  const part = Math.log((b / q) / (a / p)) / Math.log(FULL_CHANGE);
  return CHANGE_STEPS + Math.round(CHANGE_STEPS * Math.max(-1, Math.min(1, part)));
}

/** Whether counting alone explains the difference: arguments as in `changeShade`. */
export function isWithinChance(a, b, m, n, p, q) {
  const before = a / p;
  const after = b / q;
  const variance = (m > 0 ? (before * before) / m : 0) + (n > 0 ? (after * after) / n : 0);
  return Math.abs(after - before) < CHANCE_DEVIATIONS * Math.sqrt(variance) || before === after;
}

/** The hue of a module, the same for ever: 0 to MODULE_HUES - 1, or MODULE_HUES where it is not known. */
export function moduleShade(module, name) {
  if (module === "<unknown>" || name === "<unresolved>") return MODULE_HUES;
  let hash = 0x811c9dc5; // FNV-1a of its characters, mixed once more: names of modules differ little
  for (const character of module.toLowerCase()) hash = Math.imul(hash ^ character.codePointAt(0), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 15)) >>> 0) % MODULE_HUES;
}

/** The colour that "#rgb" or "#rrggbb" stands for; null where it is none. */
export function parseColor(text) {
  const found = /^#([0-9a-f]{3}|[0-9a-f]{6})$/i.exec(text.trim());
  if (found === null) return null;
  const digits = found[1].length === 3 ? found[1].replace(/./g, "$&$&") : found[1];
  return [0, 2, 4].map((at) => parseInt(digits.slice(at, at + 2), 16) / 255);
}

export function colorText(color) {
  const byte = (part) => Math.round(255 * Math.min(1, Math.max(0, part)));
  return `#${color.map((part) => byte(part).toString(16).padStart(2, "0")).join("")}`;
}

/** The colour between two others, in linear light: `part` 0 is the first, 1 the second. */
export function mixColors(first, second, part) {
  return first.map((one, at) => gammaOf(linearOf(one) * (1 - part) + linearOf(second[at]) * part));
}

function linearOf(part) {
  return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
}

function gammaOf(part) {
  return part <= 0.0031308 ? 12.92 * part : 1.055 * part ** (1 / 2.4) - 0.055;
}

/** The colour of OKLCH coordinates, hue in degrees, cut to what a screen can show. */
export function colorOfHue(lightness, chroma, degrees) {
  const a = chroma * Math.cos((degrees * Math.PI) / 180);
  const b = chroma * Math.sin((degrees * Math.PI) / 180);
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
  return [
    4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
    -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
    -0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s,
  ].map((part) => gammaOf(Math.min(1, Math.max(0, part))));
}

/**
 * All colours of a graph: `fills` and `muted` (for what a search did not find), one a shade; the rest by name.
 *
 * `theme` maps the names of PLAIN_THEME to texts; what is missing or no colour is taken from there.
 */
export function flamePalette(theme, sides) {
  const named = {};
  for (const [name, plain] of Object.entries(PLAIN_THEME)) {
    named[name] = parseColor(theme[name] ?? "") ?? parseColor(plain) ?? [];
  }
  const number = (name) => {
    const given = Number.parseFloat(theme[name] ?? "");
    return Number.isFinite(given) ? given : Number.parseFloat(PLAIN_THEME[name]);
  };
  const fills = [];
  if (sides === 2) {
    for (let step = -CHANGE_STEPS; step <= CHANGE_STEPS; step++) {
      const end = step < 0 ? named.faster : named.slower;
      fills.push(mixColors(named.same, end, Math.abs(step) / CHANGE_STEPS));
    }
  } else {
    for (let hue = 0; hue < MODULE_HUES; hue++) {
      const degrees = (360 * hue) / MODULE_HUES;
      fills.push(colorOfHue(number("module-lightness"), number("module-chroma"), degrees));
    }
    fills.push(named.unknown);
  }
  const texts = Object.fromEntries(Object.entries(named).map(([name, color]) => [name, colorText(color)]));
  return {
    ...texts,
    inkMuted: texts["ink-muted"],
    fills: fills.map(colorText),
    muted: fills.map((fill) => colorText(mixColors(fill, named.surface, MUTED_PART))),
    dustMuted: colorText(mixColors(named.dust, named.surface, MUTED_PART)),
  };
}
