// Small pieces that several sections show: verdicts, bars, lines to copy.

import {el} from './dom.js';
import {number, symbol} from './text.js';

/** A verdict as a word with its sign, so that colour is never all there is. */
export function chip(verdict, label = '') {
  return el('span', {class: `chip ${verdict}`},
      label && el('span', {class: 'of'}, label),
      el('span', {class: 'sign', 'aria-hidden': 'true'}, symbol(verdict)), verdict);
}

/** One chip for each run that has a result. */
export function chips(data, verdicts) {
  const several = data.runs.length > 1;
  return el('span', {class: 'chips'},
      verdicts.map((verdict, index) => chip(verdict, several ? data.runs[index].label : '')));
}

/** An id that breaks where it has dots, not in the middle of words. */
export function idText(id) {
  const parts = id.split(/(?=[.@])/);
  return el('span', {class: 'id'}, parts.flatMap((part, index) => (index === 0 ? [part] : [document.createElement('wbr'), part])));
}

/** A bar in the proportions of `counts`, [[verdict, count]]. The numbers stand beside it: it is for the eye only. */
export function bar(counts) {
  const made = el('span', {class: 'bar', 'aria-hidden': 'true'});
  for (const [verdict, count] of counts) {
    const part = el('i', {class: verdict});
    part.style.flexGrow = count;
    made.append(part);
  }
  return made;
}

/** "96 pass, 2 fail". */
export const countsText = (counts) => counts.map(([verdict, count]) => `${number(count)} ${verdict}`).join(', ');

/** A line for the shell, with a button that copies it. */
export function commandLine(line) {
  const status = el('button', {type: 'button', class: 'copy'}, 'Copy');
  status.setAttribute('aria-label', `Copy the line: ${line}`);
  status.addEventListener('click', async () => {
    try {
      await navigator.clipboard.writeText(line);
      status.textContent = 'Copied';
    } catch {
      // No clipboard for pages opened as files, in some browsers: mark the line instead.
      getSelection().selectAllChildren(status.previousElementSibling);
      status.textContent = 'Marked';
    }
    setTimeout(() => { status.textContent = 'Copy'; }, 2000);
  });
  return el('div', {class: 'command'}, el('code', {tabindex: '0'}, line), status);
}

/** To the page that shows what happened, for the results that have one. */
export const pictureLink = (run, words = 'Timeline, processor shares and latencies') =>
  run.picture && el('p', {class: 'picture'}, el('a', {href: run.picture}, words));

/** A section with its heading, which labels it. */
export function section(id, title, ...children) {
  return el('section', {id, 'aria-labelledby': `${id}-title`}, el('h2', {id: `${id}-title`}, title), ...children);
}
