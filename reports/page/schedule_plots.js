// Plots: how much of the processors each domain had over time, and how long vCPUs waited after they woke.

import {el} from './dom.js';
import {RUNNABLE, RUNNING, percentile, shares} from './schedule_model.js';
import {hueName} from './schedule_paint.js';
import {tickText, ticks} from './schedule_view.js';
import {percent, span} from './schedule_words.js';

const PARTS = 120;
const LINES = 8;
const DOMAINS_SHOWN = 50;
const SHORTEST_NS = 100;
const PERCENTILES = [0.5, 0.9, 0.99, 0.999];
const EDGE = {left: 52, right: 12, top: 10, bottom: 26};

function svg(tag, attributes = {}, ...children) {
  const made = document.createElementNS('http://www.w3.org/2000/svg', tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/** An empty plot: its frame, and from values to places. */
function plot(width, height, label, top) {
  const [w, h] = [width - EDGE.left - EDGE.right, height - EDGE.top - EDGE.bottom];
  const x = (share) => EDGE.left + share * w;
  const y = (value) => EDGE.top + (1 - value / top) * h;
  const made = svg('svg', {width, height, viewBox: `0 0 ${width} ${height}`, role: 'img', 'aria-label': label});
  return {made, x, y, w, h, floor: EDGE.top + h};
}

const text = (x, y, words, anchor) => svg('text', {x, y, 'text-anchor': anchor}, words);

function niceTop(value) {
  const power = 10 ** Math.floor(Math.log10(value || 1));
  return [1, 2, 4, 6, 8, 10].map((times) => times * power).find((top) => top >= value * 0.999);
}

function grid(area, top, words) {
  for (const part of [0, 0.25, 0.5, 0.75, 1]) {
    const y = area.y(top * part);
    area.made.append(svg('line', {class: 'grid', x1: area.x(0), x2: area.x(1), y1: y, y2: y}), text(area.x(0) - 6, y + 4, words(top * part), 'end'));
  }
}

/** Those of whom the violations tell, then those that had most; lines of one colour have other dashes. */
function lines(model) {
  const all = shares(model, PARTS).map((values, domain) => ({values, domain, name: model.domains[domain].name}));
  const told = new Set(model.violations.map((each) => model.vcpus[each.vcpu]?.domain));
  const total = (each) => each.values.reduce((sum, value) => sum + value, told.has(each.domain) ? Infinity : 0);
  const chosen = all.length <= LINES ? all : [...all].sort((a, b) => total(b) - total(a)).slice(0, LINES);
  return chosen.map((each, index) => {
    const before = chosen.slice(0, index).filter((other) => hueName(other.domain) === hueName(each.domain)).length;
    return {...each, kind: `${hueName(each.domain)}${before > 0 ? ` dash${before}` : ''}`};
  });
}

function drawShares(model, chosen, width) {
  const top = niceTop(Math.max(...chosen.flatMap((each) => [...each.values]), 0.01));
  const area = plot(width, 220, `Processor share over time of ${chosen.map((each) => each.name).join(', ')}`, top);
  grid(area, top, percent);
  const range = {from: model.from, to: model.to, width: model.to - model.from};
  const at = (ns) => (ns - model.from) / range.width;
  const [first, step] = ticks(range, area.w, 90);
  for (let ns = first; ns <= model.to; ns += step) {
    area.made.append(svg('line', {class: 'grid', x1: area.x(at(ns)), x2: area.x(at(ns)), y1: area.floor, y2: area.floor + 4}),
        text(area.x(at(ns)), area.floor + 18, tickText(ns, step, model.to), at(ns) > 0.95 ? 'end' : at(ns) < 0.03 ? 'start' : 'middle'));
  }
  const band = svg('rect', {class: 'band', y: EDGE.top, height: area.h, x: area.x(0), width: 0});
  area.made.append(band);
  for (const each of chosen) {
    const path = [...each.values].map((value, part) =>
      `${part === 0 ? 'M' : 'L'}${area.x(part / PARTS).toFixed(1)} ${area.y(value).toFixed(1)}H${area.x((part + 1) / PARTS).toFixed(1)}`).join('');
    area.made.append(svg('path', {class: `curve ${each.kind}`, d: path}, svg('title', {}, each.name)));
  }
  for (const violation of model.violations.filter((each) => each.ns >= model.from && each.ns <= model.to)) {
    const x = area.x(at(violation.ns));
    area.made.append(svg('line', {class: 'violation', x1: x, x2: x, y1: EDGE.top, y2: area.floor}, svg('title', {}, violation.words)));
  }
  const follow = (view) => {
    band.setAttribute('x', area.x(at(view.from)));
    band.setAttribute('width', Math.max(2, at(view.to) * area.w - at(view.from) * area.w));
    band.style.display = view.isWhole ? 'none' : '';
  };
  return {made: area.made, follow};
}

/** [from, to, how many] of bins, four of them to a factor of ten; what is shorter than they tell apart is in the first. */
function bins(sorted) {
  const of = (ns) => Math.floor(Math.log10(Math.max(ns, SHORTEST_NS)) * 4);
  const [first, last] = [of(sorted[0]), of(sorted[sorted.length - 1])];
  const made = Array.from({length: last - first + 1}, (_, i) => [10 ** ((first + i) / 4), 10 ** ((first + i + 1) / 4), 0]);
  if (sorted[0] < SHORTEST_NS) made[0][0] = 0;
  for (const ns of sorted) ++made[of(ns) - first][2];
  return made;
}

function drawLatencies(sorted, width) {
  const all = bins(sorted);
  const top = niceTop(Math.max(...all.map((bin) => bin[2])));
  const area = plot(width, 200, `Latencies of ${sorted.length} wake-ups, half of them at most ${span(percentile(sorted, 0.5))}`, top);
  grid(area, top, (value) => (Number.isInteger(value) ? value.toLocaleString('en-US') : ''));
  const wide = 1 / all.length;
  const every = Math.ceil(70 / (area.w * wide));
  all.forEach(([from, to, many], i) => {
    const [left, right] = [area.x(i * wide), area.x((i + 1) * wide)];
    area.made.append(svg('rect', {class: 'bin', x: left + 1, width: Math.max(1, right - left - 2), y: area.y(many), height: area.floor - area.y(many)},
        svg('title', {}, `${span(Math.round(from))} to ${span(Math.round(to))}: ${many.toLocaleString('en-US')}`)));
    if (i % every === 0) area.made.append(text(left, area.floor + 18, span(Number(from.toPrecision(2))), i === 0 ? 'start' : 'middle'));
  });
  return area.made;
}

function percentiles(sorted) {
  const rows = PERCENTILES.map((share) => [`${share * 100}%`, percentile(sorted, share)]);
  return el('dl', {class: 'percentiles', 'aria-label': 'Percentiles'},
      [...rows, ['longest', sorted[sorted.length - 1]]].map(([name, ns]) => el('div', {}, el('dt', {}, name), el('dd', {}, span(ns)))));
}

/** By domain: the time its vCPUs ran and waited, and the latencies they had. */
function domainTable(model) {
  const sums = model.domains.map(() => ({runs: 0, waits: 0, latencies: []}));
  for (const row of model.vcpus) {
    for (let i = 0; i < row.start.length; ++i) {
      const spent = row.end[i] - Math.max(row.start[i], model.from);
      if (row.state[i] === RUNNING) sums[row.domain].runs += spent;
      if (row.state[i] === RUNNABLE) sums[row.domain].waits += spent;
    }
  }
  for (const {ns, vcpu} of model.latencies) sums[model.vcpus[vcpu].domain].latencies.push(ns);
  const whole = model.to - model.from;
  const cells = (domain) => {
    const {runs, waits, latencies} = sums[domain];
    latencies.sort((a, b) => a - b);
    const latency = (share) => (latencies.length > 0 ? span(percentile(latencies, share)) : '–');
    return [String(model.domains[domain].vcpus), percent(runs / whole), percent(waits / whole), latency(0.5), latency(0.99), latency(1)];
  };
  const head = ['Domain', 'vCPUs', 'Ran', 'Waited', 'Median latency', '99%', 'Longest'];
  const shown = model.domains.slice(0, DOMAINS_SHOWN);
  return el('div', {class: 'wide', tabindex: '0', role: 'region', 'aria-label': 'Domains'},
      el('table', {class: 'domains'},
          el('thead', {}, el('tr', {}, head.map((name) => el('th', {scope: 'col'}, name)))),
          el('tbody', {}, shown.map((each, domain) => el('tr', {}, el('th', {scope: 'row'},
              el('i', {class: `swatch ${hueName(domain)}`, 'aria-hidden': 'true'}), each.name), cells(domain).map((cell) => el('td', {}, cell)))))),
      shown.length < model.domains.length && el('p', {class: 'dim'}, `The first ${shown.length} of ${model.domains.length} domains.`));
}

/** The sections, and what draws them again when the page has another width. */
export function plots(model, timeline) {
  const [share, latency] = [el('div', {class: 'plot'}), el('div', {class: 'plot'})];
  const chosen = lines(model);
  const sorted = model.latencies.map(({ns}) => ns).sort((a, b) => a - b);
  let follow = () => {};
  timeline.listeners.push((view) => follow(view));
  const names = el('ul', {class: 'legend', 'aria-label': 'Lines'}, chosen.map((each) =>
      el('li', {}, svg('svg', {class: `key ${each.kind}`, width: 22, height: 4, 'aria-hidden': 'true'},
          svg('path', {class: 'curve', d: 'M0 2H22'})), each.name)),
  chosen.length < model.domains.length && el('li', {}, `${model.domains.length - chosen.length} others are not drawn`));
  const resize = () => {
    const width = share.clientWidth;
    if (width < 100) return;
    const drawn = drawShares(model, chosen, width);
    share.replaceChildren(drawn.made);
    follow = drawn.follow;
    follow(timeline.view);
    if (sorted.length > 0) latency.replaceChildren(drawLatencies(sorted, width));
  };
  const sections = [
    el('section', {'aria-labelledby': 'shares-title'}, el('h2', {id: 'shares-title'}, 'Processor share over time'), share, names),
    el('section', {'aria-labelledby': 'latency-title'}, el('h2', {id: 'latency-title'}, 'Latency from waking to running'),
        sorted.length > 0 ? percentiles(sorted) : el('p', {class: 'dim'}, 'Nobody was woken.'), latency),
    el('section', {'aria-labelledby': 'domains-title'}, el('h2', {id: 'domains-title'}, 'Domains'), domainTable(model))];
  return {sections, resize};
}
