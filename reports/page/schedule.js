// Puts the page of a schedule together.

import {el} from './dom.js';
import {replay} from './schedule_model.js';
import {plots} from './schedule_plots.js';
import {Timeline} from './schedule_timeline.js';
import {canUnpack, unpack} from './unpack.js';

function explain(why) {
  document.getElementById('trouble').textContent = why;
  document.getElementById('pictures').removeAttribute('aria-busy');
}

function themeSwitch(redraw) {
  const list = el('select', {id: 'theme', on: {change: () => {
    if (list.value) document.documentElement.dataset.theme = list.value;
    else delete document.documentElement.dataset.theme;
    redraw();
  }}}, [['', 'Auto'], ['light', 'Light'], ['dark', 'Dark']].map(([value, name]) => el('option', {value}, name)));
  return el('div', {class: 'field'}, el('label', {for: 'theme'}, 'Theme'), list);
}

function start(data) {
  const model = replay(data);
  const timeline = new Timeline(model);
  const {sections, resize} = plots(model, timeline);
  const pictures = document.getElementById('pictures');
  pictures.replaceChildren(timeline.section, ...sections);
  pictures.removeAttribute('aria-busy');
  const redraw = () => {
    timeline.resize();
    resize();
  };
  document.getElementById('tools').append(themeSwitch(redraw));
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', redraw);
  let width = 0;
  new ResizeObserver(() => {
    if (pictures.clientWidth === width) return;
    width = pictures.clientWidth;
    redraw();
  }).observe(pictures);
  redraw();
  timeline.reveal();
  timeline.paint();
  document.documentElement.dataset.ready = String(Math.round(performance.now()));
}

if (canUnpack()) {
  unpack('data').then(start).catch((error) => explain(
      `The data in this page is damaged (${error.message}): \`assay run\` makes it again.`));
} else {
  explain('This browser is too old to unpack the data in this page (it lacks DecompressionStream).');
}
