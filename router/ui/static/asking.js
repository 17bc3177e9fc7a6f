// How the pages' scripts ask the server: with the token that says the question comes from its own page.

export const base = document.body.dataset.base;
const token = document.querySelector('meta[name="csrf-token"]').content;

// What the server renders is escaped there; nothing else is ever made into HTML here.
const policy = window.trustedTypes
  ? trustedTypes.createPolicy("upshift", { createHTML: (html) => html })
  : { createHTML: (html) => html };

export function put(element, html) {
  element.innerHTML = policy.createHTML(html);
}

export async function post(path, value, signal) {
  const answer = await fetch(base + path, {
    method: "POST",
    headers: { "content-type": "application/json", "x-csrf-token": token },
    body: JSON.stringify(value),
    signal,
  });
  if (answer.status === 401) location.assign(`${base}/login`);
  return answer;
}

export async function get(path) {
  const answer = await fetch(path, { headers: { accept: "text/html" }, redirect: "manual" });
  if (answer.type === "opaqueredirect") location.assign(`${base}/login`);
  if (!answer.ok) throw new Error(`the server answered ${answer.status}`);
  return answer.text();
}

export async function complaint(answer) {
  try {
    const told = await answer.json();
    const fields = (told.fields || []).map((one) => `${one.field} ${one.message}`);
    return fields.length ? fields.join("; ") : told.message;
  } catch {
    return `The server answered ${answer.status}.`;
  }
}

// A new element with a class and a text; text is never HTML.
export function make(name, css = "", text = "") {
  const element = document.createElement(name);
  if (css) element.className = css;
  if (text !== "") element.textContent = text;
  return element;
}
