// Unit tests of what the page of a schedule decides; run by `node --test reports/page` where node is there.

import assert from 'node:assert/strict';
import test from 'node:test';

import * as model from './schedule_model.js';
import {View, tickText, ticks} from './schedule_view.js';
import {cutWords, intervalWords, moment, span} from './schedule_words.js';

const {ONLINE_, WAKE, BLOCK, PAUSE, RUN, LEAVE, SIGNAL, TIMER, YIELD, SIGNAL_LATE} = model;

/** Two vCPUs of one domain on one pCPU, and [ns, what, who, how much] each. */
function sample(events, more = {}) {
  let last = 0;
  const ns = events.map(([at]) => {
    const gone = at - last;
    last = at;
    return gone;
  });
  return model.replay({pcpus: 1, domains: [{name: 'a', vcpus: 2, pool: 'p'}], from_ns: 0, to_ns: 1_000_000, end_ns: 1_000_000,
    left_out: [0, 0], at_start: [[3, -1, 0], [3, -1, 0]], actions: [], violations: [], ns, what: events.map((each) => each[1]),
    who: events.map((each) => each[2]), how_much: events.map((each) => each[3] ?? 0), ...more});
}

const told = (made, row) => row.start.map((start, i) => [start, row.end[i], model.STATES[row.state[i]]]);

test('what happens becomes intervals, of the vCPU and of its pCPU', () => {
  const made = sample([[100, RUN, 0, 0], [400, BLOCK, 0], [410, LEAVE, 0], [410, RUN, 1, 0], [700, TIMER, 0], [700, WAKE, 0]]);
  assert.deepEqual(told(made, made.vcpus[0]),
      [[0, 100, 'runnable'], [100, 410, 'running'], [410, 700, 'blocked'], [700, 1_000_000, 'runnable']]);
  assert.deepEqual(made.pcpus[0].start, [100, 410]);
  assert.deepEqual(made.pcpus[0].other, [0, 1]);
  assert.equal(made.intervals, 8);
});

test('why an interval ends is said', () => {
  const why = (events, index = 1) => intervalWords(sample(events), sample(events).vcpus[0], index).why;
  const run = [100, RUN, 0, 0];
  assert.match(why([run, [400, LEAVE, 0], [400, RUN, 1, 0]]), /its pCPU is taken away: a\.1 runs there then/);
  assert.match(why([run, [400, BLOCK, 0], [410, LEAVE, 0]]), /it goes to sleep: nobody runs there then/);
  assert.match(why([run, [399, YIELD, 0], [400, LEAVE, 0]]), /it yields/);
  assert.match(why([run, [200, YIELD, 0], [400_000, LEAVE, 0]]), /taken away/);
  assert.match(why([run, [400, PAUSE, 0], [400, LEAVE, 0]]), /it is paused/);
  assert.match(why([run, [400, BLOCK, 0], [410, LEAVE, 0], [500, SIGNAL, 0], [500, WAKE, 0]], 2), /an event is sent to it/);
  assert.match(why([run]), /the picture ends/);
});

test('a picture that begins in the middle knows who ran', () => {
  const made = sample([[500, LEAVE, 0]], {from_ns: 300, at_start: [[3, 0, 200], [0, -1, 0]], ns: [200]});
  assert.deepEqual(told(made, made.vcpus[0])[0], [200, 500, 'running']);
});

test('latency counts from waking, and not for who was paused meanwhile', () => {
  const asleep = [[1, -1, 0], [1, -1, 0]];
  const events = [[100, WAKE, 0], [250, RUN, 0, 0], [300, LEAVE, 0], [400, WAKE, 1], [410, PAUSE, 1], [500, RUN, 1, 0]];
  assert.deepEqual(sample(events, {at_start: asleep}).latencies, [{ns: 150, at: 250, vcpu: 0}]);
});

test('shares add up to the time that was had', () => {
  const [share] = model.shares(sample([[250_000, RUN, 0, 0], [750_000, LEAVE, 0], [800_000, RUN, 1, 0]]), 10);
  assert.ok(Math.abs(share.reduce((sum, value) => sum + value, 0) - 7) < 1e-9);
  assert.deepEqual([share[0], share[3]], [0, 1]);
  assert.ok(Math.abs(share[2] - 0.5) < 1e-9);
});

test('intervals are found by time, faults are marks of pCPUs', () => {
  const made = sample([[50, ONLINE_, 0], [60, SIGNAL_LATE, 0, 42], [100, RUN, 0, 0]]);
  assert.equal(model.intervalAt(made.vcpus[0], 99), 0);
  assert.equal(model.intervalAt(made.vcpus[0], 100), 1);
  assert.equal(model.intervalAt(made.pcpus[0], 99), -1);
  assert.deepEqual(made.pcpus[0].marks, {ns: [60], what: [SIGNAL_LATE], value: [42]});
  assert.deepEqual([0, 0.5, 0.9, 1].map((share) => model.percentile([1, 2, 3, 4, 5, 6, 7, 8, 9, 10], share)), [1, 5, 9, 10]);
});

test('a view stays within what there is', () => {
  const view = new View(0, 1000_000);
  view.zoom(10, 250_000);
  assert.deepEqual([view.from, view.to], [225_000, 325_000]);
  view.pan(-5);
  assert.deepEqual([view.from, view.to], [0, 100_000]);
  for (let i = 0; i < 50; ++i) view.zoom(2);
  assert.equal(view.width, 200);
  view.zoom(1e9);
  for (let i = 0; i < 50; ++i) view.zoom(0.5);
  assert.ok(view.isWhole);
});

test('axes have round steps and say their units', () => {
  assert.deepEqual(ticks({from: 130, to: 1130, width: 1000}, 1000, 90), [200, 100]);
  assert.equal(tickText(1_500_000, 500_000, 20_000_000), '1.5 ms');
  assert.equal(tickText(2_000, 1_000, 9_000_000), '2 µs');
});

test('times have units and the digits that say something', () => {
  assert.deepEqual([7, 1500, 12_345_678, 3e9].map(span), ['7 ns', '1.5 µs', '12.35 ms', '3 s']);
  assert.deepEqual([100, 12_345, 12_345_678, 40_000_000].map(moment), ['0.1 µs', '12.345 µs', '12.345678 ms', '40 ms']);
  assert.equal(cutWords(sample([])), '');
  assert.match(cutWords(sample([], {left_out: [5, 0]})), /5 events before and 0 after/);
});
