// Changing the model while it runs: a list of interventions, and what the answer becomes beside what it was.

import { calm, complain, post } from './api.js';
import { pin, start, unedited } from './ask.js';
import { scoreRows } from './compare.js';
import { $, make, number, options, run, state, touch, watch } from './state.js';

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
  part('go').disabled = part('clear').disabled = edits.length === 0 || state.model.recorded;
}

function changed() {
  draw();
  touch('edits');
}

function add(e) {
  edits.push(e);
  changed();
}

// rows reads "5, 6, -1"; an empty field is all. What stands between commas must be a whole number: nothing there is no row 0.
function rows() {
  const text = part('rows').value.trim();
  if (text === '') return undefined;
  return text.split(',').map((piece) => {
    if (/^-?\d{1,9}$/.test(piece.trim())) return Number(piece);
    const what = piece.trim() === '' ? 'there is a comma with no number beside it' : `“${piece.trim()}” is none`;
    part('rows').focus();
    throw new Error(`Rows are whole numbers with commas between them, and ${what}; leave the field empty for all rows.`);
  });
}

// operations are what an edit may do, with what each needs.
const operations = { zero: [], mean: [], scale: ['scale'], add: ['value'], set: ['value'] };

// wrong says in a sentence what is wrong with an edit; '' where it is well formed.
function wrong(e) {
  const number = (x) => typeof x === 'number' && Number.isFinite(x);
  if (typeof e !== 'object' || e === null || Array.isArray(e)) return 'is no object with a tap and an op';
  const strange = Object.keys(e).find((key) => !['tap', 'op', 'head', 'rows', 'value', 'scale'].includes(key));
  if (strange !== undefined) return `has “${strange}”, which no edit has: tap, op, head, rows, value and scale are known`;
  if (typeof e.tap !== 'string' || e.tap.trim() === '') return 'names no tap, such as "model.layers.0.mlp.out"';
  if (!Object.hasOwn(operations, e.op)) return `has the op ${JSON.stringify(e.op ?? null)}: ${Object.keys(operations).join(', ')} are known`;
  const missing = operations[e.op].find((key) => e[key] === undefined);
  if (missing) return `needs a “${missing}” for its op ${e.op}`;
  if (e.scale !== undefined && !number(e.scale)) return '’s “scale” is no number';
  if (e.value !== undefined && (typeof e.value !== 'string' || e.value === '')) return '’s “value” is not the name of a direction';
  if (e.head !== undefined && (!Number.isInteger(e.head) || e.head < 0)) return '’s “head” is no whole number from 0';
  if (e.rows !== undefined && !(Array.isArray(e.rows) && e.rows.length > 0 && e.rows.every(Number.isInteger))) return '’s “rows” is no list of whole numbers';
  return '';
}

function addChange() {
  const tap = part('tap').value.trim(), op = part('op').value, of = rows();
  if (!tap) throw new Error('Name a tap to change, such as model.layers.0.mlp.out.');
  add({ tap, op, ...(op === 'scale' && { scale: number(part('factor'), 'The factor') }), ...(of && { rows: of }) });
}

async function addDirection() {
  const tap = part('tap').value.trim();
  if (!tap) throw new Error('Name a tap for the direction, such as model.layers.0.out.');
  const scale = number(part('times'), 'How many times to add it');
  const d = await post('/api/directions', { tap, from: part('from').value, to: part('to').value, rows: part('of').value });
  add({ tap, op: 'add', value: d.name, scale });
}

function useText() {
  let list;
  try {
    list = JSON.parse(part('json').value);
  } catch (error) {
    throw new Error('The text is no JSON: it is a list in [ ], of objects in { } with commas between them, whose names and words stand in " ".');
  }
  if (!Array.isArray(list)) throw new Error('The text is no list of edits; it begins with [ and ends with ].');
  list.forEach((e, i) => { if (wrong(e)) throw new Error(`Edit ${i + 1}${wrong(e).startsWith('’') ? '' : ' '}${wrong(e)}.`); });
  edits = list;
  changed();
}

// go runs the edits on the picture in view, after the picture without them where that has not been run.
async function go() {
  if (!run()?.done) throw new Error('There is no run to edit yet; run a picture first.');
  const before = unedited(run());
  if (before && !state.pinned.includes(before.id)) {
    for (const id of state.pinned) await pin(id, false);
    await pin(before.id, true);
  }
  const edited = await start(edits);
  if (edited) compare(unedited(edited), edited);
}

// held shows which run is kept to compare edits with, until it is let go.
function held() {
  const kept = state.pinned.map((id) => state.runs.get(id)).filter(Boolean);
  part('held').replaceChildren(...kept.map((r) => {
    const free = make('button', { type: 'button', textContent: 'Let it go' });
    free.setAttribute('aria-label', `Let run ${r.number} go`);
    free.onclick = () => pin(r.id, false).catch(complain);
    return make('p', { className: 'note' }, `Edits are compared with run ${r.number}, which is kept. `, free);
  }));
}

// compare shows what an edit made of the score and of the answer.
function compare(before, after) {
  if (!before?.done) {
    part('result').replaceChildren(make('p', { className: 'note', textContent: `The run that run ${after.number} was an edit of is not kept any more: there is nothing to compare it with.` }));
    return;
  }
  const table = make('table', { className: 'numbers' });
  table.append(make('caption', { className: 'hidden-text', textContent: 'Score without and with the edits' }),
    make('thead', {}, make('tr', {}, ...['Target', 'As it was', 'Edited', 'Change'].map((textContent) => make('th', { scope: 'col', textContent })))),
    make('tbody', {}, ...scoreRows(before, after)));
  const same = before.done.logits_sha256 === after.done.logits_sha256;
  const texts = make('div', { className: 'texts' }, answer('As it was', before), answer('Edited', after, before));
  const { head } = state.model;
  const deaf = head.startsWith('visual.') && after.interventions.every((e) => e.tap.startsWith('model.'));
  part('result').replaceChildren(make('h3', { textContent: `Run ${after.number} beside run ${before.number}` }), table, texts,
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
  const list = [...state.runs.values()].filter((r) => r.done).map((r) => [r.id, `${r.number}${r.interventions ? ' (edited)' : ''}`]);
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
      calm();
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
  watch(['runs', 'pinned'], held);
  for (const e of box.querySelectorAll('button, input, select, textarea')) e.disabled ||= state.model.recorded;
  part('recorded').hidden = !state.model.recorded;
}
