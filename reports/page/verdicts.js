// On top: what came of each run, in a sentence, and how it was made.

import {definitions, el, lazyDetails} from './dom.js';
import {countVerdicts} from './model.js';
import {bar, countsText, pictureLink, section} from './parts.js';
import {count, duration, isBad, number} from './text.js';

function headline(data, index) {
  const run = data.runs[index];
  const cases = data.cases.filter((each) => each.runs[index]);
  const unexpected = cases.filter((each) => !each.runs[index].expected).length;
  if (run.interrupted) return ['bad', 'Interrupted: cases are missing'];
  if (cases.every((each) => each.runs[index].verdict === 'skip')) return ['bad', 'Nothing ran'];
  if (unexpected === 0) return ['good', 'All as expected'];
  return ['bad', count(unexpected, 'unexpected result')];
}

function levelRows(data, index) {
  return ['must', 'should', 'may'].map((level) => {
    const all = data.requirements.filter((requirement) => requirement.level === level);
    const met = all.filter((requirement) => requirement.verdicts[index] === 'pass').length;
    const broken = all.filter((requirement) => isBad(requirement.verdicts[index])).length;
    return el('div', {}, el('dt', {}, level),
        el('dd', {}, el('b', {}, number(met)), ` of ${number(all.length)} met`,
            broken > 0 && el('span', {class: 'bad'}, `, ${number(broken)} not`)));
  });
}

function profileLine(profile) {
  const good = profile.verdict === 'conforms';
  const rest = [['fail', profile.fail], ['skipped', profile.skip], ['inconclusive', profile.inconclusive],
    ['not run', profile.missing]].filter(([, n]) => n > 0).map(([name, n]) => `, ${number(n)} ${name}`).join('');
  return el('li', {title: profile.title}, el('code', {}, profile.id), ' ',
      el('b', {class: good ? 'good' : profile.verdict === 'fails' ? 'bad' : 'dim'}, profile.verdict),
      profile.claimed && el('span', {class: 'tag'}, 'claimed'),
      el('span', {class: 'dim'}, ` ${number(profile.pass)} of ${number(profile.cases)} cases pass${rest}`));
}

function configuration(run) {
  return definitions([
    ['Command', el('code', {}, run.command)],
    ['Seed', String(run.seed)],
    ['Run digest', el('code', {}, run.digest)],
    ['Suite', el('span', {}, `${run.suite.version}, `, el('code', {}, run.suite.digest))],
    ['Capabilities', run.capabilities.join(', ')],
    ['Took', duration(run.duration_us)],
    ['Fresh starts', run.restarts > 0 && `${run.restarts}, because the subject died`],
    ['Results', run.folder && el('code', {}, run.folder)],
  ]);
}

function card(data, index) {
  const run = data.runs[index];
  const [mood, sentence] = headline(data, index);
  const cases = data.cases.filter((each) => each.runs[index]);
  const counts = countVerdicts(cases, index);
  const drawn = cases.find((each) => each.runs[index].picture);
  const part = run.suite.cases > cases.length && !run.interrupted;
  return el('article', {class: `card ${mood}`, 'aria-labelledby': `run-${index}`},
      el('h3', {id: `run-${index}`}, el('span', {class: 'label'}, run.label), ` ${run.name} ${run.version}`),
      el('p', {class: `headline ${mood}`}, sentence),
      bar(counts),
      el('p', {class: 'counts'}, `${count(cases.length, 'case')}: ${countsText(counts)}`,
          part && el('span', {class: 'dim'}, ` (a part of the suite's ${number(run.suite.cases)})`)),
      drawn && pictureLink(drawn.runs[index], `Timeline of ${drawn.id}`),
      data.requirements.some((each) => each.verdicts[index]) && el('dl', {class: 'levels'}, levelRows(data, index)),
      run.profiles.length > 0 && el('ul', {class: 'profiles', 'aria-label': 'Profiles'}, run.profiles.map(profileLine)),
      lazyDetails({summary: 'Configuration', body: () => configuration(run), class: 'configuration'}));
}

export function verdicts(data) {
  const made = section('verdict', 'Verdict', el('div', {class: 'cards'}, data.runs.map((_, index) => card(data, index))));
  if (data.caveats.length > 0) {
    made.append(el('ul', {class: 'caveats', 'aria-label': 'Caveats'}, data.caveats.map((text) => el('li', {}, text))));
  }
  return made;
}
