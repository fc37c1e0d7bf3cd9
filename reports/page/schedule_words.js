// How times and intervals read.

import {BLOCKED, OFFLINE, PAUSED, RUNNABLE, RUNNING, SIGNAL, SIGNAL_LATE, TIMER, TIMER_LATE, WHYS, firstAbove} from './schedule_model.js';

const trimmed = (value, digits) => value.toFixed(digits).replace(/\.?0+$/, '');

/** How long something took, with four digits. */
export function span(ns) {
  const [value, unit] = ns < 1e3 ? [ns, 'ns'] : ns < 1e6 ? [ns / 1e3, 'µs'] : ns < 1e9 ? [ns / 1e6, 'ms'] : [ns / 1e9, 's'];
  return `${trimmed(value, value < 10 ? 3 : value < 100 ? 2 : 1)} ${unit}`;
}

/** When it was, to the nanosecond. */
export const moment = (ns) => (ns < 1e6 ? `${trimmed(ns / 1e3, 3)} µs` : `${trimmed(ns / 1e6, 6)} ms`);

export const percent = (share) => `${trimmed(share * 100, share < 0.1 ? 2 : 1)}%`;

/** Who has the pCPU next, at that very time. */
function successor(model, pcpu, ns) {
  const row = model.pcpus[pcpu];
  if (!row) return '';
  const next = firstAbove(row.start, ns - 1);
  return row.start[next] === ns ? `: ${model.vcpus[row.other[next]].name} runs there then` : ': nobody runs there then';
}

function whyWords(model, why, pcpu, end) {
  switch (why) {
    case WHYS.created: return 'it is created';
    case WHYS.destroyed: return 'its domain is destroyed';
    case WHYS.signal: return 'an event is sent to it';
    case WHYS.timer: return 'its timer is due';
    case WHYS.woken: return 'it wakes';
    case WHYS.sleeps: return `it goes to sleep${pcpu >= 0 ? successor(model, pcpu, end) : ''}`;
    case WHYS.paused: return `it is paused${pcpu >= 0 ? successor(model, pcpu, end) : ''}`;
    case WHYS.unpaused: return 'it is unpaused';
    case WHYS.runs: return 'it runs';
    case WHYS.preempted: return `its pCPU is taken away${successor(model, pcpu, end)}`;
    case WHYS.yields: return `it yields${successor(model, pcpu, end)}`;
    default: return 'the picture ends';
  }
}

const DOING = {[OFFLINE]: 'does not exist', [BLOCKED]: 'is blocked', [PAUSED]: 'is paused', [RUNNABLE]: 'is runnable and waits'};

/** Who, doing what, from when to when, why it ended. */
export function intervalWords(model, row, index) {
  const [start, end, state, other] = [row.start[index], row.end[index], row.state[index], row.other[index]];
  const onPcpu = row.kind === 'pcpu';
  const pcpu = onPcpu ? row.id : state === RUNNING ? other : -1;
  const what = onPcpu ? `${row.name} runs ${model.vcpus[other].name}` :
    state === RUNNING ? `${row.name} runs on pCPU ${other}` : `${row.name} ${DOING[state]}`;
  return {what, when: `${moment(start)} to ${moment(end)}, ${span(end - start)}`,
    why: `Ends because ${whyWords(model, row.why[index], pcpu, end)}.`};
}

/** Nobody is there. */
export const gapWords = (row, ns) => ({what: `${row.name} ${row.kind === 'pcpu' ? 'is idle' : 'is not known'}`, when: `at ${moment(ns)}`, why: ''});

export function markWords(what, value) {
  if (what === SIGNAL) return 'an event is sent to it';
  if (what === TIMER) return 'its timer is due';
  if (what === SIGNAL_LATE) return `fault: a signal comes ${span(value)} late`;
  if (what === TIMER_LATE) return `fault: the timer comes ${span(value)} late`;
  return 'it yields';
}

/** What a picture of a long run leaves out; empty: nothing. */
export function cutWords(model) {
  const [before, after] = model.leftOut;
  if (before + after === 0) return '';
  return `The run is longer than this picture, which has ${moment(model.from)} to ${moment(model.to)} of ${moment(model.end)}: ` +
      `${before.toLocaleString('en-US')} events before and ${after.toLocaleString('en-US')} after are left out.`;
}
