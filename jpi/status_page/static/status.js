// Reloads the changing parts of the page every fifteen seconds, but not one that somebody reads or types in.
const EVERY = 15000;
const stale = document.getElementById('stale');

const busy = (part) => part.contains(document.activeElement) || part.matches('details[open]') || part.querySelector('details[open]')
  || (!getSelection().isCollapsed && part.contains(getSelection().anchorNode));

async function renew() {
  if (document.hidden) return;
  const answer = await fetch(location.href, { headers: { Accept: 'text/html' } }).catch(() => null);
  stale.hidden = Boolean(answer && answer.ok && !answer.redirected);
  if (!stale.hidden) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), 'text/html');
  for (const id of ['now', 'live', 'numbers', 'rows']) {
    const [old, updated] = [document.getElementById(id), fresh.getElementById(id)];
    if (old && updated && !busy(old)) old.replaceWith(document.adoptNode(updated));
  }
  document.title = fresh.title;
}

setInterval(renew, EVERY);
