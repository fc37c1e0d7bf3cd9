// Unit tests of what the page decides; run by `node --test reports/page` where node is there.

import assert from 'node:assert/strict';
import test from 'node:test';

import {connect, countVerdicts, select, unexpectedResults} from './model.js';
import {DEFAULTS, formatState, parseState} from './state.js';
import {duration} from './text.js';

const result = (verdict, expected = true, more = {}) => ({verdict, expected, duration_us: 1, reproduce: '', ...more});

function sample() {
  return connect({
    difference: false,
    runs: [{label: 'hv'}, {label: 'xen'}],
    requirements: [
      {id: 'EVTCHN-1', level: 'must', text: 'Ports', hypercall: 'event_channel_op', verdicts: ['pass', 'pass'], cases: [0]},
      {id: 'GNT-1', level: 'may', text: 'Grants', hypercall: 'grant_table_op', verdicts: ['fail', 'pass'], cases: [1]},
      {id: 'GNT-2', level: 'must', text: 'More', hypercall: 'grant_table_op', verdicts: ['untested', null], cases: []},
    ],
    cases: [
      {id: 'evtchn.a@pvh', rule: 'A port', requirements: ['EVTCHN-1'], runs: [result('pass', true, {duration_us: 5}), result('pass')]},
      {id: 'gnt.b', rule: 'A grant', requirements: ['GNT-1'], runs: [result('fail', false, {message: 'got -EINVAL'}), null]},
    ],
  });
}

const ids = (state) => select(sample(), {...DEFAULTS, ...state}).map((item) => item.id);

test('what a fragment says comes back as it was', () => {
  const state = {...DEFAULTS, view: 'cases', q: 'a & b=c #1', area: 'x_op', open: 'GNT-1 GNT-2', theme: 'dark'};
  assert.deepEqual(parseState(formatState(state)), state);
  assert.equal(formatState(DEFAULTS), '#');
});

test('nonsense in a fragment is left out', () => {
  assert.deepEqual(parseState('#explorer'), {...DEFAULTS});
  assert.deepEqual(parseState('#?view=nothing&theme=pink&x=1'), {...DEFAULTS});
});

test('filters narrow, alone and together', () => {
  assert.deepEqual(ids({}), ['EVTCHN-1', 'GNT-1', 'GNT-2']);
  assert.deepEqual(ids({area: 'grant_table_op', level: 'must'}), ['GNT-2']);
  assert.deepEqual(ids({verdict: 'fail'}), ['GNT-1']);
  assert.deepEqual(ids({verdict: 'fail', target: 'xen'}), []);
  assert.deepEqual(ids({verdict: 'differs'}), ['GNT-1']);
  assert.deepEqual(ids({verdict: 'unexpected'}), ['GNT-1']);
  assert.deepEqual(ids({view: 'cases', level: 'may'}), ['gnt.b']);
  assert.deepEqual(ids({view: 'cases', verdict: 'untested', target: 'xen'}), ['gnt.b']);
});

test('search wants every word, in ids, texts and messages', () => {
  assert.deepEqual(ids({q: 'EVTCHN port'}), ['EVTCHN-1']);
  assert.deepEqual(ids({view: 'cases', q: 'einval'}), ['gnt.b']);
  assert.deepEqual(ids({q: 'evtchn grant'}), []);
});

test('orders', () => {
  assert.equal(ids({sort: 'worst'})[0], 'GNT-1');
  assert.deepEqual(ids({view: 'cases', sort: 'slowest'}), ['evtchn.a@pvh', 'gnt.b']);
});

test('counts and findings', () => {
  const data = sample();
  assert.deepEqual(countVerdicts(data.requirements, 1), [['pass', 2], ['untested', 1]]);
  assert.deepEqual(unexpectedResults(data).map(([each, run]) => [each.id, run]), [['gnt.b', 0]]);
});

test('in a comparison, the earlier run has no findings', () => {
  assert.deepEqual(unexpectedResults({...sample(), difference: true}), []);
});

test('durations have the digits that say something', () => {
  assert.deepEqual([12, 1234, 12345, 1234567, 83000000].map(duration), ['12 µs', '1.2 ms', '12 ms', '1.23 s', '1 min 23 s']);
});
