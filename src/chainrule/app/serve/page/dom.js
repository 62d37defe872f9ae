/** Small pieces of the document, and numbers as people read them. */

const SVG = "http://www.w3.org/2000/svg";

/**
 * Make an element.
 * @param {string} tag
 * @param {Record<string, any>} [attributes] "on..." are listeners, "class" and others attributes
 * @param {...(Node|string|null|undefined|false)} children
 * @returns {any}
 */
export function h(tag, attributes = {}, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

/**
 * Make an element of a drawing.
 * @param {string} tag
 * @param {Record<string, any>} [attributes]
 * @param {...(Node|string|null|undefined|false)} children
 * @returns {any}
 */
export function s(tag, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, tag), attributes, children);
}

function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "html") element.innerHTML = value;
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/**
 * Find an element that has to be there.
 * @param {string} selector
 * @param {ParentNode} [within]
 * @returns {any}
 */
export function find(selector, within = document) {
  const found = within.querySelector(selector);
  if (!found) throw new Error(`the page has no ${selector}`);
  return found;
}

/**
 * Write a number with a few significant digits and a real minus sign.
 * @param {number|string|null|undefined} value
 * @param {number} [digits]
 */
export function shown(value, digits = 4) {
  if (value === null || value === undefined) return "–";
  const number = Number(value);
  if (!Number.isFinite(number)) return String(value).replace("inf", "∞").replace("-", "−");
  if (number === 0) return "0";
  const size = Math.abs(number);
  let text;
  if (size >= 1e6 || size < 1e-4) {
    const [mantissa, power] = number.toExponential(Math.max(0, digits - 2)).split("e");
    text = `${Number(mantissa)}e${power.replace("+", "")}`;
  } else {
    text = String(Number(number.toPrecision(digits)));
  }
  return text.replaceAll("-", "−");
}

/**
 * Write a count with thin spaces.
 * @param {number} value
 */
export function counted(value) {
  return Math.round(value).toLocaleString("en").replaceAll(",", "\u202f");
}

/**
 * Tell people who listen to the page rather than see it.
 * @param {string} text
 */
export function announce(text) {
  find("#live").textContent = text;
}
