// Between two runs: what regressed, was fixed, changed, came and went.

import {el, lazyDetails} from './dom.js';
import {chip, section} from './parts.js';
import {number} from './text.js';

const KINDS = [
  ['regressed', 'Regressed', 'passed before and no longer does'],
  ['fixed', 'Fixed', 'did not pass before and does now'],
  ['changed', 'Changed', 'passes neither before nor now, and ends differently'],
  ['new', 'New', 'only in the later run'],
  ['gone', 'Gone', 'only in the earlier run'],
];

function row(data, change, show) {
  const each = data.cases[change.case];
  const [before, now] = each.verdicts;
  return el('li', {},
      el('button', {type: 'button', class: 'plain', on: {click: () => show({view: 'cases', q: each.id, open: each.id})}},
          each.id),
      el('span', {class: 'chips'}, each.runs[0] && chip(before, 'before'), each.runs[1] && chip(now, 'now')),
      each.runs[1]?.message && el('p', {class: 'message'}, each.runs[1].message));
}

export function changes(data, show) {
  const found = KINDS.map(([kind, title, meaning]) =>
      [kind, title, meaning, data.changes.filter((change) => change.kind === kind)]);
  const made = section('changes', 'What has changed',
      el('ul', {class: 'tally'}, found.map(([kind, title, meaning, all]) =>
          el('li', {class: all.length > 0 ? kind : 'none', title: meaning}, el('b', {}, number(all.length)), title))));
  for (const [kind, title, meaning, all] of found) {
    if (all.length === 0) continue;
    made.append(lazyDetails({
      class: `group ${kind}`, open: kind === 'regressed',
      summary: el('span', {}, el('b', {}, `${title} (${number(all.length)})`), el('span', {class: 'dim'}, ` ${meaning}`)),
      body: () => el('ul', {class: 'changes'}, all.map((change) => row(data, change, show))),
    }));
  }
  return made;
}
