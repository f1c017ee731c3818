/** The page of the API: each operation can be tried, as whoever is signed in here or as the bearer of a token. */
import "./site.js";

const token = document.getElementById("token");

for (const form of document.querySelectorAll("form.try")) {
  form.hidden = false;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send(form).catch((error) => show(form, String(error)));
  });
}
document.getElementById("as").hidden = false;

/* What is searched for is what is there; a group without any of it is not. */
const search = document.getElementById("docs-search");
search.hidden = false;
search.addEventListener("input", () => {
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  let found = 0;
  for (const group of document.querySelectorAll(".docs-group")) {
    let here = 0;
    for (const entry of group.querySelectorAll(".entry")) {
      const text = `${group.id} ${entry.querySelector("summary")?.textContent ?? entry.textContent}`.toLowerCase();
      entry.hidden = !words.every((word) => text.includes(word));
      here += !entry.hidden;
    }
    group.hidden = !here;
    found += here;
  }
  const none = document.getElementById("docs-none");
  none.textContent = found ? "" : none.dataset.none;
});

async function send(form) {
  const { method, path } = form.dataset;
  const headers = {};
  const query = new URLSearchParams();
  let address = path;
  for (const field of form.querySelectorAll("input[data-in]")) {
    const { name, value, dataset } = field;
    if (dataset.in === "path") address = address.replace(`{${name}}`, encodeURIComponent(value));
    else if (value && dataset.in === "query") query.append(name, value);
    else if (value) headers[name] = value;
  }
  if (token.value) headers.Authorization = `Bearer ${token.value.trim()}`;
  else if (method !== "GET") headers["X-CSRF-Token"] = csrf();
  const body = form.querySelector("textarea")?.value;
  if (body) headers["Content-Type"] = "application/json";
  const response = await fetch(query.size ? `${address}?${query}` : address, { method, headers, body });
  show(form, `${response.status} ${response.statusText}\n\n${pretty(await response.text())}`);
}

function show(form, text) {
  const output = form.querySelector("output");
  output.hidden = false;
  output.textContent = text;
}

function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

function csrf() {
  return document.cookie.match(/(?:^|; )(?:__Host-)?csrf=([^;]*)/)?.[1] ?? "";
}
