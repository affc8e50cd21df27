// Figures as text, written as perfdb's tables write them: what a page says twice, it says alike.

export const NOT_TOLD = "-";
const TINY_CHANGE = 0.0005;
const NO_DECIMALS = 1000;

/** A number with thousands apart; of two equally near ones the even one, as Python rounds. */
export function formatNumber(value, digits) {
  const size = Math.abs(value);
  const half = digits === 1 ? size * 4 : 0; // the only exact ties that one decimal has are odd quarters
  let rounded = size;
  if (half % 2 === 1) rounded = (Math.floor(size * 10) + (Math.floor(size * 10) % 2)) / 10;
  const [whole, part] = rounded.toFixed(digits).split(".");
  const apart = whole.replace(/\B(?=(\d{3})+$)/g, ",");
  const text = part === undefined ? apart : `${apart}.${part}`;
  return value < 0 ? `-${text}` : text;
}

export function formatCount(count) {
  return formatNumber(count, 0);
}

/** Milliseconds, null where they are not known. */
export function formatMs(ms) {
  return ms === null ? NOT_TOLD : formatNumber(ms, 1);
}

/** Milliseconds more or less, with a sign unless they round to none. */
export function formatDelta(ms) {
  if (ms === null) return NOT_TOLD;
  const text = formatNumber(ms, 1);
  if (text === "0.0" || text === "-0.0") return "0.0";
  return ms > 0 ? `+${text}` : text;
}

/** A fraction as percent. */
export function formatShare(fraction) {
  return fraction === null ? NOT_TOLD : `${formatNumber(fraction * 100, 1)} %`;
}

/** A fraction as percent with a sign; what is not quite nothing never looks like nothing. */
export function formatChange(fraction) {
  if (fraction === null) return NOT_TOLD;
  if (fraction !== 0 && Math.abs(fraction) < TINY_CHANGE) return `${fraction > 0 ? "+" : "-"}<0.1 %`;
  return `${formatSigned(fraction)} %`;
}

function formatSigned(fraction) {
  const percent = fraction * 100;
  const text = formatNumber(percent, Math.abs(percent) >= NO_DECIMALS ? 0 : 1);
  if (text === "0.0" || text === "-0.0") return "0.0";
  return percent > 0 ? `+${text}` : text;
}

/** `-26.8 % [-29.1, -24.0]`; a bound that is not known is left open, what is not known at all is left out. */
export function formatEffect(effect, low, high) {
  const told = effect === null ? [] : [formatChange(effect)];
  if (low !== null || high !== null) {
    told.push(`[${[low, high].map((bound) => (bound === null ? "…" : formatSigned(bound))).join(", ")}]`);
  }
  return told.join(" ");
}

/** "slower", "faster" or "": the direction that a written delta has. */
export function directionOf(text) {
  if (text.length < 2) return "";
  return text[0] === "+" ? "slower" : text[0] === "-" ? "faster" : "";
}
