// The data of the report, connected: requirements with their cases, areas, counts, and what a filter leaves.

import {VERDICTS, isBad} from './text.js';

/** Connects `data` as C++ wrote it (reports/page_model.cpp): everything below takes what this returns. */
export function connect(data) {
  const byId = new Map(data.requirements.map((requirement) => [requirement.id, requirement]));
  for (const requirement of data.requirements) {
    requirement.area = requirement.hypercall || 'other';
    requirement.allCases = requirement.cases.map((index) => data.cases[index]);
    requirement.verdicts = requirement.verdicts.map((verdict) => verdict ?? 'untested');
  }
  for (const each of data.cases) {
    each.verdicts = each.runs.map((run) => (run ? run.verdict : 'untested'));
    each.answers = each.requirements.map((id) => byId.get(id)).filter(Boolean);
    each.areas = new Set(each.answers.map((requirement) => requirement.area));
    each.unexpected = each.runs.some((run) => run && !run.expected);
  }
  data.areas = [...new Set(data.requirements.map((requirement) => requirement.area))].sort();
  return data;
}

/** How many of `items` have each verdict in run `index`, best first, those that occur only. */
export function countVerdicts(items, index) {
  const counts = new Map();
  for (const item of items) counts.set(item.verdicts[index], (counts.get(item.verdicts[index]) ?? 0) + 1);
  return VERDICTS.filter((verdict) => counts.has(verdict)).map((verdict) => [verdict, counts.get(verdict)]);
}

/** The results that are not as announced, worst first: [case, index of the run]. Of an earlier run, nobody asks. */
export function unexpectedResults(data) {
  const found = [];
  for (const each of data.cases) {
    each.runs.forEach((run, index) => {
      if (run && !run.expected && !(data.difference && index === 0)) found.push([each, index]);
    });
  }
  const rank = ([each, index]) => -VERDICTS.indexOf(each.runs[index].verdict);
  return found.sort((a, b) => rank(a) - rank(b) || a[1] - b[1] || (a[0].id < b[0].id ? -1 : 1));
}

function textOf(item) {
  if (item.haystack === undefined) {
    const parts = item.rule === undefined
        ? [item.id, item.text, item.operation, item.hypercall, item.source, item.promise, item.evidence, item.uncovered,
           ...item.allCases.map((each) => each.id)]
        : [item.id, item.rule, item.source, item.where, ...item.requirements, ...item.runs.map((run) => run?.message)];
    item.haystack = parts.filter(Boolean).join('\n').toLowerCase();
  }
  return item.haystack;
}

const matchesLevel = (item, level) =>
    !level || (item.level ? item.level === level : item.answers.some((requirement) => requirement.level === level));

const matchesArea = (item, area) => !area || (item.areas ? item.areas.has(area) : item.area === area);

function matchesVerdict(item, verdict, run) {
  if (!verdict) return true;
  const verdicts = run < 0 ? item.verdicts : [item.verdicts[run]];
  if (verdict === 'differs') return new Set(item.verdicts).size > 1;
  if (verdict === 'bad') return verdicts.some(isBad);
  if (verdict === 'unexpected') {
    const cases = item.allCases ?? [item];
    return cases.some((each) => each.runs.some((result, index) => result && !result.expected && (run < 0 || run === index)));
  }
  return verdicts.includes(verdict);
}

const slowest = (each) => Math.max(0, ...each.runs.map((run) => (run ? run.duration_us : 0)));

/** What of `state.view` is left by the filters of `state`, in its order. */
export function select(data, state) {
  const words = state.q.toLowerCase().split(/\s+/).filter(Boolean);
  const run = data.runs.findIndex((each) => each.label === state.target);
  const items = state.view === 'cases' ? data.cases : data.requirements;
  const found = items.filter((item) => matchesArea(item, state.area) && matchesLevel(item, state.level)
      && matchesVerdict(item, state.verdict, run) && words.every((word) => textOf(item).includes(word)));
  if (state.sort === 'slowest' && state.view === 'cases') found.sort((a, b) => slowest(b) - slowest(a));
  if (state.sort === 'worst') {
    const rank = (item) => Math.max(...item.verdicts.map((verdict) => VERDICTS.indexOf(verdict)));
    found.sort((a, b) => rank(b) - rank(a));
  }
  return found;
}
