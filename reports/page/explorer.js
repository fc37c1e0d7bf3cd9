// The list of requirements or cases, with search and filters.

import {el, lazyDetails} from './dom.js';
import {caseBody, caseSummary, requirementBody, requirementSummary} from './details.js';
import {select} from './model.js';
import {section} from './parts.js';
import {VERDICTS, count, number} from './text.js';

const ROWS_AT_ONCE = 60;

function choice(label, key, options, context) {
  const list = el('select', {id: `filter-${key}`, on: {change: () => context.change({[key]: list.value})}},
      options.map(([value, text]) => el('option', {value}, text)));
  list.value = context.state[key];
  if (list.selectedIndex < 0) list.selectedIndex = 0;
  return el('div', {class: 'field'}, el('label', {for: `filter-${key}`}, label), list);
}

function filters(data, context) {
  const same = (values) => values.map((value) => [value, value]);
  const search = el('input', {
    type: 'search', id: 'filter-q', autocomplete: 'off', spellcheck: 'false', placeholder: 'id, words, message, source',
    on: {input: () => context.change({q: search.value})},
  });
  search.value = context.state.q;
  const several = data.runs.length > 1;
  const orders = [['', 'by name'], ['worst', 'worst first'], ...(context.state.view === 'cases' ? [['slowest', 'slowest first']] : [])];
  return el('form', {class: 'filters', role: 'search', 'aria-label': 'Filter', on: {submit: (event) => event.preventDefault()}},
      el('div', {class: 'field wide'}, el('label', {for: 'filter-q'}, 'Search'), search),
      choice('Area', 'area', [['', 'every area'], ...same(data.areas)], context),
      choice('Verdict', 'verdict', [['', 'every verdict'], ['unexpected', 'unexpected'], ['bad', 'fail or worse'],
        ...(several ? [['differs', 'targets differ']] : []), ...same(VERDICTS)], context),
      several && choice('Target', 'target', [['', 'any target'], ...same(data.runs.map((run) => run.label))], context),
      choice('Level', 'level', [['', 'every level'], ...same(['must', 'should', 'may'])], context),
      choice('Order', 'sort', orders, context),
      el('button', {type: 'button', id: 'filter-reset', on: {click: () => context.reset()}}, 'Clear'));
}

function viewSwitch(data, context) {
  const views = [['requirements', `Requirements (${number(data.requirements.length)})`], ['cases', `Cases (${number(data.cases.length)})`]];
  return el('div', {class: 'switch', role: 'group', 'aria-label': 'What to list'}, views.map(([view, text]) =>
      el('button', {type: 'button', id: `view-${view}`, 'aria-pressed': String(context.state.view === view),
        on: {click: () => context.change({view, sort: '', open: ''})}}, text)));
}

/** Names above the verdicts of the rows, for the eye: each verdict says whose it is by itself. */
function columnNames(data, view) {
  const names = el('span', {class: 'chips'}, data.runs.map((run) => el('span', {class: 'of'}, run.label)));
  const others = view === 'cases' ? ['case', 'rule', 'longest'] : ['id', 'level', 'demand'];
  return el('div', {class: `columns ${view}`, 'aria-hidden': 'true'},
      el('span', {class: 'row'}, others.map((name) => el('span', {}, name)), names));
}

/** The rows that are there, and more as the reader nears their end: a page of thousands opens as fast as one of ten. */
class Rows {
  constructor(list, more, make) {
    this.list = list;
    this.more = more;
    this.make = make;
    this.items = [];
    this.observer = new IntersectionObserver((entries) => {
      if (entries.some((entry) => entry.isIntersecting)) this.add(ROWS_AT_ONCE);
    }, {rootMargin: '600px'});
    this.observer.observe(more);
  }

  reset(items) {
    this.items = items;
    this.list.replaceChildren();
    this.add(ROWS_AT_ONCE);
  }

  add(many) {
    const start = this.list.children.length;
    this.list.append(...this.items.slice(start, start + many).map(this.make));
    const left = this.items.length - this.list.children.length;
    this.more.hidden = left === 0;
    this.more.textContent = `Show the other ${number(left)}`;
    if (left > 0) {
      // It reports changes only: a sentinel that is still in sight must be looked at anew.
      this.observer.unobserve(this.more);
      this.observer.observe(this.more);
    }
  }

  addAll() {
    this.add(this.items.length);
  }
}

/** `context`: `state`, `change(changes)`, `keep(changes)`, `reset()`. Returns the section, `refresh()` and `firstOpen()`. */
export function explorer(data, context) {
  const bar = el('div');
  const columns = el('div');
  const head = el('div');
  const status = el('p', {class: 'dim', role: 'status', 'aria-live': 'polite', id: 'shown'});
  const list = el('ul', {class: 'items', 'aria-label': 'Results'});
  const more = el('button', {type: 'button', class: 'showmore'});
  const opened = () => context.state.open.split(' ').filter(Boolean);

  const toggled = (id, open) => {
    const others = opened().filter((other) => other !== id);
    context.keep({open: (open ? [...others, id] : others).join(' ')});
  };
  const make = (item) => {
    const isCase = item.rule !== undefined;
    return el('li', {id: `item-${item.id}`}, lazyDetails({
      class: 'item', open: opened().includes(item.id), onToggle: (open) => toggled(item.id, open),
      summary: isCase ? caseSummary(data, item) : requirementSummary(data, item),
      body: () => (isCase ? caseBody(data, item, {withRequirements: true}) : requirementBody(data, item)),
    }));
  };
  const rows = new Rows(list, more, make);
  more.addEventListener('click', () => {
    const first = list.children.length;
    rows.addAll();
    list.children[first]?.querySelector('summary').focus();
  });
  addEventListener('beforeprint', () => rows.addAll());

  let drawn = '';
  const refresh = () => {
    const focus = document.activeElement?.id;
    const shape = `${context.state.view} ${context.rebuilt}`;
    if (drawn !== shape) {
      drawn = shape;
      head.replaceChildren(viewSwitch(data, context));
      bar.replaceChildren(filters(data, context));
      columns.replaceChildren(columnNames(data, context.state.view));
      if (focus) document.getElementById(focus)?.focus();
    }
    const found = select(data, context.state);
    const [all, word] = context.state.view === 'cases' ? [data.cases, 'case'] : [data.requirements, 'requirement'];
    status.textContent = found.length === all.length ? `All ${count(all.length, word)}`
        : `${number(found.length)} of ${count(all.length, word)}`;
    rows.reset(found);
    // What a link has opened must be there, however far down.
    const last = Math.max(-1, ...opened().map((id) => found.findIndex((item) => item.id === id)));
    if (last >= ROWS_AT_ONCE) rows.add(last + 1 - ROWS_AT_ONCE);
  };
  const made = section('explorer', 'Requirements, cases, evidence', head, bar, status, columns, list, more);
  made.tabIndex = -1;
  const firstOpen = () => document.getElementById(`item-${opened()[0]}`);
  return {section: made, refresh, firstOpen};
}
