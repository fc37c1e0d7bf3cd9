// Inside a requirement or a case, when it is opened.

import {definitions, el, lazyDetails, link} from './dom.js';
import {chip, chips, commandLine, idText, pictureLink} from './parts.js';
import {count, duration, isBad} from './text.js';
import {detailsOf} from './unpack.js';

const sameSteps = (a, b) => JSON.stringify(a) === JSON.stringify(b);

/** [vcpu, kind, text, failed] each. */
function stepList(steps) {
  return el('ol', {class: 'steps', tabindex: '0', 'aria-label': 'Steps'}, steps.map(([vcpu, kind, text, failed]) =>
      el('li', {class: failed ? 'failed' : null},
          el('span', {class: 'vcpu'}, vcpu || 'case'), el('span', {class: 'kind'}, kind),
          el('span', {class: 'text'}, text, failed && el('span', {class: 'sr'}, ' (failed)')))));
}

function stepGroup(label, steps, open) {
  return lazyDetails({summary: `${count(steps.length, 'step')}${label}`, open, class: 'stepsbox', body: () => stepList(steps)});
}

/** Steps of all runs, once where they are the same, and the evidence of failures. */
async function evidence(data, each) {
  const details = await detailsOf(each);
  const made = el('div', {class: 'evidence'});
  const several = data.runs.length > 1;
  const shown = [];
  each.runs.forEach((run, index) => {
    const steps = details[index]?.steps ?? [];
    if (steps.length === 0 || shown.includes(index)) return;
    const same = each.runs.map((_, other) => other).filter((other) => sameSteps(details[other]?.steps, steps));
    shown.push(...same);
    const labels = same.map((other) => data.runs[other].label).join(' and ');
    made.append(stepGroup(several ? ` on ${labels}${same.length > 1 ? ', the same' : ''}` : '', steps, isBad(run.verdict)));
  });
  each.runs.forEach((run, index) => {
    const text = details[index]?.evidence;
    if (!text) return;
    made.append(lazyDetails({
      summary: `Evidence${several ? ` on ${data.runs[index].label}` : ''}`, class: 'stepsbox',
      body: () => el('pre', {tabindex: '0'}, text),
    }));
  });
  return made;
}

function result(data, run, index) {
  if (!run) return el('div', {class: 'result'}, el('b', {}, data.runs[index].label), el('span', {class: 'dim'}, ' not run'));
  return el('div', {class: `result ${run.expected ? '' : 'unexpected'}`},
      el('p', {}, el('b', {}, data.runs[index].label), ' ', chip(run.verdict),
          !run.expected && el('span', {class: 'tag bad'}, run.verdict === 'pass' ? 'expected to fail' : 'unexpected'),
          run.expected && isBad(run.verdict) && el('span', {class: 'tag'}, 'announced'),
          el('span', {class: 'dim'}, ` ${duration(run.duration_us)}`, run.digest && `, digest ${run.digest}`)),
      run.message && el('p', {class: 'message'}, run.message),
      run.reason && el('p', {class: 'dim'}, `Announced: ${run.reason} `, run.link && link(run.link)),
      run.evidence && el('p', {}, el('a', {href: run.evidence}, 'Evidence file')),
      pictureLink(run),
      commandLine(run.reproduce));
}

export function caseBody(data, each, {withRequirements}) {
  const made = el('div', {class: 'body'},
      el('p', {class: 'rule'}, each.rule),
      definitions([
        ['Source', each.source],
        ['Method', each.method],
        ['Case', each.where && el('code', {}, each.where)],
        ['Requirements', withRequirements && each.requirements.join(', ')],
      ]),
      el('div', {class: 'results'}, each.runs.map((run, index) => result(data, run, index))));
  const waiting = el('p', {class: 'dim', role: 'status'}, 'Unpacking…');
  if (each.block !== undefined) made.append(waiting);
  evidence(data, each).then((found) => waiting.replaceWith(found),
      (error) => { waiting.textContent = `The evidence in this page is damaged: ${error.message}`; });
  return made;
}

export function caseSummary(data, each) {
  const longest = Math.max(0, ...each.runs.map((run) => (run ? run.duration_us : 0)));
  return el('span', {class: 'row'}, idText(each.id), el('span', {class: 'words'}, each.rule),
      el('span', {class: 'time'}, duration(longest)), chips(data, each.verdicts));
}

const GUESTS = {pv64: '64-bit PV', pv32: '32-bit PV', hvm: 'HVM, PVH included', toolstack: 'toolstack'};
const STATUS = {
  read: 'read in the source, not yet shown on the real Xen', observed: 'a case has shown it on the real Xen 4.17',
  corrected: 'the real Xen 4.17 disagreed with what was read: this is what it does',
};

export function requirementBody(data, requirement) {
  return el('div', {class: 'body'},
      el('p', {class: 'rule'}, requirement.text),
      definitions([
        ['Hypercall', [requirement.hypercall, requirement.operation].filter(Boolean).join(', ')],
        ['Promised by', requirement.promise],
        ['Read in', requirement.source && el('span', {}, 'Xen 4.17, ', el('code', {}, requirement.source))],
        ['Concerns', (requirement.guests ?? []).map((guest) => GUESTS[guest] ?? guest).join('; ')],
        ['PV guests', requirement.pv],
        ['HVM guests', requirement.hvm],
        ['Status', STATUS[requirement.status] ?? requirement.status],
        ['Observed', requirement.evidence],
        ['Settled', requirement.settled],
        ['No case', requirement.uncovered],
      ]),
      requirement.allCases.length > 0 && el('ul', {class: 'nested', 'aria-label': `Cases of ${requirement.id}`},
          requirement.allCases.map((each) => el('li', {}, lazyDetails({
            class: 'item', summary: caseSummary(data, each), body: () => caseBody(data, each, {withRequirements: false}),
          })))));
}

export function requirementSummary(data, requirement) {
  return el('span', {class: 'row'}, idText(requirement.id),
      el('span', {class: `level ${requirement.level}`}, requirement.level),
      el('span', {class: 'words'}, requirement.text), chips(data, requirement.verdicts));
}
