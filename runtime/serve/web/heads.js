// All heads of a tower side by side, fetched a layer at a time.

import { complain, tensors } from './api.js';
import { drawScale, fit, picture } from './color.js';
import { imageOf, viewOf } from './look.js';
import { roving } from './keys.js';
import { $, make, percent, run, set, shown, state, watch } from './state.js';

let asking = null;
let loading = ''; // the view that is being fetched
let loaded = ''; // the view that found is of
let allowed = ''; // the view for which the user let a slow model run
let found = []; // {layer, head, values, least, largest, share}

// multiples are the heads of the run in view, which is fetched if the tab of the heads has not been.
export async function multiples() {
  if (!found.length) await load('anyway');
  return found;
}

// load fetches every layer of the tower for the chosen token or cell. The program computes all of them with the first. A model
// that is slow does not run for it unasked, and what is being fetched is not begun anew.
async function load(changed) {
  const r = run(), box = $('multiples');
  const anyway = changed === 'anyway';
  const { tower, way, model } = state;
  const view = r && viewOf(r, tower, state.lock, way), key = r ? `${r.id} ${tower} ${view}` : '';
  if (r?.done && (key === loading || key === loaded)) return;
  asking?.abort();
  const signal = (asking = new AbortController()).signal;
  found = [];
  loading = loaded = '';
  if (!r?.done || state.tab && state.tab !== 'heads' && !anyway) return draw();
  loading = key;
  box.setAttribute('aria-busy', 'true');
  try {
    const all = [];
    for (let layer = 0; layer < model[tower].layers; layer++) {
      const path = `/api/runs/${r.id}/heads?tower=${tower}&layer=${layer}&${view}`;
      let t = await tensors(path + '&cached=1', signal);
      if (!t && slow(r) && allowed !== key && !anyway) return offer(key, r);
      t ??= await tensors(path, signal, { what: `All heads of the ${tower} in run ${r.number}`, seconds: r.done.seconds });
      if (signal.aborted) return;
      const [heads, n] = t.attention.shape;
      for (let head = 0; head < heads; head++) all.push({ layer, head, ...part(t, head, n), share: t.share.data[head] });
    }
    found = all;
    loaded = key;
    draw();
  } catch (error) {
    complain(error);
    if (error.name === 'AbortError' && !signal.aborted) { // it was stopped
      allowed = '';
      offer(key, r);
    }
  } finally {
    if (!signal.aborted) {
      loading = '';
      box.removeAttribute('aria-busy');
    }
  }
}

const slow = (r) => r.done.seconds > 5;

function offer(key, r) {
  const b = make('button', { type: 'button', textContent: `Compute all heads: the model runs once more, about ${Math.ceil(r.done.seconds)} s` });
  b.onclick = () => { allowed = key; b.disabled = true; load(); };
  loading = '';
  $('multiples').className = 'multiples';
  $('multiples').replaceChildren(b);
  $('heads-note').textContent = '';
  large(null);
  roving.reset($('multiples'));
}

// part is a head's map in true numbers.
function part(t, head, n) {
  const least = t.least.data[head], largest = t.largest.data[head];
  const values = Float32Array.from(t.attention.data.subarray(head * n, (head + 1) * n), (v) => least + v / 255 * (largest - least));
  return { values, least, largest, mean: values.reduce((a, b) => a + b, 0) / n };
}

// shares says whether there is a part of each head's attention that is on the picture: not in the vision tower, where all of it
// is, nor where the picture is what was looked at.
export const shares = () => state.tower === 'decoder' && state.lock?.kind !== 'cell';

function sorted() {
  const by = $('order').value;
  return by === 'layer' ? found : [...found].sort((a, b) => b[by] - a[by] || a.layer - b.layer || a.head - b.head);
}

// draw builds the overview: in the order of the layers a table, a row a layer and a column a head, whose names stand at its edges; in
// another order one after the other, each with its name.
function draw() {
  const r = run(), box = $('multiples');
  const focused = box.contains(document.activeElement);
  const all = Math.max(...found.map((m) => m.largest), 0);
  const side = state.tower === 'vision' ? 1 : r?.merge;
  const table = $('order').value === 'layer', { heads } = state.model[state.tower];
  document.querySelector('.columns').classList.toggle('wide', heads > 8);
  box.className = table ? 'multiples table' : 'multiples';
  box.style.setProperty('--columns', table ? heads : 8);
  const cells = sorted().map((m) => {
    const canvas = make('canvas', { ariaHidden: 'true' });
    const b = make('button', { type: 'button', tabIndex: -1 }, canvas);
    if (!table) b.append(make('span', { textContent: `${m.layer}.${m.head}` }));
    b.setAttribute('role', 'option');
    b.setAttribute('aria-label', `layer ${m.layer}, head ${m.head}, ${words(m)}`);
    b.onclick = () => set({ layer: m.layer, head: m.head, show: 'attention' });
    b.onpointerenter = b.onfocus = () => large(m, b);
    b.onpointerleave = b.onblur = () => large(null);
    b.mine = m;
    requestAnimationFrame(() => paint(canvas, m, r.grid[0] / side, r.grid[1] / side, all));
    return b;
  });
  if (table && cells.length) {
    const edge = (className, textContent) => make('span', { className, textContent, ariaHidden: 'true' });
    const rows = [edge('corner', 'layer \\ head'), ...Array.from({ length: heads }, (_, h) => edge('column', h))];
    for (let i = 0; i < cells.length; i += heads) rows.push(edge('line', cells[i].mine.layer), ...cells.slice(i, i + heads));
    box.replaceChildren(...rows);
  } else box.replaceChildren(...cells);
  large(null);
  roving.reset(box);
  if (focused) box.querySelector('[tabindex="0"]')?.focus();
  mark();
  $('heads-note').textContent = found.length === 0 ? 'Run a picture to see its heads.' : 'Point at a head to see it large, with its numbers; choose it to see it on the picture.';
}

const words = (m) => (shares() ? `${percent(m.share)} on the picture` : `at most ${shown(m.largest)}`);

// scaleNow is the scale that a head is drawn on.
const scaleNow = (m, all) => ($('each-scale').value === 'one' ? { least: 0, largest: all } : { least: m.least, largest: m.largest });

function paint(canvas, m, rows, cols, all) {
  if (!canvas.clientWidth) return;
  const height = canvas.clientWidth * rows / cols;
  canvas.style.height = height + 'px';
  const { context, width } = fit(canvas, height);
  context.imageSmoothingEnabled = false;
  context.drawImage(picture(m.values, rows, cols, scaleNow(m, all), state.colors), 0, 0, width, height);
}

// large shows one head so large that its cells can be told apart, over the picture and beside what is pointed at; null takes it away.
async function large(m, beside) {
  const box = $('head-large');
  box.hidden = true;
  box.mine = m;
  const r = run();
  if (!m || !r) return;
  const image = await imageOf(r).catch(() => null);
  if (box.mine !== m) return; // another one meanwhile
  const side = state.tower === 'vision' ? 1 : r.merge, rows = r.grid[0] / side, cols = r.grid[1] / side;
  const all = Math.max(...found.map((x) => x.largest), 0), scale = scaleNow(m, all);
  $('head-words').textContent = `${state.tower} layer ${m.layer}, head ${m.head}: ${shown(m.least)} to ${shown(m.largest)}, ${words(m)}`;
  box.hidden = false;
  const canvas = box.querySelector('canvas'), width = canvas.clientWidth, height = Math.min(width * rows / cols, 0.6 * innerHeight);
  canvas.style.height = height + 'px';
  const { context } = fit(canvas, height);
  if (image) context.drawImage(image, 0, 0, width, height);
  context.imageSmoothingEnabled = false;
  context.globalAlpha = image ? 0.75 : 1;
  context.drawImage(picture(m.values, rows, cols, scale, state.colors), 0, 0, width, height);
  drawScale($('head-scale'), { ...scale, unit: 'share of attention' }, state.colors);
  const at = beside.getBoundingClientRect(), own = box.getBoundingClientRect();
  const left = at.right + 12 + own.width <= innerWidth ? at.right + 12 : at.left - 12 - own.width;
  box.style.left = Math.max(4, Math.min(left, innerWidth - own.width - 4)) + 'px';
  box.style.top = Math.max(4, Math.min(at.top - own.height / 3, innerHeight - own.height - 4)) + 'px';
}

// mark shows which head lies over the picture.
function mark() {
  for (const b of $('multiples').querySelectorAll('[role=option]')) {
    const on = state.show === 'attention' && b.mine.layer === state.layer && (state.head === 'mean' || b.mine.head === state.head);
    b.setAttribute('aria-selected', on);
  }
}

export function startHeads() {
  roving.over($('multiples'), 'button');
  $('order').addEventListener('input', draw);
  $('each-scale').addEventListener('input', draw);
  let wide = 0;
  new ResizeObserver(() => { // hidden tabs have no width to draw for
    const now = $('multiples').clientWidth;
    if (now && now !== wide) { wide = now; draw(); }
  }).observe($('multiples'));
  watch(['current', 'runs', 'tower', 'way', 'lock', 'tab'], load);
  watch(['layer', 'head', 'show'], mark);
  watch(['colors', 'theme'], draw);
  addEventListener('scroll', () => large(null), { passive: true, capture: true });
}
