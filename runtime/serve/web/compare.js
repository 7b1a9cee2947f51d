// Two maps side by side: two pictures, two layers or heads, a model and its edits, an adapter and its base.

import { complain } from './api.js';
import { drawScale, scaleOf } from './color.js';
import { attention, heads, imageOf, mapOf, targets, viewOf } from './look.js';
import { $, make, options, scoreWords, shown, state, watch, whole } from './state.js';
import { place, View } from './view.js';

let box, sides = [], difference, asking = null;
const part = (within, id) => within.querySelector(`[data-id="${id}"]`);

function runChoices() {
  return [...state.runs.values()].filter((r) => r.done).map((r) =>
    [r.id, `${r.number}${r.interventions ? ' (edited)' : ''}${r.model === 'base' ? ' (base)' : ''}${r.score ? ': ' + scoreWords(r) : ''}`]);
}

// fill brings the choices of both sides up to date. A new run goes to the right, and the one before it to the left.
function fill(changed) {
  const list = runChoices();
  for (const [i, s] of sides.entries()) {
    const before = part(s.box, 'run').options.length;
    options(part(s.box, 'run'), list);
    if (before !== list.length && list.length) part(s.box, 'run').value = list[Math.max(0, list.length - 2 + i)][0];
    options(part(s.box, 'show'), [...targets().slice(0, -1).map(([value, text]) => [value, `contribution to ${text}`]), ['attention', 'attention']]);
    if (changed?.has('current')) part(s.box, 'show').value = part(s.box, 'show').value || 'attention';
    const tower = part(box, 'tower').value;
    options(part(s.box, 'head'), heads(tower));
    part(s.box, 'layer').max = state.model[tower].layers - 1;
    if (part(s.box, 'layer').value !== '') part(s.box, 'layer').value = Math.min(part(s.box, 'layer').value, state.model[tower].layers - 1);
  }
}

// what a side shows: its run and its overlay.
async function load(s, signal) {
  const r = state.runs.get(part(s.box, 'run').value);
  if (!r?.done) return null;
  const show = part(s.box, 'show').value, tower = part(box, 'tower').value;
  const head = part(s.box, 'head').value;
  const by = show === 'attention' ? '' : 'contribution';
  for (const id of ['layer', 'head']) part(s.box, id).disabled = by !== '';
  const overlay = by ? await mapOf(r, { method: by, target: show }, signal)
    : await attention(r, { tower, layer: whole(part(s.box, 'layer'), 'The layer', 0, state.model[tower].layers - 1), head, view: viewOf(r, tower, null) }, signal);
  const layer = part(s.box, 'layer').value;
  const words = by ? `${overlay.unit} from each cell` : tower === 'vision' ? `layer ${layer}: where all patches looked` : `layer ${layer}: where the token before the answer looked`;
  return { r, overlay, image: await imageOf(r), words };
}

async function refresh() {
  if (state.tab !== 'compare') return;
  asking?.abort();
  const signal = (asking = new AbortController()).signal;
  box.setAttribute('aria-busy', 'true');
  try {
    const [left, right] = [await load(sides[0], signal), await load(sides[1], signal)];
    if (signal.aborted) return;
    part(box, 'note').textContent = left && right ? '' : 'Run a picture to compare it; run another, or the same with edits, to compare it with.';
    if (left && right) draw(left, right);
    else clear();
  } catch (error) {
    complain(error);
  } finally {
    if (!signal.aborted) box.removeAttribute('aria-busy');
  }
}

// clear shows nothing of runs that are gone.
function clear() {
  for (const s of sides) {
    s.now = null;
    s.view.clear();
    drawScale(s.box.querySelector('.scale'), null);
    part(s.box, 'caption').textContent = '';
  }
  part(box, 'difference').hidden = true;
  box.querySelector('tbody').replaceChildren();
}

function draw(left, right) {
  const { colors, alpha, smooth, lines } = state;
  if (part(box, 'one').checked && left.overlay.unit === right.overlay.unit) {
    const scale = scaleOf([left, right].flatMap(({ overlay: o }) => [o.least, o.largest]), left.overlay.signed);
    for (const x of [left, right]) x.overlay = { ...x.overlay, ...scale };
  }
  for (const [s, x] of [[sides[0], left], [sides[1], right]]) {
    s.now = x;
    s.view.show({ image: x.image, grid: x.r.grid, merge: x.r.merge, side: x.overlay.side, overlay: x.overlay, colors, alpha, smooth, lines, chosen: null });
    drawScale(s.box.querySelector('.scale'), x.overlay, colors);
    part(s.box, 'caption').textContent = x.words + '.';
  }
  const [a, b] = [left.overlay, right.overlay];
  const same = a.rows === b.rows && a.cols === b.cols && a.unit === b.unit;
  part(box, 'difference').hidden = !same;
  if (same) {
    const values = Float32Array.from(b.values, (v, i) => v - a.values[i]);
    const overlay = { ...b, values, unit: `${b.unit}, right less left`, ...scaleOf(values, true) };
    difference.now = { ...right, overlay };
    difference.show({ image: right.image, grid: right.r.grid, merge: right.r.merge, side: b.side, overlay, colors, alpha, smooth, lines, chosen: null });
    drawScale(part(box, 'difference').querySelector('.scale'), overlay, colors);
  } else part(box, 'note').textContent = 'The maps have different grids or units, so that there is no difference to draw.';
  box.querySelector('tbody').replaceChildren(...scoreRows(left.r, right.r));
}

// scoreRows are the rows of a table of two runs' scores.
export function scoreRows(a, b) {
  return (a.score?.targets ?? []).map((t, i) => {
    const other = b.score?.targets[i];
    const gap = other ? other.value - t.value : NaN;
    return make('tr', {}, make('th', { scope: 'row', textContent: t.name }), ...[t.value.toFixed(2), other?.value.toFixed(2) ?? '–', (gap > 0 ? '+' : '') + shown(gap)].map((text) => make('td', { textContent: text })));
  });
}

// readout says what a cell has, on both sides.
function readout(cell, s) {
  const o = s.now?.overlay;
  if (!o || cell === null) return;
  const [a, b] = sides.map((x) => x.now?.overlay.values[cell]);
  part(box, 'note').textContent = `${place(cell, o.cols)}: left ${shown(a)}, right ${shown(b)}`;
}

export function startCompare() {
  box = $('compare');
  box.append($('compare-template').content.cloneNode(true));
  for (const element of box.querySelectorAll('[data-side]')) {
    const s = { box: element };
    s.view = new View(element.querySelector('canvas'), { hover: (cell) => readout(cell, s) });
    sides.push(s);
  }
  difference = new View(part(box, 'difference').querySelector('canvas'), { hover: (cell) => readout(cell, difference) });
  box.addEventListener('input', () => { fill(); refresh(); });
  part(box, 'swap').addEventListener('click', () => {
    for (const id of ['run', 'show', 'layer', 'head']) {
      const [a, b] = sides.map((s) => part(s.box, id));
      [a.value, b.value] = [b.value, a.value];
    }
    refresh();
  });
  watch(['runs', 'current', 'tab'], (changed) => { fill(changed); refresh(); });
  watch(['colors', 'alpha', 'smooth', 'lines', 'theme'], refresh);
  new ResizeObserver(() => { if (sides[0].now && sides[1].now && box.clientWidth) draw(sides[0].now, sides[1].now); }).observe(box);
}
