// Elements from data. Text is only ever set as text: what came from a subject is never parsed as HTML.

/** An element with attributes (`class`, `on` for listeners, others as they are called) and children. */
export function el(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name === 'on') {
      for (const [event, listener] of Object.entries(value)) made.addEventListener(event, listener);
    } else {
      made.setAttribute(name, value === true ? '' : value);
    }
  }
  made.append(...children.flat().filter((child) => child !== undefined && child !== null && child !== false));
  return made;
}

/** Rows of a definition list; those without a value are left out. */
export function definitions(rows, className = 'facts') {
  const list = el('dl', {class: className});
  for (const [name, value] of rows) {
    if (value === undefined || value === null || value === '') continue;
    list.append(el('div', {}, el('dt', {}, name), el('dd', {}, value)));
  }
  return list;
}

/** A <details> whose inside is made when it is first opened. */
export function lazyDetails({summary, body, open = false, onToggle, ...attributes}) {
  const details = el('details', attributes, el('summary', {}, summary));
  let filled = false;
  const fill = () => {
    if (filled) return;
    filled = true;
    details.append(body());
  };
  if (open) {
    fill();
    details.open = true;
  }
  // The event comes later than the change that causes it: also once for those that are open from the start.
  let was = open;
  details.addEventListener('toggle', () => {
    if (details.open) fill();
    if (details.open !== was && onToggle) onToggle(details.open);
    was = details.open;
  });
  return details;
}

/** A link when a browser opens it without running anything, plain text otherwise. */
export function link(target, text = target) {
  return /^https?:\/\//.test(target) ? el('a', {href: target, rel: 'noreferrer'}, text) : text;
}
