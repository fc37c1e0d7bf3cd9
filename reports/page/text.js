// How numbers, durations and verdicts read.

/** From best to worst; "untested" is a requirement without a verdict. */
export const VERDICTS = ['pass', 'untested', 'skip', 'inconclusive', 'fail', 'timeout', 'crash', 'error'];

const SYMBOLS = {pass: '✓', untested: '·', skip: '–', inconclusive: '?', fail: '✗', timeout: '⧖', crash: '✗', error: '!'};

export const symbol = (verdict) => SYMBOLS[verdict] ?? '·';

export const isBad = (verdict) => VERDICTS.indexOf(verdict) >= VERDICTS.indexOf('fail');

const NUMBER = new Intl.NumberFormat('en-US');

export const number = (value) => NUMBER.format(value);

/** "1 case", "1,300 cases". */
export const count = (value, one, many = `${one}s`) => `${number(value)} ${value === 1 ? one : many}`;

/** Microseconds, with as many digits as say something. */
export function duration(us) {
  if (us < 1000) return `${us} µs`;
  if (us < 10_000) return `${(us / 1000).toFixed(1)} ms`;
  if (us < 1_000_000) return `${Math.round(us / 1000)} ms`;
  if (us < 60_000_000) return `${(us / 1_000_000).toFixed(2)} s`;
  return `${Math.floor(us / 60_000_000)} min ${Math.round((us / 1_000_000) % 60)} s`;
}
