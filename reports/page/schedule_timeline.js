// The timeline: rows of pCPUs and vCPUs that are zoomed, moved, pointed at and read out.

import {el} from './dom.js';
import {RUNNABLE, firstAbove, intervalAt} from './schedule_model.js';
import {coloursOf, paintRows, paintRuler, rulerHeight} from './schedule_paint.js';
import {View} from './schedule_view.js';
import {cutWords, gapWords, intervalWords, markWords, moment, span} from './schedule_words.js';

const ROW = 22;
const ROW_OF_MANY = 16;
const MANY = 60;
const NEAR = 6;           // pixels from a mark that still mean it
const EVENTS_AROUND = 240;
const ZOOM = 1.6;

const HINT = 'Wheel or pinch: zoom. Drag: move. Tap or click: read. Keys: ← → move, + − zoom, ↑ ↓ choose a row, ' +
    'n and p go to its next and previous interval, Home shows all, v the violation.';

function legend() {
  const entry = (kind, text) => el('li', {}, el('i', {class: kind, 'aria-hidden': 'true'}), text);
  return el('ul', {class: 'legend', 'aria-label': 'Signs'}, entry('runs', 'running, in the colour of its domain'),
      entry('waits', 'runnable'), entry('blocked', 'blocked'), entry('held', 'paused'), entry('signal', 'event sent'),
      entry('timer', 'timer due'), entry('yield', 'yield'), entry('late', 'hardware fault'), entry('action', 'action'));
}

/** Around the first violation: what happened just before, and as long as whoever is concerned has waited. */
function showViolation(model, view) {
  const [violation] = model.violations;
  if (!violation) return view.whole();
  const near = [...model.pcpus, ...model.vcpus].flatMap((row) => {
    const end = firstAbove(row.start, violation.ns);
    return row.start.slice(Math.max(0, end - EVENTS_AROUND), end);
  }).sort((a, b) => b - a);
  const since = near[Math.min(EVENTS_AROUND, near.length - 1)] ?? view.first;
  const row = model.vcpus[violation.vcpu];
  let width = Math.min(Math.max((violation.ns - since) * 1.25, 1000), (view.last - view.first) / 3);
  const index = row ? Math.min(firstAbove(row.start, violation.ns), row.start.length) - 1 : -1;
  for (const i of [index, index - 1]) {
    if (row?.state[i] === RUNNABLE) width = Math.max(width, (violation.ns - row.start[i]) * 1.4);
  }
  view.set(violation.ns - width * 0.8, violation.ns + width * 0.2);
}

export class Timeline {
  constructor(model) {
    this.model = model;
    this.view = new View(model.from, model.to);
    this.listeners = [];
    this.rows = [...model.pcpus, ...model.vcpus];
    this.selected = this.rowOfViolation();
    this.pointers = new Map();
    this.ruler = el('canvas', {class: 'ruler', 'aria-hidden': 'true'});
    this.canvas = el('canvas', {'aria-hidden': 'true'});
    this.pad = el('div', {class: 'pad'});
    this.tip = el('div', {class: 'tip', hidden: true, 'aria-hidden': 'true'});
    this.scroller = el('div', {id: 'rows', class: 'rows', tabindex: '0', role: 'application', 'aria-roledescription': 'timeline',
      'aria-label': `Schedule of ${model.pcpus.length} pCPUs and ${model.vcpus.length} vCPUs`, 'aria-describedby': 'timeline-hint'},
    this.canvas, this.pad);
    this.box = el('div', {class: 'timeline'}, this.ruler, this.scroller, this.tip);
    this.range = el('p', {class: 'range dim'});
    this.reading = el('p', {id: 'reading', class: 'reading', role: 'status'}, model.violations[0]?.words ?? 'Point at an interval to read it.');
    const cut = cutWords(model);
    this.section = el('section', {'aria-labelledby': 'timeline-title'}, el('h2', {id: 'timeline-title'}, 'Timeline'),
        cut && el('p', {class: 'cut'}, cut), this.controls(), this.box, this.range, this.reading, legend(),
        el('p', {id: 'timeline-hint', class: 'hint dim'}, HINT));
    this.listen();
    showViolation(model, this.view);
  }

  rowOfViolation() {
    const [violation] = this.model.violations;
    if (!violation) return -1;
    return this.rows.findIndex((row) => row.id === (row.kind === 'pcpu' ? violation.vcpu < 0 && violation.pcpu : violation.vcpu) &&
        (row.kind === 'vcpu' || violation.vcpu < 0));
  }

  controls() {
    const button = (text, label, act) => el('button', {type: 'button', 'aria-label': label, title: label, on: {click: () => {
      act();
      this.refresh();
    }}}, text);
    const kind = el('select', {id: 'row-kind', on: {change: () => this.choose()}},
        [['', 'pCPUs and vCPUs'], ['pcpu', 'pCPUs'], ['vcpu', 'vCPUs']].map(([value, text]) => el('option', {value}, text)));
    const name = el('input', {id: 'row-name', type: 'search', placeholder: 'a.0', on: {input: () => this.choose()}});
    this.choice = {kind, name};
    return el('div', {class: 'controls', role: 'toolbar', 'aria-label': 'Timeline'},
        el('span', {class: 'buttons'},
            button('+', 'Zoom in', () => this.view.zoom(ZOOM)), button('−', 'Zoom out', () => this.view.zoom(1 / ZOOM)),
            button('◂', 'Earlier', () => this.view.pan(-0.4)), button('▸', 'Later', () => this.view.pan(0.4)),
            button('All', 'Show the whole time', () => this.view.whole()),
            this.model.violations.length > 0 && button('Violation', 'Show the violation', () => this.toViolation())),
        el('span', {class: 'field'}, el('label', {for: 'row-kind'}, 'Rows'), kind),
        el('span', {class: 'field'}, el('label', {for: 'row-name'}, 'Name'), name));
  }

  toViolation() {
    this.choice.kind.value = this.choice.name.value = '';
    this.choose();
    this.selected = this.rowOfViolation();
    showViolation(this.model, this.view);
    this.reveal();
    this.say(this.model.violations[0].words);
  }

  choose() {
    const [kind, name] = [this.choice.kind.value, this.choice.name.value.trim().toLowerCase()];
    this.rows = [...this.model.pcpus, ...this.model.vcpus].filter((row) => (!kind || row.kind === kind) && row.name.toLowerCase().includes(name));
    this.selected = -1;
    this.scroller.scrollTop = 0;
    this.resize();
  }

  get labels() { return this.box.clientWidth < 600 ? 70 : 120; }
  get rowHeight() { return this.rows.length > MANY ? ROW_OF_MANY : ROW; }

  frame() {
    return {width: this.scroller.clientWidth, height: this.scroller.clientHeight, labels: this.labels, rows: this.rows,
      rowHeight: this.rowHeight, top: this.scroller.scrollTop, selected: this.selected};
  }

  /** After the page, the theme or the rows have changed. */
  resize() {
    this.colours = coloursOf(this.box);
    const all = this.rows.length * this.rowHeight;
    this.scroller.style.height = `${Math.max(ROW * 2, Math.min(all, Math.round(innerHeight * 0.6)))}px`;
    this.refresh();
    this.pad.style.height = `${Math.max(0, all - this.scroller.clientHeight)}px`;
    this.refresh();
  }

  /** Draws, once for all that changes before the next picture. */
  refresh() {
    if (this.isDue) return;
    this.isDue = true;
    requestAnimationFrame(() => {
      this.isDue = false;
      this.paint();
    });
  }

  paint() {
    const frame = this.frame();
    if (frame.width === 0) return;
    paintRuler(this.ruler, frame, this.model, this.view, this.colours);
    paintRows(this.canvas, frame, this.model, this.view, this.colours);
    this.range.textContent = `${moment(this.view.from)} to ${moment(this.view.to)}: ${span(this.view.width)} of ${span(this.view.last - this.view.first)}`;
    for (const listener of this.listeners) listener(this.view);
    document.documentElement.dataset.view = `${this.view.from} ${this.view.to}`;
  }

  say(words) { this.reading.textContent = words; }

  /** What there is at a place of the timeline, counted from its upper left corner. */
  at(x, y) {
    const labels = this.labels;
    const room = this.scroller.clientWidth - labels;
    const ns = this.view.from + (x - labels) / room * this.view.width;
    const near = this.view.width / room * NEAR;
    const ruler = rulerHeight(this.model);
    if (y < ruler) return {ns, words: x < labels ? null : this.rulerWords(ns, near)};
    const index = Math.floor((y - ruler + this.scroller.scrollTop) / this.rowHeight);
    const row = this.rows[index];
    if (!row) return {ns, words: null};
    if (x < labels) return {ns, index, words: {what: row.name, when: this.poolOf(row), why: ''}};
    return {ns, index, words: this.rowWords(row, ns, near)};
  }

  poolOf(row) {
    return row.kind === 'vcpu' ? `domain ${this.model.domains[row.domain].name}, pool ${this.model.domains[row.domain].pool}` : '';
  }

  rulerWords(ns, near) {
    const found = [...this.model.violations, ...this.model.actions].filter((each) => Math.abs(each.ns - ns) <= near);
    if (found.length === 0) return null;
    const more = found.length > 4 ? [`and ${found.length - 4} more: zoom in`] : [];
    return {what: [...found.slice(0, 4).map((each) => each.words), ...more].join('; '), when: `at ${moment(found[0].ns)}`, why: ''};
  }

  rowWords(row, ns, near) {
    const index = intervalAt(row, ns);
    const words = index < 0 ? gapWords(row, ns) : intervalWords(this.model, row, index);
    const {marks} = row;
    const extra = [];
    for (let i = firstAbove(marks.ns, ns - near); i < marks.ns.length && marks.ns[i] <= ns + near && extra.length < 3; ++i) {
      extra.push(`At ${moment(marks.ns[i])} ${markWords(marks.what[i], marks.value[i])}.`);
    }
    const many = firstAbove(row.start, ns + near / NEAR) - firstAbove(row.start, ns - near / NEAR);
    if (many > 2) extra.push(`${many.toLocaleString('en-US')} intervals in this pixel: zoom in.`);
    return {...words, why: [words.why, ...extra].filter(Boolean).join(' ')};
  }

  showTip(x, y, words) {
    this.tip.hidden = !words;
    if (!words) return;
    this.tip.replaceChildren(el('b', {}, words.what), el('span', {}, words.when), el('span', {}, words.why));
    const [width, height] = [this.tip.offsetWidth, this.tip.offsetHeight];
    this.tip.style.left = `${Math.max(0, Math.min(x + 14, this.box.clientWidth - width - 2))}px`;
    this.tip.style.top = `${y + 18 + height > this.box.clientHeight ? Math.max(0, y - height - 10) : y + 18}px`;
  }

  place(event) {
    const box = this.box.getBoundingClientRect();
    return [event.clientX - box.left - this.box.clientLeft, event.clientY - box.top - this.box.clientTop];
  }

  listen() {
    this.box.addEventListener('wheel', (event) => this.wheel(event), {passive: false});
    this.box.addEventListener('pointerdown', (event) => this.down(event));
    this.box.addEventListener('pointermove', (event) => this.move(event));
    for (const name of ['pointerup', 'pointercancel']) this.box.addEventListener(name, (event) => this.up(event));
    this.box.addEventListener('pointerleave', (event) => event.pointerType === 'mouse' && this.showTip(0, 0, null));
    this.scroller.addEventListener('scroll', () => this.refresh());
    this.scroller.addEventListener('keydown', (event) => this.key(event));
  }

  wheel(event) {
    const [x, y] = this.place(event);
    if (x < this.labels || y > this.box.clientHeight) return;  // names: the rows scroll
    const sideways = Math.abs(event.deltaX) > Math.abs(event.deltaY) || event.shiftKey;
    if (!sideways && event.deltaY > 0 && this.view.isWhole && !event.ctrlKey) return;  // nothing more to see: the page scrolls
    event.preventDefault();
    if (sideways) this.view.pan((event.deltaX || event.deltaY) / (this.scroller.clientWidth || 1));
    else this.view.zoom(2 ** (-event.deltaY * (event.ctrlKey ? 5 : 1) / 240), this.at(x, y).ns);
    this.showTip(x, y, this.at(x, y).words);
    this.refresh();
  }

  down(event) {
    if (event.pointerType === 'mouse' && event.button !== 0) return;
    const [x, y] = this.place(event);
    if (x > this.scroller.clientWidth) return;  // its scroll bar
    this.pointers.set(event.pointerId, [x, y]);
    this.moved = this.pointers.size > 1 ? Infinity : 0;
    if (event.pointerType === 'mouse') this.box.setPointerCapture(event.pointerId);
  }

  move(event) {
    const [x, y] = this.place(event);
    const was = this.pointers.get(event.pointerId);
    if (!was) {
      if (event.pointerType === 'mouse') this.showTip(x, y, this.at(x, y).words);
      return;
    }
    const other = [...this.pointers].find(([id]) => id !== event.pointerId)?.[1];
    const room = this.scroller.clientWidth - this.labels;
    if (other) {
      const [before, now] = [Math.max(20, Math.abs(was[0] - other[0])), Math.max(20, Math.abs(x - other[0]))];
      this.view.zoom(now / before, this.at((x + other[0]) / 2, 0).ns);
    } else {
      this.view.pan((was[0] - x) / room);
      if (event.pointerType === 'mouse') this.scroller.scrollTop += was[1] - y;
    }
    this.moved += Math.hypot(x - was[0], y - was[1]);
    this.pointers.set(event.pointerId, [x, y]);
    if (this.moved > NEAR) this.showTip(0, 0, null);
    this.refresh();
  }

  up(event) {
    if (!this.pointers.delete(event.pointerId) || event.type === 'pointercancel' || this.moved > NEAR) return;
    const [x, y] = this.place(event);
    const {index, words} = this.at(x, y);
    if (index !== undefined) this.selected = index;
    if (words) this.say([words.what, words.when, words.why].filter(Boolean).join('. ').replace('..', '.'));
    this.showTip(x, y, words);
    this.refresh();
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const acts = {ArrowLeft: () => this.view.pan(-0.15), ArrowRight: () => this.view.pan(0.15), '+': () => this.view.zoom(ZOOM),
      '=': () => this.view.zoom(ZOOM), '-': () => this.view.zoom(1 / ZOOM), Home: () => this.view.whole(),
      ArrowUp: () => this.select(-1), ArrowDown: () => this.select(1), n: () => this.step(1), p: () => this.step(-1),
      v: () => this.model.violations.length > 0 && this.toViolation()};
    if (!acts[event.key]) return;
    event.preventDefault();
    acts[event.key]();
    this.refresh();
  }

  get middle() { return (this.view.from + this.view.to) / 2; }

  select(by) {
    this.selected = Math.min(this.rows.length - 1, Math.max(0, this.selected + by));
    this.step(0);
  }

  /** To the next interval of the chosen row, or to the one in the middle. */
  step(by) {
    const row = this.rows[this.selected];
    if (!row || row.start.length === 0) return this.say(row ? `${row.name}: nothing` : 'Choose a row with ↑ or ↓.');
    const here = Math.min(row.start.length - 1, Math.max(0, firstAbove(row.start, this.cursor ?? this.middle) - 1));
    const index = by === 0 ? Math.max(0, Math.min(row.start.length - 1, firstAbove(row.start, this.middle) - 1)) :
      Math.min(row.start.length - 1, Math.max(0, here + by));
    this.cursor = row.start[index];
    if (by !== 0) {
      const middle = (row.start[index] + row.end[index]) / 2;
      this.view.set(middle - this.view.width / 2, middle + this.view.width / 2);
    }
    const words = intervalWords(this.model, row, index);
    this.say(`${words.what}. ${words.when}. ${words.why}`);
    this.reveal();
  }

  /** Scrolls so that the chosen row is seen. */
  reveal() {
    const top = this.selected * this.rowHeight;
    const {scrollTop, clientHeight} = this.scroller;
    if (this.selected < 0 || (top >= scrollTop && top + this.rowHeight <= scrollTop + clientHeight)) return;
    this.scroller.scrollTop = top - clientHeight / 2;
  }
}
