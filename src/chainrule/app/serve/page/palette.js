/**
 * Colours of numbers: blue above zero, orange below, which people of every colour vision tell apart.
 */

/** @returns {boolean} */
export function isDark() {
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
}

const LIGHT = { zero: [244, 243, 240], plus: [18, 94, 164], minus: [196, 88, 16] };
const DARK = { zero: [34, 38, 46], plus: [106, 178, 245], minus: [246, 164, 88] };

/**
 * Mix a colour for a number.
 * @param {number} value
 * @param {number} largest the size that gets the full colour
 * @returns {[number, number, number]}
 */
export function mixed(value, largest, dark = isDark()) {
  const tones = dark ? DARK : LIGHT;
  if (!Number.isFinite(value)) return [200, 0, 120];
  const share = largest > 0 ? Math.min(1, Math.abs(value) / largest) ** 0.7 : 0;
  const end = value < 0 ? tones.minus : tones.plus;
  return /** @type {[number, number, number]} */ (
    tones.zero.map((from, i) => Math.round(from + (end[i] - from) * share))
  );
}

/**
 * @param {number} value
 * @param {number} largest
 */
export function colour(value, largest) {
  return `rgb(${mixed(value, largest).join(" ")})`;
}

/**
 * Black or white, whichever can be read on a colour.
 * @param {[number, number, number]} rgb
 */
export function inkOn([r, g, b]) {
  const linear = [r, g, b].map((c) => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4));
  const light = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
  return light > 0.179 ? "#10141b" : "#ffffff";
}

/** Colours of classes that are told apart with any colour vision (Okabe and Ito). */
export const CLASSES = [
  [0, 114, 178], [213, 94, 0], [0, 158, 115], [204, 121, 167], [86, 180, 233],
  [230, 159, 0], [148, 103, 189], [127, 127, 127], [188, 189, 34], [23, 120, 120],
];
