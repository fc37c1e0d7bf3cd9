// What is not as announced, worst first, before anything else is looked at.

import {el, lazyDetails} from './dom.js';
import {caseBody} from './details.js';
import {unexpectedResults} from './model.js';
import {chip, commandLine, idText, pictureLink, section} from './parts.js';
import {number} from './text.js';

const SHOWN_FIRST = 8;

function entry(data, each, index) {
  const run = each.runs[index];
  const passed = run.verdict === 'pass';
  return el('li', {class: `finding ${run.verdict}`},
      el('h3', {}, chip(run.verdict, data.runs.length > 1 ? data.runs[index].label : ''), ' ', idText(each.id)),
      el('p', {class: 'message'}, passed ? `Passed, but was expected to fail: ${run.reason}` : run.message),
      pictureLink(run),
      commandLine(run.reproduce),
      lazyDetails({summary: 'Rule, requirements, results, steps', class: 'more',
        body: () => caseBody(data, each, {withRequirements: true})}));
}

export function unexpected(data) {
  const found = unexpectedResults(data);
  if (found.length === 0) return null;
  const list = el('ol', {class: 'findings'});
  const add = (results) => list.append(...results.map(([each, index]) => entry(data, each, index)));
  add(found.slice(0, SHOWN_FIRST));
  const made = section('unexpected', `Unexpected (${number(found.length)})`, list);
  if (found.length > SHOWN_FIRST) {
    const more = el('button', {type: 'button'}, `Show all ${number(found.length)}`);
    more.addEventListener('click', () => {
      more.remove();
      add(found.slice(SHOWN_FIRST));
    });
    made.append(more);
  }
  return made;
}
