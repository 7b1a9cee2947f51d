// Changing the model while it runs: a list of interventions, and what the answer becomes beside what it was.

import { complain, post } from './api.js';
import { start, unedited } from './ask.js';
import { scoreRows } from './compare.js';
import { $, make, options, run, state, touch, watch } from './state.js';

let box, edits = [];
const part = (id) => box.querySelector(`[data-id="${id}"]`);

// headTap is where a head's result passes.
const headTap = (tower, layer) => (tower === 'vision' ? `visual.blocks.${layer}.attn.heads` : `model.layers.${layer}.self_attn.heads`);

function words(e) {
  const where = e.tap + (e.head === undefined ? '' : `, head ${e.head}`) + (e.rows ? `, rows ${e.rows.join(', ')}` : '');
  const what = { zero: 'zero', mean: 'mean of its rows', scale: `times ${e.scale}`, add: `plus ${e.scale ?? 1} × ${e.value}`, set: `set to ${e.value}` }[e.op];
  return `${where}: ${what}`;
}

function draw() {
  part('list').replaceChildren(...edits.map((e, i) => {
    const remove = make('button', { type: 'button', textContent: 'Remove' });
    remove.setAttribute('aria-label', 'Remove ' + words(e));
    remove.onclick = () => { edits.splice(i, 1); changed(); (part('list').querySelector('button') ?? part('ablate')).focus(); };
    return make('li', {}, make('span', { textContent: words(e) }), remove);
  }));
  part('json').value = JSON.stringify(edits, null, 2);
  part('go').disabled = part('clear').disabled = edits.length === 0;
}

function changed() {
  draw();
  touch('edits');
}

function add(e) {
  edits.push(e);
  changed();
}

// rows reads "5, 6, -1"; nothing is all.
function rows() {
  const text = part('rows').value.trim();
  if (text === '') return undefined;
  const list = text.split(/[\s,]+/).map(Number);
  if (!list.every(Number.isInteger)) throw new Error('Rows are whole numbers with commas between them; nothing stands for all.');
  return list;
}

function addChange() {
  const tap = part('tap').value.trim(), op = part('op').value;
  if (!tap) throw new Error('Name a tap to change, such as model.layers.0.mlp.out.');
  add({ tap, op, ...(op === 'scale' && { scale: Number(part('factor').value) }), ...(rows() && { rows: rows() }) });
}

async function addDirection() {
  const tap = part('tap').value.trim();
  if (!tap) throw new Error('Name a tap for the direction, such as model.layers.0.out.');
  const d = await post('/api/directions', { tap, from: Number(part('from').value), to: Number(part('to').value), rows: part('of').value });
  add({ tap, op: 'add', value: d.name, scale: Number(part('times').value) });
}

function useText() {
  let list;
  try {
    list = JSON.parse(part('json').value);
  } catch (error) {
    throw new Error('The text is no JSON: ' + error.message);
  }
  if (!Array.isArray(list)) throw new Error('The text is no list of interventions; it begins with [ and ends with ].');
  edits = list;
  changed();
}

// go runs the edits on the picture in view, after the picture without them where that has not been run.
async function go() {
  if (!run()?.done) throw new Error('There is no run to edit yet; run a picture first.');
  const edited = await start(edits);
  if (edited) compare(unedited(edited), edited);
}

// compare shows what an edit made of the score and of the answer.
function compare(before, after) {
  if (!before?.done) return;
  const table = make('table', { className: 'numbers' });
  table.append(make('caption', { className: 'hidden-text', textContent: 'Score without and with the edits' }),
    make('thead', {}, make('tr', {}, ...['Target', 'As it was', 'Edited', 'Change'].map((textContent) => make('th', { scope: 'col', textContent })))),
    make('tbody', {}, ...scoreRows(before, after)));
  const same = before.done.logits_sha256 === after.done.logits_sha256;
  const texts = make('div', { className: 'texts' }, answer('As it was', before), answer('Edited', after, before));
  const { head } = state.model;
  const deaf = head.startsWith('visual.') && after.interventions.every((e) => e.tap.startsWith('model.'));
  part('result').replaceChildren(make('h3', { textContent: `Run ${after.id} beside run ${before.id}` }), table, texts,
    make('p', { className: 'note', textContent: same ? 'Every logit of the answer is the same, to the bit.' : 'The logits of the answer are different.' }));
  if (deaf) part('result').append(make('p', { className: 'note', textContent: `The score is read from ${head}, before the language model begins: no edit there can move it.` }));
}

// answer is a run's text, in which what differs from another's is marked from the first token that does.
function answer(title, r, other) {
  const n = other ? r.answer.findIndex((t, i) => t.id !== other.answer[i]?.id) : -1;
  const text = (list) => list.map((t) => t.text).join('');
  const p = make('p', {}, text(n < 0 ? r.answer : r.answer.slice(0, n)));
  if (n >= 0) p.append(make('mark', { textContent: text(r.answer.slice(n)) }));
  return make('div', {}, make('h3', { textContent: title }), p);
}

// taps are suggestions: what each layer adds to the stream, and the stream itself.
function suggest() {
  const list = [];
  const { vision, decoder } = state.model;
  for (let n = 0; n < vision.layers; n++) for (const t of ['attn.heads', 'attn.out', 'mlp.out', 'out']) list.push(`visual.blocks.${n}.${t}`);
  list.push('visual.merger', 'model.embed_tokens');
  for (let n = 0; n < decoder.layers; n++) for (const t of ['self_attn.heads', 'self_attn.out', 'mlp.out', 'out']) list.push(`model.layers.${n}.${t}`);
  $('taps').replaceChildren(...list.map((value) => make('option', { value })));
  part('tap').value = `model.layers.${decoder.layers - 2 < 0 ? 0 : decoder.layers - 2}.out`;
}

function inView() {
  const { tower, layer, head, show } = state;
  part('ablate-what').textContent = show !== 'attention' ? 'Attention is not in view; its last choice is' : '';
  part('ablate-what').textContent += ` ${tower} layer ${layer}, ${head === 'mean' ? 'all heads' : 'head ' + head}`;
}

function choices() {
  const list = [...state.runs.values()].filter((r) => r.done).map((r) => [r.id, `${r.id}${r.interventions ? ' (edited)' : ''}`]);
  options(part('from'), list);
  options(part('to'), list);
  const r = run();
  if (r?.done && r.interventions) compare(unedited(r), r);
  else part('result').replaceChildren();
}

export function startEdit() {
  box = $('edit');
  box.append($('edit-template').content.cloneNode(true));
  const on = (id, f) => part(id).addEventListener('click', async () => {
    try {
      await f();
    } catch (error) {
      complain(error);
    }
  });
  on('ablate', () => {
    const { tower, layer, head } = state;
    add({ tap: headTap(tower, layer), op: 'zero', ...(head !== 'mean' && { head }) });
  });
  on('add', addChange);
  on('direction', addDirection);
  on('use', useText);
  on('go', go);
  on('clear', () => { edits = []; changed(); part('ablate').focus(); });
  part('op').addEventListener('input', () => { part('factor-label').hidden = part('op').value !== 'scale'; });
  suggest();
  draw();
  watch(['tower', 'layer', 'head', 'show'], inView);
  watch(['runs', 'current'], choices);
}
