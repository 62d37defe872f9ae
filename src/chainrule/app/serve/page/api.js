/** Questions to the server. */

/** What the server said went wrong, or that it does not answer. */
export class Refusal extends Error {
  /**
   * @param {string} message
   * @param {boolean} gone whether the server does not answer at all
   */
  constructor(message, gone = false) {
    super(message);
    this.gone = gone;
  }
}

const GONE =
  "The server does not answer: it has stopped, or the machine sleeps. Start it again with " +
  "“chainrule open”, then try again; nothing is lost, the address of this page holds everything.";

async function answered(path, options) {
  let response;
  try {
    response = await fetch(path, options);
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new Refusal(GONE, true);
  }
  if (response.ok) return response;
  let message = `the server answered ${response.status}`;
  try {
    message = (await response.json()).error ?? message;
  } catch {
    // No sentence came with it; the number has to do.
  }
  throw new Refusal(message[0].toUpperCase() + message.slice(1));
}

/**
 * Ask something, with an answer in JSON.
 * @param {string} path
 * @param {any} [body] makes it a POST
 * @param {AbortSignal} [signal]
 */
export async function ask(path, body, signal) {
  const headers = { "Content-Type": "application/json" };
  const options =
    body === undefined ? { signal } : { method: "POST", headers, body: JSON.stringify(body), signal };
  return (await answered(path, options)).json();
}

/**
 * Fetch a large array.
 * @param {any} state
 * @param {string} key
 * @returns {Promise<{shape: number[], values: Float32Array}>}
 */
export async function fetchArray(state, key) {
  const headers = { "Content-Type": "application/json" };
  const body = JSON.stringify({ state, key });
  const response = await answered("/api/array", { method: "POST", headers, body });
  const shape = (response.headers.get("X-Shape") ?? "").split(",").filter(Boolean).map(Number);
  return { shape, values: new Float32Array(await response.arrayBuffer()) };
}

/**
 * Send a file.
 * @param {File} file
 * @returns {Promise<{token: string, columns: string[]}>}
 */
export async function send(file) {
  const path = `/api/file?name=${encodeURIComponent(file.name)}`;
  return (await answered(path, { method: "PUT", body: file })).json();
}
