// The matrix of areas by target: how many requirements of each hypercall are met, and where to look when not.

import {el} from './dom.js';
import {countVerdicts} from './model.js';
import {bar, countsText, section} from './parts.js';
import {isBad, number} from './text.js';

function cell(data, area, items, index, show) {
  const counts = countVerdicts(items, index);
  const met = items.filter((item) => item.verdicts[index] === 'pass').length;
  const bad = counts.filter(([verdict]) => isBad(verdict)).reduce((sum, [, n]) => sum + n, 0);
  const label = data.runs[index].label;
  return el('td', {},
      el('button', {
        type: 'button', class: 'cell', 'aria-label': `${area} on ${label}: ${countsText(counts)}. Show these`,
        on: {click: () => show({view: 'requirements', area: data.areas.includes(area) ? area : '', target: data.runs.length > 1 ? label : ''})},
      }, bar(counts), el('span', {class: 'met'}, number(met), bad > 0 && el('b', {class: 'bad'}, ` ${number(bad)} ✗`))));
}

/** `show(changes)` changes the state and leads to the list. */
export function areas(data, show) {
  const head = el('tr', {}, el('th', {scope: 'col'}, 'Area'), el('th', {scope: 'col', class: 'num'}, 'Requirements'),
      data.runs.map((run) => el('th', {scope: 'col'}, `${run.label}: met`)));
  const line = (area, items) => el('tr', {}, el('th', {scope: 'row'}, area), el('td', {class: 'num'}, number(items.length)),
      data.runs.map((_, index) => cell(data, area, items, index, show)));
  const rows = data.areas.map((area) => line(area, data.requirements.filter((requirement) => requirement.area === area)));
  return section('areas', 'Areas by target',
      el('table', {class: 'matrix'}, el('caption', {class: 'sr'}, 'Requirements met, by area and target'),
          el('thead', {}, head), el('tbody', {}, rows),
          el('tfoot', {}, line('All areas', data.requirements))));
}
