// Makes the page live: what the server renders anew replaces what differs, and forms are sent without leaving the page.
"use strict";

const KEPT = 300;
const log = document.getElementById("log");
const lines = log.firstElementChild;
let last = Number(document.body.dataset.last);

// What a person has opened is theirs, and that a form is being sent is known here only.
const THEIRS = new Set(["open", "aria-busy"]);

function attributes(old, fresh) {
  for (const { name } of [...old.attributes]) {
    if (!fresh.hasAttribute(name) && !THEIRS.has(name)) old.removeAttribute(name);
  }
  for (const { name, value } of fresh.attributes) {
    if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
}

const alike = (one, other) => one.nodeType === other.nodeType && one.nodeName === other.nodeName && one.id === other.id
  && (one.nodeType !== Node.ELEMENT_NODE || one.getAttribute("action") === other.getAttribute("action"));

// Makes `old` like `fresh` and keeps every element that is there in both, so that focus and typing stay.
function morph(old, fresh) {
  if (old.isEqualNode(fresh)) return;
  if (old.nodeType !== Node.ELEMENT_NODE) {
    old.nodeValue = fresh.nodeValue;
    return;
  }
  attributes(old, fresh);
  children(old, [...fresh.childNodes]);
}

function children(old, wanted) {
  let at = old.firstChild;
  for (const fresh of wanted) {
    let match = at;
    while (match && !alike(match, fresh)) match = match.nextSibling;
    if (!match) {
      old.insertBefore(fresh, at);
      continue;
    }
    while (at !== match) {
      const gone = at;
      at = at.nextSibling;
      gone.remove();
    }
    at = match.nextSibling;
    morph(match, fresh);
  }
  while (at) {
    const gone = at;
    at = at.nextSibling;
    gone.remove();
  }
}

// By which rendering each part was last shown: the stream and the answer to a form may overtake each other.
const shown = {};

function show({ number, parts }) {
  for (const [id, html] of Object.entries(parts)) {
    if (number <= shown[id]) continue;
    shown[id] = number;
    const part = document.getElementById(id);
    const had = part.contains(document.activeElement);
    const fresh = part.cloneNode(false);
    fresh.innerHTML = html;
    morph(part, fresh);
    // Whoever stood on what is gone now goes on from the column's title.
    if (had && document.activeElement === document.body) document.getElementById(`${id}-title`)?.focus();
  }
}

function append(html) {
  const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
  lines.insertAdjacentHTML("beforeend", html);
  while (lines.children.length > KEPT) lines.firstElementChild.remove();
  if (atEnd) log.scrollTop = log.scrollHeight;
}

const typed = (form) => String(new URLSearchParams(new FormData(form)));

async function send(form, submitter) {
  const sent = typed(form);
  const body = new URLSearchParams(sent);
  if (submitter?.name) body.append(submitter.name, submitter.value);
  form.setAttribute("aria-busy", "true");
  try {
    const answer = await fetch(form.action, { method: "POST", body, headers: { Accept: "application/json" } });
    const said = await answer.json();
    // Unless the next thing is being typed already.
    if (said.ok && typed(form) === sent) form.reset();
    show(said);
  } catch {
    const said = form.parentElement.querySelector(".said");
    if (said) said.textContent = "The sandbox does not answer. Is it still running?";
  } finally {
    form.removeAttribute("aria-busy");
  }
}

document.addEventListener("submit", (event) => {
  event.preventDefault();
  if (event.target.getAttribute("aria-busy") !== "true") send(event.target, event.submitter);
});

document.getElementById("still").remove();
const events = new EventSource(`/events?after=${last}`);
events.addEventListener("parts", (event) => show(JSON.parse(event.data)));
events.addEventListener("log", (event) => append(JSON.parse(event.data)));
addEventListener("pagehide", () => events.close());
log.scrollTop = log.scrollHeight;
