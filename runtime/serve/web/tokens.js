// The words: every token of the prompt and of the answer, colored by how much it looked at the chosen cell, or by how much the
// chosen token looked at it.

import { attention, quoted } from './look.js';
import { complain } from './api.js';
import { roving } from './keys.js';
import { $, make, run, set, shown, state, watch } from './state.js';

let asking = null;

let built = { id: '', shown: 0 }; // the run whose tokens stand there, and how many of its answer's

function build() {
  const r = run(), box = $('tokens');
  if (!r) {
    box.replaceChildren();
    built = { id: '', shown: 0 };
    $('text-size').textContent = '';
    return;
  }
  if (built.id !== r.id) {
    box.replaceChildren();
    built = { id: r.id, shown: 0 };
    for (const t of r.tokens) {
      if (t.at === r.picture[0] + r.picture[1]) box.append(make('span', { className: 'picture-tokens', textContent: `▦ ${r.picture[1]} picture tokens` }));
      append(box, t);
    }
    box.append(make('span', { className: 'answer-mark', textContent: 'answer' }));
    roving.reset(box);
  }
  for (; built.shown < r.answer.length; built.shown++) append(box, r.answer[built.shown]);
  $('text-size').textContent = `${r.count} tokens in the prompt, ${r.answer.length} in the answer`;
  paint();
}

function append(box, t) {
  const e = make('span', { tabIndex: -1, className: t.special ? 'token special' : 'token', textContent: t.text.replaceAll('\n', '⏎') });
  e.setAttribute('role', 'option');
  e.dataset.at = t.at;
  box.append(e);
  if (t.text.endsWith('\n')) box.append(make('br'));
}

// weights are a number for each token, or null: of the chosen token's own row, or of the column of the chosen cell.
async function weights(r, signal) {
  const focus = state.lock ?? state.hover; // what is chosen stays, whatever the mouse passes
  if (!r.done || !focus) return null;
  const layer = state.tower === 'decoder' ? state.layer : state.model.decoder.layers - 1;
  const head = state.tower === 'decoder' ? state.head : 'mean';
  const cached = state.lock === null;
  let view = `query=${focus.at}`, note = `How much ${quoted(textAt(r, focus.at))} looked at each token`;
  if (focus.kind === 'cell') {
    const cell = mergedCell(r, focus.at);
    view = `key=${r.picture[0] + cell}`;
    note = `How much each token looked at the chosen part of the picture`;
  }
  const got = await attention(r, { tower: 'decoder', layer, head, view, cached }, signal);
  return got && { row: got.row, note: `${note}, in decoder layer ${layer}, ${head === 'mean' ? 'mean of heads' : 'head ' + head}` };
}

const textAt = (r, at) => [...r.tokens, ...(r.answer ?? [])].find((t) => t.at === at)?.text ?? '';

// mergedCell is the picture token that a cell is, or that a patch of the vision tower becomes a part of.
function mergedCell(r, at) {
  if (!(state.show === 'attention' && state.tower === 'vision') && (state.overlay?.side ?? r.merge) === r.merge) return at;
  const cols = r.grid[1];
  return Math.floor(Math.floor(at / cols) / r.merge) * (cols / r.merge) + Math.floor(at % cols / r.merge);
}

async function paint() {
  asking?.abort();
  const signal = (asking = new AbortController()).signal;
  const r = run();
  if (!r) return;
  let w = null;
  try {
    w = await weights(r, signal);
  } catch (error) {
    complain(error);
  }
  if (signal.aborted || r !== run()) return;
  const buttons = [...$('tokens').querySelectorAll('.token')];
  let largest = 0;
  if (w) for (const b of buttons) largest = Math.max(largest, w.row[b.dataset.at] ?? 0);
  for (const b of buttons) {
    const at = Number(b.dataset.at), v = w?.row[at];
    b.style.setProperty('--weight', w && v > 0 ? 0.85 * v / largest : 0);
    const chosen = state.lock?.kind === 'token' && state.lock.at === at;
    b.setAttribute('aria-selected', chosen);
    b.title = w ? `token ${at}: ${shown(v)}` : `token ${at}`;
    b.setAttribute('aria-label', `${b.textContent.trim() || 'space'}${w ? ', ' + shown(v) : ''}`);
  }
  $('token-note').textContent = w ? `${w.note}; the strongest color is ${shown(largest)}.`
    : 'Choose a token to see where it looked, or a cell of the picture to see which tokens looked there.';
}

export function startTokens() {
  const box = $('tokens');
  roving.over(box, '.token');
  const at = (e) => { const b = e.target.closest('.token'); return b ? Number(b.dataset.at) : null; };
  const choose = (e) => {
    const n = at(e);
    if (n === null) return;
    const same = state.lock?.kind === 'token' && state.lock.at === n;
    if (same) set({ lock: null, hover: null });
    else set({ lock: { kind: 'token', at: n }, hover: null, ...(state.show === 'attention' && state.tower === 'decoder' ? {} : toDecoder()) });
  };
  box.addEventListener('click', choose);
  box.addEventListener('pointerover', (e) => e.pointerType === 'mouse' && state.show === 'attention' && state.tower === 'decoder' && set({ hover: at(e) === null ? null : { kind: 'token', at: at(e) } }));
  box.addEventListener('pointerleave', () => set({ hover: null }));
  box.addEventListener('keydown', (e) => {
    if (e.key === 'Enter' || e.key === ' ') { e.preventDefault(); choose(e); }
    if (e.key === 'Escape') set({ lock: null, hover: null });
  });
  watch(['current', 'runs'], build);
  watch(['lock', 'hover', 'layer', 'head', 'tower', 'show'], paint);
}

// toDecoder shows attention of the decoder, where tokens are.
function toDecoder() {
  const { layers, heads } = state.model.decoder;
  return { show: 'attention', tower: 'decoder', layer: Math.min(state.layer, layers - 1), head: state.head !== 'mean' && state.head >= heads ? 'mean' : state.head };
}
