// From what happened, in order, to rows of intervals: what each pCPU ran, and what each vCPU did.

export const STATES = ['offline', 'blocked', 'paused', 'runnable', 'running'];
export const [OFFLINE, BLOCKED, PAUSED, RUNNABLE, RUNNING] = STATES.keys();

/** As sim/scenario/schedule_recorder.hpp numbers them. */
export const [ONLINE_, OFFLINE_, WAKE, BLOCK, PAUSE, UNPAUSE, RUN, LEAVE, SIGNAL, TIMER, YIELD, SIGNAL_LATE, TIMER_LATE] =
    Array(13).keys();

/** Why an interval ended. */
export const WHYS = {end: 0, created: 1, destroyed: 2, signal: 3, timer: 4, woken: 5, sleeps: 6, paused: 7, unpaused: 8, runs: 9,
  preempted: 10, yields: 11};

/** Between giving way and leaving, the core is asked: that takes so long at most. */
const YIELD_NS = 50_000;

const newRow = (kind, id, name, domain) =>
    ({kind, id, name, domain, start: [], end: [], state: [], other: [], why: [], marks: {ns: [], what: [], value: []}});

function rowsOf(data) {
  const pcpus = Array.from({length: data.pcpus}, (_, id) => newRow('pcpu', id, `pCPU ${id}`, -1));
  const vcpus = data.domains.flatMap((domain, number) =>
      Array.from({length: domain.vcpus}, (_, id) => [number, `${domain.name}.${id}`]))
      .map(([domain, name], id) => newRow('vcpu', id, name, domain));
  return {pcpus, vcpus};
}

const stateOf = (vcpu) => {
  if (vcpu.pcpu >= 0) return RUNNING;
  if (!vcpu.online) return OFFLINE;
  if (vcpu.paused) return PAUSED;
  return vcpu.awake ? RUNNABLE : BLOCKED;
};

function change(vcpu, what, value) {
  if (what === ONLINE_) vcpu.online = true;
  if (what === OFFLINE_) vcpu.online = vcpu.awake = vcpu.paused = false;
  if (what === WAKE || what === BLOCK) vcpu.awake = what === WAKE;
  if (what === PAUSE || what === UNPAUSE) vcpu.paused = what === PAUSE;
  if (what === RUN || what === LEAVE) vcpu.pcpu = what === RUN ? value : -1;
}

function whyOf(vcpu, what, ns) {
  if (what === LEAVE) {
    if (!vcpu.online) return WHYS.destroyed;
    if (vcpu.paused) return WHYS.paused;
    if (!vcpu.awake) return WHYS.sleeps;
    return ns - vcpu.yieldNs <= YIELD_NS ? WHYS.yields : WHYS.preempted;
  }
  if (what === WAKE) return vcpu.notice === SIGNAL ? WHYS.signal : vcpu.notice === TIMER ? WHYS.timer : WHYS.woken;
  return {[ONLINE_]: WHYS.created, [OFFLINE_]: WHYS.destroyed, [BLOCK]: WHYS.sleeps, [PAUSE]: WHYS.paused,
    [UNPAUSE]: WHYS.unpaused, [RUN]: WHYS.runs}[what] ?? WHYS.end;
}

function add(row, start, end, state, other, why) {
  if (end <= start) return;
  row.start.push(start);
  row.end.push(end);
  row.state.push(state);
  row.other.push(other);
  row.why.push(why);
}

/** Ends what the vCPU did, on its row and on the one of its pCPU. */
function close(rows, id, vcpu, ns, state, pcpu, why) {
  add(rows.vcpus[id], vcpu.since, ns, state, pcpu, why);
  if (state === RUNNING && rows.pcpus[pcpu]) add(rows.pcpus[pcpu], vcpu.since, ns, RUNNING, id, why);
  vcpu.since = ns;
}

/** Time from waking to running, by the rule of the latency oracle. */
function takeLatency(vcpu, what, ns, wasAwake, id, latencies) {
  if (what === WAKE && !wasAwake) vcpu.wokeNs = ns;
  if (what === PAUSE || what === OFFLINE_) vcpu.wokeNs = -1;
  if (what !== RUN) return;
  if (vcpu.wokeNs >= 0) latencies.push({ns: ns - vcpu.wokeNs, at: ns, vcpu: id});
  vcpu.wokeNs = -1;
}

function addMark(row, ns, what, value) {
  if (!row) return;
  row.marks.ns.push(ns);
  row.marks.what.push(what);
  row.marks.value.push(value);
}

export function replay(data) {
  const rows = rowsOf(data);
  const latencies = [];
  const vcpus = data.at_start.map(([flags, pcpu, since]) => ({online: (flags & 1) !== 0, awake: (flags & 2) !== 0,
    paused: (flags & 4) !== 0, pcpu, since: Math.min(since, data.from_ns), yieldNs: -Infinity, notice: -1, wokeNs: -1}));
  let ns = data.from_ns;
  for (let i = 0; i < data.ns.length; ++i) {
    ns += data.ns[i];
    const [what, who, value] = [data.what[i], data.who[i], data.how_much[i]];
    if (what === SIGNAL_LATE || what === TIMER_LATE) {
      addMark(rows.pcpus[who], ns, what, value);
      continue;
    }
    const vcpu = vcpus[who];
    if (what === SIGNAL || what === TIMER || what === YIELD) {
      addMark(rows.vcpus[who], ns, what, 0);
      vcpu.notice = what;
      if (what === YIELD) vcpu.yieldNs = ns;
      continue;
    }
    const [before, pcpu, awake] = [stateOf(vcpu), vcpu.pcpu, vcpu.awake];
    change(vcpu, what, value);
    takeLatency(vcpu, what, ns, awake, who, latencies);
    if (stateOf(vcpu) !== before || vcpu.pcpu !== pcpu) close(rows, who, vcpu, ns, before, pcpu, whyOf(vcpu, what, ns));
    if (what === WAKE) vcpu.notice = -1;
  }
  vcpus.forEach((vcpu, id) => close(rows, id, vcpu, data.to_ns, stateOf(vcpu), vcpu.pcpu, WHYS.end));
  const intervals = [...rows.pcpus, ...rows.vcpus].reduce((sum, row) => sum + row.start.length, 0);
  return {...rows, latencies, intervals, from: data.from_ns, to: Math.max(data.to_ns, data.from_ns + 1), end: data.end_ns,
    domains: data.domains, actions: data.actions, violations: data.violations, leftOut: data.left_out};
}

/** The first index in ascending `values` that is above `value`. */
export function firstAbove(values, value) {
  let [low, high] = [0, values.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (values[middle] > value) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** The interval of a row at a time; -1 where it has none. */
export function intervalAt(row, ns) {
  const index = firstAbove(row.end, ns);
  return index < row.start.length && row.start[index] <= ns ? index : -1;
}

/** By domain, how much of one pCPU it had in each of `count` equal parts of the time. */
export function shares(model, count) {
  const width = (model.to - model.from) / count;
  const made = model.domains.map(() => new Float64Array(count));
  for (const row of model.vcpus) {
    for (let i = 0; i < row.start.length; ++i) {
      if (row.state[i] !== RUNNING) continue;
      let part = Math.max(0, Math.floor((row.start[i] - model.from) / width));
      for (; part < count; ++part) {
        const from = model.from + part * width;
        const spent = Math.min(row.end[i], from + width) - Math.max(row.start[i], from);
        if (spent <= 0) break;
        made[row.domain][part] += spent / width;
      }
    }
  }
  return made;
}

/** The value that `share` of the ascending values do not exceed. */
export const percentile = (sorted, share) => sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)];
