// The part of the time that a timeline shows.

const NARROWEST_NS = 200;

export class View {
  constructor(from, to) {
    Object.assign(this, {first: from, last: to, from, to});
  }
  get width() { return this.to - this.from; }
  get isWhole() { return this.from === this.first && this.to === this.last; }

  /** Shows that part, within what there is and no narrower than says something. */
  set(from, to) {
    const whole = this.last - this.first;
    const width = Math.min(whole, Math.max(to - from, NARROWEST_NS));
    const start = Math.min(Math.max((from + to - width) / 2, this.first), this.last - width);
    [this.from, this.to] = width === whole ? [this.first, this.last] : [start, start + width];
  }
  /** `factor` above 1 shows less; `at` stays where it is. */
  zoom(factor, at = (this.from + this.to) / 2) {
    const width = Math.min(this.last - this.first, Math.max(this.width / factor, NARROWEST_NS));
    const left = (at - this.from) / this.width * width;
    this.set(at - left, at - left + width);
  }
  /** By a share of what is shown. */
  pan(share) {
    const by = this.width * share;
    this.set(this.from + by, this.to + by);
  }
  whole() { this.set(this.first, this.last); }
}

/** Where marks of an axis stand: [first, step], some `room` apart out of `length`. */
export function ticks(view, length, room) {
  const least = view.width * room / length;
  const power = 10 ** Math.floor(Math.log10(least));
  const step = [1, 2, 5, 10].map((times) => times * power).find((value) => value >= least);
  return [Math.ceil(view.from / step) * step, step];
}

/** A time on an axis whose marks are `step` apart. */
export function tickText(ns, step, last) {
  const [unit, size] = last < 1e4 ? ['ns', 1] : last < 1e7 ? ['µs', 1e3] : last < 1e10 ? ['ms', 1e6] : ['s', 1e9];
  const digits = Math.max(0, Math.ceil(-Math.log10(step / size) - 1e-9));
  return `${(ns / size).toFixed(digits)} ${unit}`;
}
