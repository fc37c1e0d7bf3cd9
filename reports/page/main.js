// Puts the page together and keeps what is shown in the URL.

import {areas} from './areas.js';
import {changes} from './changes.js';
import {el} from './dom.js';
import {explorer} from './explorer.js';
import {connect} from './model.js';
import {DEFAULTS, formatState, parseState} from './state.js';
import {unexpected} from './unexpected.js';
import {canUnpack, unpack} from './unpack.js';
import {verdicts} from './verdicts.js';

const THEME_NAMES = [['', 'Auto'], ['light', 'Light'], ['dark', 'Dark']];

function applyTheme(theme) {
  if (theme) document.documentElement.dataset.theme = theme;
  else delete document.documentElement.dataset.theme;
}

function themeSwitch(context) {
  const list = el('select', {id: 'theme', on: {change: () => context.keep({theme: list.value})}},
      THEME_NAMES.map(([value, text]) => el('option', {value}, text)));
  list.value = context.state.theme;
  return el('div', {class: 'field'}, el('label', {for: 'theme'}, 'Theme'), list);
}

function start(data) {
  const context = {
    state: parseState(location.hash),
    rebuilt: 0,
    /** Changes what is listed. */
    change(changesOfState) {
      context.keep(changesOfState);
      view.refresh();
    },
    /** Changes what the URL says alone: what it stands for is on the page already. */
    keep(changesOfState) {
      Object.assign(context.state, changesOfState);
      applyTheme(context.state.theme);
      try {
        history.replaceState(null, '', formatState(context.state));
      } catch {
        location.hash = formatState(context.state);  // a browser that lets no file do that
      }
    },
    reset() {
      const {view: listed, theme} = context.state;
      ++context.rebuilt;
      context.change({...DEFAULTS, view: listed, theme});
    },
  };
  const show = (changesOfState) => {
    ++context.rebuilt;
    context.change({...DEFAULTS, theme: context.state.theme, ...changesOfState});
    view.section.scrollIntoView();
    view.section.focus({preventScroll: true});
  };
  const view = explorer(data, context);
  addEventListener('hashchange', () => {
    if (location.hash !== '' && location.hash !== '#' && !location.hash.startsWith('#?')) return;
    context.state = parseState(location.hash);
    ++context.rebuilt;
    applyTheme(context.state.theme);
    view.refresh();
  });
  addEventListener('keydown', (event) => {
    const typing = event.target.closest?.('input, select, textarea');
    if (event.key !== '/' || typing || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    document.getElementById('filter-q').focus();
  });
  document.querySelector('.skip').addEventListener('click', (event) => {
    event.preventDefault();
    view.section.scrollIntoView();
    view.section.focus({preventScroll: true});
  });
  applyTheme(context.state.theme);
  document.documentElement.style.setProperty('--runs', data.runs.length);
  view.refresh();
  const page = document.getElementById('page');
  page.replaceChildren(...[verdicts(data), data.difference && changes(data, show), unexpected(data), areas(data, show),
    view.section].filter(Boolean));
  document.getElementById('tools').append(themeSwitch(context));
  page.removeAttribute('aria-busy');
  const linked = formatState(context.state) !== formatState({...DEFAULTS, theme: context.state.theme});
  if (linked) (view.firstOpen() ?? view.section).scrollIntoView();
  document.documentElement.dataset.ready = String(Math.round(performance.now()));
}

function explain(why) {
  document.getElementById('page').removeAttribute('aria-busy');
  document.querySelector('.fallback-note').textContent = why;
}

if (canUnpack()) {
  unpack('data').then((data) => start(connect(data))).catch((error) => explain(
      `The data in this page is damaged (${error.message}): what follows is its summary. \`assay report\` makes it again.`));
} else {
  explain('This browser is too old to unpack the data in this page (it lacks DecompressionStream): this is its summary.');
}
