// What the page shows. set() changes it; who watches a key that changed is told once, after all changes of the moment.

export const state = {
  model: null, // GET /api/model
  runs: new Map(), // id -> run: what `prepared` says, and targets, answer, maps, done as they come
  current: '', // the id of the run in view
  pinned: [], // ids of runs that the program keeps until they are let go
  show: 'contribution', // none, attention, or one of the attribution's methods
  target: '', // of the score head
  tower: 'decoder',
  layer: 0,
  head: 'mean', // or a number
  way: 'key', // a chosen patch of the vision tower: 'key' it was looked at, 'query' it looked
  hover: null, // {kind: 'token' | 'cell', at}
  lock: null, // the same, chosen
  overlay: null, // what lies over the picture
  colors: 'viridis', alpha: 0.6, smooth: false, lines: true,
  busy: false,
};

const watchers = [];
let changed = new Set();

export function set(changes) {
  for (const [key, value] of Object.entries(changes)) {
    if (state[key] === value) continue;
    state[key] = value;
    if (changed.size === 0) queueMicrotask(tell);
    changed.add(key);
  }
}

// touch tells watchers of a key whose value changed inside.
export function touch(key) {
  if (changed.size === 0) queueMicrotask(tell);
  changed.add(key);
}

export function watch(keys, f) {
  watchers.push({ keys, f });
}

function tell() {
  const now = changed;
  changed = new Set();
  for (const w of watchers) if (w.keys.some((key) => now.has(key))) w.f(now);
}

export const run = () => state.runs.get(state.current);

// $ is an element by its id.
export const $ = (id) => document.getElementById(id);

// make is a new element with properties and children.
export function make(tag, properties = {}, ...children) {
  const e = Object.assign(document.createElement(tag), properties);
  e.append(...children);
  return e;
}

// options fills a select and keeps its choice where that is still there.
export function options(select, list) {
  const before = select.value;
  select.replaceChildren(...list.map(([value, text]) => new Option(text, value)));
  if (list.some(([value]) => String(value) === before)) select.value = before;
}

// shown writes a number as short as it can be read.
export function shown(x) {
  if (x === undefined || x === null || Number.isNaN(x)) return '–';
  const size = Math.abs(x);
  const text = size === 0 ? '0' : size >= 1e6 ? x.toExponential(1) : size >= 1000 ? x.toFixed(0) : size >= 0.001 ? String(Number(x.toPrecision(3))) : x.toExponential(1);
  return text.replaceAll('-', '−');
}

// scored is the target of a run's score head that stands for its score: the one of that name, or without one the first.
export const scored = (r) => r.score.targets.find((t) => t.name === 'score') ?? r.score.targets[0];

// scoreWords are the score of a run in words: a number, after the target's name where that is not score.
export const scoreWords = (r) => `${scored(r).name === 'score' ? '' : scored(r).name + ' '}${scored(r).clamped.toFixed(1)}`;

// percent writes a part as a percentage: with one digit below 10 %, and never with an exponent.
export const percent = (x) => (x > 0 && x < 0.0005 ? 'below 0.1 %' : (100 * x).toFixed(x > 0 && x < 0.0995 ? 1 : 0) + ' %');

// number reads a field that must hold a number from least on; name says what it is. An empty field is none.
export function number(field, name, least = -Infinity) {
  const value = field.value.trim() === '' ? NaN : Number(field.value);
  if (!Number.isFinite(value) || value < least) {
    field.focus();
    throw new Error(`${name} is ${field.value.trim() === '' ? 'empty or no number' : field.value}: give a number${least === -Infinity ? '' : ` from ${least}`}.`);
  }
  return value;
}

// whole reads a field that must hold a whole number between least and most.
export function whole(field, name, least, most) {
  const value = field.value.trim() === '' ? NaN : Number(field.value);
  if (!Number.isInteger(value) || value < least || value > most) {
    field.focus();
    throw new Error(`${name} is ${field.value.trim() === '' ? 'empty or no number' : field.value}: give a whole number from ${least} to ${most}.`);
  }
  return value;
}
