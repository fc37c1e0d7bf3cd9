// What is shown, in the URL: a link to this page with the same fragment shows the same.

export const DEFAULTS = Object.freeze({
  view: 'requirements', q: '', area: '', verdict: '', level: '', target: '', sort: '', theme: '', open: '',
});

const VIEWS = ['requirements', 'cases'];
const THEMES = ['', 'light', 'dark'];

/** The state in a fragment such as "#?view=cases&q=evtchn". What it does not know is left alone. */
export function parseState(fragment) {
  const state = {...DEFAULTS};
  if (!fragment.startsWith('#?')) return state;
  const parameters = new URLSearchParams(fragment.slice(2));
  for (const key of Object.keys(DEFAULTS)) state[key] = parameters.get(key) ?? DEFAULTS[key];
  if (!VIEWS.includes(state.view)) state.view = DEFAULTS.view;
  if (!THEMES.includes(state.theme)) state.theme = DEFAULTS.theme;
  return state;
}

/** The shortest fragment that stands for `state`. */
export function formatState(state) {
  const parameters = new URLSearchParams();
  for (const [key, usual] of Object.entries(DEFAULTS)) {
    if (state[key] !== usual) parameters.set(key, state[key]);
  }
  const text = parameters.toString();
  return text === '' ? '#' : `#?${text}`;
}
