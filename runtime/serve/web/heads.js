// All heads of a tower side by side, fetched a layer at a time.

import { complain, tensors } from './api.js';
import { viewOf } from './look.js';
import { fit, picture } from './color.js';
import { roving } from './keys.js';
import { $, make, percent, run, set, shown, state, watch } from './state.js';

let asking = null;
let allowed = ''; // the view for which the user let a slow model run
let found = []; // {layer, head, values, least, largest, share}

// multiples are the heads of the run in view, which is fetched if the tab of the heads has not been.
export async function multiples() {
  if (!found.length) await load('anyway');
  return found;
}

// load fetches every layer of the tower for the chosen token or cell. The program computes all of them with the first. A model
// that is slow does not run for it unasked.
async function load(changed) {
  asking?.abort();
  const signal = (asking = new AbortController()).signal;
  const r = run(), box = $('multiples');
  found = [];
  const anyway = changed === 'anyway';
  if (!r?.done || state.tab && state.tab !== 'heads' && !anyway) return draw();
  const { tower, way, model } = state;
  const view = viewOf(r, tower, state.lock, way), key = `${r.id} ${tower} ${view}`;
  box.setAttribute('aria-busy', 'true');
  try {
    for (let layer = 0; layer < model[tower].layers; layer++) {
      const path = `/api/runs/${r.id}/heads?tower=${tower}&layer=${layer}&${view}`;
      let t = await tensors(path + '&cached=1', signal);
      if (!t && slow(r) && allowed !== key && !anyway) return offer(key, r);
      t ??= await tensors(path, signal);
      if (signal.aborted) return;
      const [heads, n] = t.attention.shape;
      for (let head = 0; head < heads; head++) found.push({ layer, head, ...part(t, head, n), share: t.share.data[head] });
    }
    draw();
  } catch (error) {
    complain(error);
  } finally {
    if (!signal.aborted) box.removeAttribute('aria-busy');
  }
}

const slow = (r) => r.done.seconds > 5;

function offer(key, r) {
  const b = make('button', { type: 'button', textContent: `Compute all heads: the model runs once more, about ${Math.ceil(r.done.seconds)} s` });
  b.onclick = () => { allowed = key; load(); };
  $('multiples').replaceChildren(b);
  $('heads-note').textContent = '';
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

function draw() {
  const r = run(), box = $('multiples');
  const focused = box.contains(document.activeElement);
  const all = Math.max(...found.map((m) => m.largest), 0);
  const side = state.tower === 'vision' ? 1 : r?.merge;
  box.style.setProperty('--columns', $('order').value === 'layer' ? Math.min(state.model[state.tower].heads, 16) : 8);
  box.replaceChildren(...sorted().map((m) => {
    const canvas = make('canvas', { ariaHidden: 'true' });
    const words = shares() ? `${percent(m.share)} on the picture` : `at most ${shown(m.largest)}`;
    const b = make('button', { type: 'button', tabIndex: -1, title: `layer ${m.layer}, head ${m.head}: ${shown(m.least)} to ${shown(m.largest)}, ${words}` }, canvas,
      make('span', { textContent: `${m.layer}.${m.head}` }), make('small', { textContent: shares() ? percent(m.share) : shown(m.largest) }));
    b.setAttribute('role', 'option');
    b.setAttribute('aria-label', `layer ${m.layer}, head ${m.head}, ${words}`);
    b.onclick = () => set({ layer: m.layer, head: m.head, show: 'attention' });
    b.mine = m;
    requestAnimationFrame(() => paint(canvas, m, r.grid[0] / side, r.grid[1] / side, all));
    return b;
  }));
  roving.reset(box);
  if (focused) box.querySelector('[tabindex="0"]')?.focus();
  mark();
  $('heads-note').textContent = found.length === 0 ? 'Run a picture to see its heads.' : shares()
    ? 'Below each head: the part of its attention that is on the picture.' : 'Below each head: its largest value.';
}

function paint(canvas, m, rows, cols, all) {
  if (!canvas.clientWidth) return;
  const height = canvas.clientWidth * rows / cols;
  canvas.style.height = height + 'px';
  const { context, width } = fit(canvas, height);
  context.imageSmoothingEnabled = false;
  const one = $('each-scale').value === 'one';
  context.drawImage(picture(m.values, rows, cols, one ? 0 : m.least, one ? all : m.largest, state.colors), 0, 0, width, height);
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
  watch(['colors'], draw);
}
