// Draws the part of a schedule that is seen, on canvases.

import {BLOCKED, PAUSED, RUNNABLE, RUNNING, SIGNAL, TIMER, YIELD, firstAbove} from './schedule_model.js';
import {tickText, ticks} from './schedule_view.js';

const AXIS = 22;  // pixels
const LANE = 20;
const MARKS_APART = 5;
const SIGNS_APART = 12;  // on the average; where marks are closer together, they are ticks
const HUES = 8;
const NAMES = ['fg', 'dim', 'line', 'bg', 'raised', 'sunk', 'accent', 'fail', 'waits', 'held', 'late',
  ...Array.from({length: HUES}, (_, i) => `hue${i}`)];

/** Colours of the style sheet as a canvas takes them. */
export function coloursOf(element) {
  const probe = document.createElement('span');
  element.append(probe);
  const colours = Object.fromEntries(NAMES.map((name) => {
    probe.style.color = `var(--${name})`;
    return [name, getComputedStyle(probe).color];
  }));
  probe.remove();
  colours.font = getComputedStyle(element).fontFamily;
  return colours;
}

/** An axis, actions, and violations where there are any. */
export const rulerHeight = (model) => AXIS + LANE * (model.violations.length > 0 ? 2 : 1) + 2;

export const hueName = (domain) => `hue${domain % HUES}`;

/** Sets a canvas to its size on the page, in the pixels of the screen. */
export function fitted(canvas, width, height) {
  const scale = devicePixelRatio || 1;
  const [w, h] = [Math.round(width * scale), Math.round(height * scale)];
  if (canvas.width !== w || canvas.height !== h) [canvas.width, canvas.height] = [w, h];
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
  const context = canvas.getContext('2d');
  context.setTransform(scale, 0, 0, scale, 0, 0);
  context.clearRect(0, 0, width, height);
  return context;
}

/** As much of a text as there is room for; nothing when that would be a letter or two. */
function clipped(context, text, room) {
  if (context.measureText(text).width <= room) return text;
  let kept = text.length;
  while (kept > 2 && context.measureText(`${text.slice(0, kept)}…`).width > room) --kept;
  return kept > 2 ? `${text.slice(0, kept)}…` : '';
}

/** The end of a name that is too long: domains often have the same beginning, and the vCPU's number stands there. */
function ending(context, text, room) {
  let from = 0;
  const shown = () => (from === 0 ? text : `…${text.slice(from)}`);
  while (from < text.length - 1 && context.measureText(shown()).width > room) ++from;
  return shown();
}

/** Where a time stands; times outside are kept near, since canvases lose precision far away. */
function scaleOf(view, left, width) {
  return (ns) => left + Math.min(2, Math.max(-1, (ns - view.from) / view.width)) * width;
}

export function paintRuler(canvas, frame, model, view, colours) {
  const {width, labels} = frame;
  const tall = rulerHeight(model);
  const context = fitted(canvas, width, tall);
  const room = width - labels;
  const x = scaleOf(view, labels, room);
  context.font = `11px ${colours.font}`;
  context.textBaseline = 'middle';
  const [first, step] = ticks(view, room, 90);
  for (let ns = first; ns <= view.to; ns += step) {
    context.fillStyle = colours.line;
    context.fillRect(x(ns), 0, 1, AXIS);
    context.fillStyle = colours.dim;
    const text = tickText(ns, step, model.to);
    if (x(ns) + context.measureText(text).width + 6 < width) context.fillText(text, x(ns) + 4, AXIS / 2);
  }
  context.fillStyle = colours.dim;
  context.fillText('time', 6, AXIS / 2);
  context.fillText('actions', 6, AXIS + LANE / 2);
  if (model.violations.length > 0) {
    context.fillStyle = colours.fail;
    context.fillText('violation', 6, AXIS + LANE * 1.5);
  }
  context.save();
  context.beginPath();
  context.rect(labels, 0, room, tall);
  context.clip();
  paintActions(context, frame, model, view, x, colours);
  paintFlags(context, frame, model, x, colours);
  context.restore();
}

function diamond(context, x, y, size) {
  context.beginPath();
  context.moveTo(x, y - size);
  context.lineTo(x + size, y);
  context.lineTo(x, y + size);
  context.lineTo(x - size, y);
  context.fill();
}

/** Actions with their words, as far as they have room; those that would cover each other are one mark. */
function paintActions(context, {width}, model, view, x, colours) {
  const y = AXIS + LANE / 2;
  const places = [];
  for (const action of model.actions) {
    if (action.ns < view.from || action.ns > view.to) continue;
    const at = x(action.ns);
    const last = places[places.length - 1];
    if (last && at - last.at < MARKS_APART) last.words += `; ${action.words}`;
    else places.push({at, words: action.words});
  }
  places.forEach(({at, words}, index) => {
    context.fillStyle = colours.accent;
    diamond(context, at, y, 4.5);
    const room = (places[index + 1]?.at ?? width) - at - 17;
    context.fillStyle = colours.fg;
    if (room > 24) context.fillText(clipped(context, words, room), at + 8, y);
  });
}

/** Which violation stands where, so that it can be pointed at. */
function paintFlags(context, {width, labels}, model, x, colours) {
  const y = AXIS + LANE * 1.5 + 1;
  for (const violation of [...model.violations].reverse()) {
    const at = x(violation.ns);
    if (at < labels || at > width) continue;
    const text = clipped(context, violation.words, Math.max(width - labels - 16, 40));
    const wide = context.measureText(text).width + 10;
    const left = Math.max(labels, Math.min(at, width - wide));
    context.fillStyle = colours.fail;
    context.fillRect(left, AXIS + LANE + 2, wide, LANE - 2);
    context.fillRect(at - 1, AXIS + LANE + 2, 2, LANE);
    context.fillStyle = colours.bg;
    context.fillText(text, left + 5, y);
  }
}

export function paintRows(canvas, frame, model, view, colours) {
  const {width, height, labels, rows, rowHeight, top, selected} = frame;
  const context = fitted(canvas, width, height);
  const x = scaleOf(view, labels, width - labels);
  context.textBaseline = 'middle';
  const first = Math.floor(top / rowHeight);
  const last = Math.min(rows.length, Math.ceil((top + height) / rowHeight));
  for (let i = first; i < last; ++i) {
    const y = i * rowHeight - top;
    if (rows[i].kind === 'vcpu' && i > 0 && rows[i - 1].kind === 'pcpu') {
      context.fillStyle = colours.dim;
      context.fillRect(0, y, width, 1);
    }
    if (i === selected) {
      context.fillStyle = colours.sunk;
      context.fillRect(0, y, width, rowHeight);
    }
    context.save();
    context.beginPath();
    context.rect(labels, y, width - labels, rowHeight);
    context.clip();
    paintIntervals(context, rows[i], model, view, {x, y, rowHeight, labels, width}, colours);
    paintMarks(context, rows[i], view, {x, y, rowHeight, room: width - labels}, colours);
    context.restore();
    paintLabel(context, rows[i], y, frame, colours, i === selected);
  }
  paintViolations(context, frame, model, x, colours);
}

function paintLabel(context, row, y, {labels, rowHeight}, colours, isSelected) {
  context.font = `${isSelected ? '600 ' : ''}11px ${colours.font}`;
  if (row.kind === 'vcpu') {
    context.fillStyle = colours[hueName(row.domain)];
    context.fillRect(1, y + 3, 3, rowHeight - 6);
  }
  context.fillStyle = isSelected ? colours.fg : colours.dim;
  context.fillText(ending(context, row.name, labels - 12), 8, y + rowHeight / 2);
}

function paintViolations(context, {width, height, labels, rows, rowHeight, top}, model, x, colours) {
  for (const violation of model.violations) {
    const at = x(violation.ns);
    if (at < labels || at > width) continue;
    context.fillStyle = colours.fail;
    context.fillRect(at - 1, 0, 2, height);
    const row = rows.findIndex((each) => each.id === (each.kind === 'pcpu' ? violation.pcpu : violation.vcpu));
    if (row < 0) continue;
    context.strokeStyle = colours.fail;
    context.lineWidth = 2;
    context.strokeRect(at - 6, row * rowHeight - top + 2, 12, rowHeight - 4);
  }
}

const colourOf = (row, index, model, colours) => {
  const domain = row.kind === 'pcpu' ? model.vcpus[row.other[index]].domain : row.domain;
  return colours[hueName(domain)];
};

/** Intervals narrower than a pixel are added up: each pixel is filled as far as they fill it. */
function paintIntervals(context, row, model, view, place, colours) {
  let index = firstAbove(row.end, view.from);
  const dense = {pixel: -1, runs: 0, waits: 0, colour: ''};
  const flush = () => {
    if (dense.pixel < 0) return;
    const tall = place.rowHeight - 4;
    const [runs, waits] = [Math.min(1, dense.runs) * tall, Math.min(1, dense.waits) * tall];
    context.fillStyle = dense.colour;
    if (runs > 0) context.fillRect(dense.pixel, place.y + 2 + tall - runs, 1, runs);
    context.fillStyle = colours.waits;
    if (waits > 0) context.fillRect(dense.pixel, place.y + 2 + tall - runs - waits, 1, waits);
    Object.assign(dense, {pixel: -1, runs: 0, waits: 0});
  };
  const perPixel = (place.width - place.labels) / view.width;
  for (; index < row.start.length && row.start[index] < view.to; ++index) {
    const [left, right] = [place.x(row.start[index]), place.x(row.end[index])];
    if (right - left >= 1) {
      flush();
      paintInterval(context, row, index, model, {...place, left, right}, colours);
      continue;
    }
    const pixel = Math.floor(left);
    if (pixel !== dense.pixel) flush();
    dense.pixel = pixel;
    const wide = (row.end[index] - row.start[index]) * perPixel;
    if (row.state[index] === RUNNING) [dense.runs, dense.colour] = [dense.runs + wide, colourOf(row, index, model, colours)];
    if (row.state[index] === RUNNABLE) dense.waits += wide;
  }
  flush();
}

function paintInterval(context, row, index, model, {left, right, y, rowHeight, labels, width}, colours) {
  const state = row.state[index];
  const middle = y + rowHeight / 2;
  if (state === BLOCKED) {
    context.fillStyle = colours.line;
    context.fillRect(left, Math.floor(middle), right - left, 1);
    return;
  }
  if (state !== RUNNING && state !== RUNNABLE && state !== PAUSED) return;
  const gap = right - left > 4 ? 1 : 0;
  context.fillStyle = state === RUNNING ? colourOf(row, index, model, colours) : state === RUNNABLE ? colours.waits : colours.held;
  if (state === RUNNING) context.fillRect(left, y + 2, right - left - gap, rowHeight - 4);
  else context.fillRect(left, y + rowHeight / 2 - 3, right - left - gap, 6);
  if (state !== RUNNING) return;
  const [from, to] = [Math.max(left, labels), Math.min(right, width)];
  if (to - from < 14) return;
  context.font = `11px ${colours.font}`;
  context.fillStyle = colours.bg;
  context.fillText(occupant(context, row, row.other[index], model, to - from - 8), from + 4, middle + 0.5);
}

/** Who is there too, in the words that fit. */
function occupant(context, row, other, model, room) {
  if (row.kind === 'pcpu') return clipped(context, model.vcpus[other].name, room);
  const words = [`pCPU ${other}`, `${other}`];
  return words.find((text) => context.measureText(text).width <= room) ?? '';
}

function paintMarks(context, row, view, {x, y, rowHeight, room}, colours) {
  const {ns, what} = row.marks;
  let last = -Infinity;
  const [from, to] = [firstAbove(ns, view.from - 1), firstAbove(ns, view.to)];
  const areSigns = (to - from) * SIGNS_APART <= room;
  const base = y + rowHeight - 1;
  for (let i = from; i < to; ++i) {
    const at = x(ns[i]);
    if (at - last < MARKS_APART) continue;
    last = at;
    if (!areSigns) {
      context.fillStyle = row.kind === 'pcpu' ? colours.late : colours.dim;
      context.fillRect(at, row.kind === 'pcpu' ? y : base - 2, 1, 3);
      continue;
    }
    if (row.kind === 'pcpu') {
      context.fillStyle = colours.late;
      diamond(context, at, y + 4, 3.5);
      continue;
    }
    context.fillStyle = colours.fg;
    context.beginPath();
    if (what[i] === SIGNAL) {
      context.moveTo(at, base - 6);
      context.lineTo(at + 3.5, base);
      context.lineTo(at - 3.5, base);
    } else if (what[i] === TIMER) {
      context.arc(at, base - 3, 2.5, 0, 7);
    } else if (what[i] === YIELD) {
      context.rect(at - 3, base - 2, 6, 2);
    }
    context.fill();
  }
}
