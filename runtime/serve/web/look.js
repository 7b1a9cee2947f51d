// Maps over the picture: what a choice of tower, layer, head and token, or of a method, has to show.

import { complain, json, tensors } from './api.js';
import { drawScale, scaleOf } from './color.js';
import { job } from './jobs.js';
import { $, options, percent, run, set, shown, state, touch, watch } from './state.js';
import { place, View } from './view.js';

// images are the pictures of runs as the model saw them.
const images = new Map();

export async function imageOf(r) {
  if (!images.has(r.id)) {
    const image = new Image();
    image.src = `/api/runs/${r.id}/seen.png`;
    images.set(r.id, image.decode().then(() => image));
  }
  return images.get(r.id);
}

// viewOf is what an attention request asks for: the chosen token or cell, or where there is none the token before the answer,
// and in the vision tower the mean over all patches.
export function viewOf(r, tower, focus, way) {
  if (tower === 'vision') return focus?.kind === 'cell' ? `${way}=${focus.at}` : 'query=mean';
  if (focus?.kind === 'cell') return `key=${r.picture[0] + focus.at}`;
  return `query=${focus?.kind === 'token' ? focus.at : r.count - 1}`;
}

// headOf is the row of one head, or the mean of all.
function headOf({ shape: [heads, n], data }, head) {
  if (head !== 'mean') return data.subarray(Number(head) * n, (Number(head) + 1) * n);
  const out = new Float32Array(n);
  for (let h = 0; h < heads; h++) for (let i = 0; i < n; i++) out[i] += data[h * n + i] / heads;
  return out;
}

// attention is an overlay of where one row looked, or of who looked at it; row holds a number for each row of the tower. It is
// null where the answer is not at hand and cached is set.
export async function attention(r, { tower, layer, head, view, cached }, signal) {
  const told = cached ? undefined : { what: `Attention of ${tower} layer ${layer} of run ${r.number}`, seconds: r.done?.seconds };
  const got = await tensors(`/api/runs/${r.id}/attention?tower=${tower}&layer=${layer}&${view}${cached ? '&cached=1' : ''}`, signal, told);
  if (!got) return null;
  const row = headOf(got.attention, head);
  const side = tower === 'vision' ? 1 : r.merge;
  const values = tower === 'vision' ? row : row.subarray(r.picture[0], r.picture[0] + r.picture[1]);
  return { rows: r.grid[0] / side, cols: r.grid[1] / side, side, values, row, tower, view, unit: 'share of attention', ...scaleOf(values) };
}

// mapOf is an overlay of one of the attribution's methods.
export async function mapOf(r, { method, target, layer, query }, signal) {
  let map = method === 'contribution' && r.maps?.find((m) => m.target === target);
  if (!map) {
    const q = new URLSearchParams({ method });
    if (explains(method)) q.set('target', target);
    if (method === 'raw' || method === 'relative') q.set('layer', layer);
    if (query !== undefined && query > 0 && query < r.count) q.set('query', query);
    const key = `${r.id}?${q}`;
    r.fetched ??= new Map();
    if (!r.fetched.has(key)) {
      const told = { what: `${method} of run ${r.number}`, seconds: r.done?.seconds };
      r.fetched.set(key, await job(key, told, signal, (stop, name) => json(`/api/runs/${r.id}/map?${q}`, stop, name)));
    }
    map = r.fetched.get(key);
  }
  const panel = map.panels[0];
  return { rows: panel.rows, cols: panel.cols, side: map.merge, values: panel.values, unit: map.unit, map, ...scaleOf(panel.values, methodOf(method).signed) };
}

const methodOf = (name) => state.model.methods.find((m) => m.name === name);
const explains = (name) => methodOf(name)?.explains;

// targets are what a method can explain.
export const targets = () => [...state.model.targets.map((t) => [`score:${t}`, t]), ['logit', 'the likeliest next word']];

export let view;
let asking = null;

// stopped is the work that the user stopped: it begins again only when it is asked for.
let stopped = null;

// wanted names what is to lie over the picture.
const wanted = () => JSON.stringify([state.current, state.show, state.target, state.tower, state.layer, state.head, state.way, state.lock]);

// refresh computes what is to lie over the picture. While the mouse only passes by, the model does not run for it; and once
// something is chosen, it stays whatever the mouse passes.
async function refresh() {
  const r = run(), key = wanted();
  if (stopped === key) return;
  stopped = null;
  $('again').hidden = true;
  asking?.abort();
  const signal = (asking = new AbortController()).signal;
  if (!r?.done || state.show === 'none') return set({ overlay: null });
  const passing = state.hover && !state.lock;
  try {
    let overlay;
    if (state.show === 'attention') {
      const { tower, layer, head, way } = state;
      const ask = (f, cached) => attention(r, { tower, layer, head, view: viewOf(r, tower, f, way), cached }, signal);
      if (!passing) wait();
      overlay = (passing && await ask(state.hover, true)) || await ask(state.lock, false);
    } else {
      wait();
      const query = state.lock?.kind === 'token' ? state.lock.at : undefined;
      overlay = await mapOf(r, { method: state.show, target: state.target, layer: state.layer, query }, signal);
    }
    if (!signal.aborted) set({ overlay });
  } catch (error) {
    complain(error);
    if (signal.aborted) return;
    set({ overlay: null });
    if (error.name === 'AbortError') {
      stopped = key;
      $('again').hidden = false;
    }
  } finally {
    if (!signal.aborted) waited();
  }
}

// side is how many patches a cell that can be chosen has along its sides.
export const side = () => (state.show === 'attention' && state.tower === 'vision' ? 1 : state.overlay?.side ?? run()?.merge ?? 1);

// wait shows that something is computed; if it takes long, it is told of as a job.
function wait() {
  $('seen').setAttribute('aria-busy', 'true');
}

function waited() {
  $('seen').removeAttribute('aria-busy');
}

async function draw() {
  const r = run();
  if (!r) {
    view.clear();
    drawScale($('scale'), null);
    $('caption').textContent = '';
    $('readout').textContent = '\u00a0';
    $('share').hidden = true;
    return;
  }
  const image = await imageOf(r).catch(() => null);
  if (!image || r !== run()) return;
  const { overlay, colors, alpha, smooth, lines, lock } = state;
  view.show({ image, grid: r.grid, merge: r.merge, side: side(), overlay, colors, alpha, smooth, lines, chosen: lock?.kind === 'cell' ? lock.at : null });
  drawScale($('scale'), overlay, colors);
  $('caption').textContent = caption(r);
  readout(r);
  shares(r);
}

const tokenText = (r, at) => [...r.tokens, ...(r.answer ?? [])].find((t) => t.at === at)?.text ?? `picture token ${at - r.picture[0]}`;
export const quoted = (text) => `“${text.replaceAll('\n', '⏎')}”`;

// caption says in words what lies over the picture.
export function caption(r) {
  const o = state.overlay;
  if (!o) return '';
  if (o.map) {
    const { map } = o;
    const sum = map.sum && map.method === 'contribution' ? ` Together with ${shown(map.sum.base)} that no patch adds, they are ${map.sum.total.toFixed(3)}.` : '';
    const { help } = methodOf(map.method);
    return `${map.method}${map.target ? ` of ${map.target.replace('score:', '')}` : ''}: ${help}.${sum}`;
  }
  const at = o.view.startsWith('query=') && o.tower === 'decoder' ? Number(o.view.slice(6)) : Infinity;
  return `${attentionWords(r, o)}.${at < r.picture[0] ? ' It comes before the picture and cannot see it.' : ''}`;
}

export function attentionWords(r, o) {
  return `${o.tower} layer ${state.layer}, ${state.head === 'mean' ? 'mean of heads' : 'head ' + state.head}: ${lookWords(r, o)}`;
}

// lookWords says whose look a view is.
export function lookWords(r, { tower, view }) {
  const [kind, at] = view.split('=');
  if (at === 'mean') return 'where all patches looked, on average';
  const what = tower === 'vision' ? `the patch in ${place(Number(at), r.grid[1])}` : Number(at) >= r.picture[0] && Number(at) < r.picture[0] + r.picture[1]
    ? `the picture token in ${place(Number(at) - r.picture[0], r.grid[1] / r.merge)}` : `${Number(at) === r.count - 1 ? 'the last token of the prompt, ' : ''}${quoted(tokenText(r, Number(at)))}`;
  return kind === 'query' ? `where ${what}${what.startsWith('the last') ? ',' : ''} looked` : `who looked at ${what}`;
}

function readout(r) {
  const cell = view.cursor ?? (state.lock?.kind === 'cell' ? state.lock.at : null);
  const o = state.overlay;
  if (cell === null) {
    $('readout').textContent = '\u00a0';
    return;
  }
  const cols = r.grid[1] / side();
  const value = o && o.side === side() ? `: ${shown(o.values[cell])}` : '';
  $('readout').textContent = place(cell, cols) + value + (side() > 1 ? `, token ${r.picture[0] + cell}` : '');
}

// shares tells what part of a row of attention goes to the picture and what to the text.
function shares(r) {
  const o = state.overlay;
  const row = o?.tower === 'decoder' && o.view.startsWith('query') ? o.row : null;
  $('share').hidden = !row;
  if (!row) return;
  let picture = 0, all = 0;
  row.forEach((v, i) => { all += v; if (i >= r.picture[0] && i < r.picture[0] + r.picture[1]) picture += v; });
  $('share-picture').style.width = 100 * picture + '%';
  $('share-text').style.width = 100 * (all - picture) + '%';
  const words = `${percent(picture)} of this attention is on the picture, ${percent(all - picture)} on text; ${percent(row[0])} on the very first token.`;
  $('share-words').textContent = words;
  $('share-bar').setAttribute('aria-label', words);
}

export const heads = (tower) => [['mean', 'mean of all'], ...Array.from({ length: state.model[tower].heads }, (_, h) => [h, `head ${h}`])];

function controls() {
  const { model } = state;
  $('layer').max = model[state.tower].layers - 1;
  $('layer').value = state.layer;
  $('layer-out').textContent = state.layer;
  options($('head'), heads(state.tower));
  for (const id of ['tower', 'head', 'way', 'show', 'target', 'colors', 'alpha']) $(id).value = String(state[id]);
  for (const id of ['smooth', 'lines']) $(id).checked = state[id];
  $('attention-controls').hidden = state.show !== 'attention';
  $('way-label').hidden = state.tower !== 'vision';
  $('target-label').hidden = !explains(state.show);
}

// chooseTower goes to a tower and keeps layer and head where it has them.
export function chooseTower(tower) {
  const { layers, heads: n } = state.model[tower];
  set({ tower, show: 'attention', layer: Math.min(state.layer, layers - 1), head: state.head !== 'mean' && state.head >= n ? 'mean' : state.head, lock: null, hover: null });
}

export function startLook() {
  const { model } = state;
  options($('show'), [['attention', 'attention'], ...model.methods.filter((m) => m.name !== 'raw').map((m) => [m.name, m.name]), ['none', 'nothing']]);
  options($('target'), targets());
  set({ target: targets()[0][0], show: model.targets.length ? 'contribution' : 'attention', layer: model.decoder.layers - 1 });
  view = new View($('seen'), {
    hover: (at) => { set({ hover: at === null ? null : { kind: 'cell', at } }); if (run()) readout(run()); },
    lock: (at) => set({ lock: at === null || (state.lock?.kind === 'cell' && state.lock.at === at) ? null : { kind: 'cell', at }, ...(state.show === 'none' && { show: 'attention' }) }),
  });
  const pick = (id, f) => $(id).addEventListener('input', () => f($(id)));
  pick('show', (e) => set({ show: e.value, lock: null }));
  pick('target', (e) => set({ target: e.value }));
  pick('tower', (e) => chooseTower(e.value));
  pick('layer', (e) => set({ layer: Number(e.value) }));
  pick('head', (e) => set({ head: e.value === 'mean' ? 'mean' : Number(e.value) }));
  pick('way', (e) => set({ way: e.value }));
  pick('colors', (e) => set({ colors: e.value }));
  pick('alpha', (e) => set({ alpha: Number(e.value) }));
  pick('smooth', (e) => set({ smooth: e.checked }));
  pick('lines', (e) => set({ lines: e.checked }));
  $('again').addEventListener('click', () => { stopped = null; refresh(); });
  watch(['show', 'tower', 'layer', 'head', 'way', 'target', 'colors', 'alpha', 'smooth', 'lines', 'current'], controls);
  watch(['current', 'runs', 'show', 'tower', 'layer', 'head', 'way', 'target', 'lock', 'hover'], (changed) => {
    // A cell that the mouse passes shows its own attention only where attention is shown.
    if (changed.size === 1 && changed.has('hover') && (state.show !== 'attention' || state.lock)) return;
    refresh();
  });
  watch(['current', 'overlay', 'colors', 'alpha', 'smooth', 'lines', 'lock', 'runs', 'theme'], draw);
  window.addEventListener('resize', () => touch('overlay'));
}
