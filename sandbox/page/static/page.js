// Keeps the page live: replace the parts that changed on the server, and send forms without leaving the page.
"use strict";

const MAX_LINES = 300;
const log = document.getElementById("log");
const lines = log.firstElementChild;
let last = Number(document.body.dataset.last);

// Attributes that only the browser sets: what a person has opened, and that a form is being sent.
const BROWSER_ATTRIBUTES = new Set(["open", "aria-busy"]);

function copyAttributes(old, fresh) {
  for (const { name } of [...old.attributes]) {
    if (!fresh.hasAttribute(name) && !BROWSER_ATTRIBUTES.has(name)) old.removeAttribute(name);
  }
  for (const { name, value } of fresh.attributes) {
    if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
}

const isSame = (node, other) => node.nodeType === other.nodeType && node.nodeName === other.nodeName && node.id === other.id
  && (node.nodeType !== Node.ELEMENT_NODE || node.getAttribute("action") === other.getAttribute("action"));

// Makes `old` like `fresh`, and keeps every element that both have, so that focus and typing stay.
function morph(old, fresh) {
  if (old.isEqualNode(fresh)) return;
  if (old.nodeType !== Node.ELEMENT_NODE) {
    old.nodeValue = fresh.nodeValue;
    return;
  }
  copyAttributes(old, fresh);
  morphChildren(old, [...fresh.childNodes]);
}

function morphChildren(old, freshNodes) {
  let at = old.firstChild;
  for (const fresh of freshNodes) {
    let match = at;
    while (match && !isSame(match, fresh)) match = match.nextSibling;
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

// The newest rendering of each part: the stream and the answer to a form may overtake each other.
const numbers = {};

function showParts({ number, parts }) {
  for (const [id, html] of Object.entries(parts)) {
    if (number <= numbers[id]) continue;
    numbers[id] = number;
    const part = document.getElementById(id);
    const hadFocus = part.contains(document.activeElement);
    const fresh = part.cloneNode(false);
    fresh.innerHTML = html;
    morph(part, fresh);
    // If the focused element is gone, focus the column's title.
    if (hadFocus && document.activeElement === document.body) document.getElementById(`${id}-title`)?.focus();
  }
}

function appendLines(html) {
  const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
  lines.insertAdjacentHTML("beforeend", html);
  while (lines.children.length > MAX_LINES) lines.firstElementChild.remove();
  if (atEnd) log.scrollTop = log.scrollHeight;
}

const serialize = (form) => String(new URLSearchParams(new FormData(form)));

async function sendForm(form, submitter) {
  const sent = serialize(form);
  const body = new URLSearchParams(sent);
  if (submitter?.name) body.append(submitter.name, submitter.value);
  form.setAttribute("aria-busy", "true");
  try {
    const answer = await fetch(form.action, { method: "POST", body, headers: { Accept: "application/json" } });
    const answerBody = await answer.json();
    // Keep what a person has typed meanwhile.
    if (answerBody.ok && serialize(form) === sent) form.reset();
    showParts(answerBody);
  } catch {
    const message = form.parentElement.querySelector(".message");
    if (message) message.textContent = "The sandbox does not answer. Is it still running?";
  } finally {
    form.removeAttribute("aria-busy");
  }
}

document.addEventListener("submit", (event) => {
  event.preventDefault();
  if (event.target.getAttribute("aria-busy") !== "true") sendForm(event.target, event.submitter);
});

document.getElementById("still").remove();
const events = new EventSource(`/events?after=${last}`);
events.addEventListener("parts", (event) => showParts(JSON.parse(event.data)));
events.addEventListener("log", (event) => appendLines(JSON.parse(event.data)));
addEventListener("pagehide", () => events.close());
log.scrollTop = log.scrollHeight;
