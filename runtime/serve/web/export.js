// What is on the screen, as files.

import { complain } from './api.js';
import { font, paintScale, picture } from './color.js';
import { multiples, shares } from './heads.js';
import { caption, lookWords, quoted, side, view, viewOf } from './look.js';
import { $, run, scored, scoreWords, state, watch } from './state.js';

let box;
const part = (id) => box.querySelector(`[data-id="${id}"]`);

function save(blob, name) {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  part('said').textContent = `Saved ${name}.`;
}

const blobOf = (canvas) => new Promise((done) => canvas.toBlob(done, 'image/png'));

const need = () => {
  const r = run();
  if (!r?.done) throw new Error('There is nothing to save yet; run a picture first.');
  return r;
};

// page is a canvas with a white ground, twice as fine as the screen.
function page(width, height) {
  const canvas = document.createElement('canvas');
  canvas.width = 2 * width;
  canvas.height = 2 * height;
  const context = canvas.getContext('2d');
  context.scale(2, 2);
  context.fillStyle = '#fff';
  context.fillRect(0, 0, width, height);
  context.fillStyle = '#000';
  context.font = font(13);
  context.textBaseline = 'top';
  return { canvas, context };
}

// lines breaks a text where it grows wider than width.
function lines(context, text, width) {
  const out = [''];
  for (const word of text.split(' ')) {
    const longer = (out.at(-1) + ' ' + word).trim();
    if (context.measureText(longer).width > width) out.push(word);
    else out[out.length - 1] = longer;
  }
  return out;
}

// about says what a picture is of: the model, the question, the score.
const about = (r) => `${state.model.name}${r.model === 'base' ? ' (base)' : ''}, ${state.model.precision}, run ${r.number}${r.interventions ? ' with edits' : ''}: ${quoted(r.question)}${r.score ? ` ${scored(r).name === 'score' ? 'Score ' : ''}${scoreWords(r)}.` : ''}`;

async function savePicture() {
  const r = need(), o = state.overlay;
  const width = 640, height = width * r.grid[0] / r.grid[1];
  const probe = page(1, 1).context;
  const words = [...lines(probe, about(r), width), ...lines(probe, caption(r), width)];
  const { canvas, context } = page(width + 20, height + 20 + (o ? 62 : 8) + 18 * words.length);
  context.translate(10, 10);
  context.save();
  view.paint(context, width, height);
  context.restore();
  if (o) paintScale(context, 0, height + 10, width, o, state.colors, '#000');
  context.font = font(13);
  words.forEach((line, i) => context.fillText(line, 0, height + (o ? 66 : 12) + 18 * i));
  save(await blobOf(canvas), `loupe-run${r.number}-${state.show}.png`);
}

// saveHeads is the overview as a picture: a row a layer, a column a head.
async function saveHeads() {
  const r = need(), all = await multiples();
  if (!all.length) return;
  const s = state.tower === 'vision' ? 1 : r.merge, rows = r.grid[0] / s, cols = r.grid[1] / s;
  const { heads: across, layers } = state.model[state.tower], left = 44, gap = 3, bar = shares() ? 4 : 0;
  const w = Math.max(24, Math.min(160, 1180 / across)), h = w * rows / cols + bar;
  const width = left + across * (w + gap) + 10, probe = page(1, 1).context;
  const focus = viewOf(r, state.tower, state.lock, state.way);
  const words = [...lines(probe, `All heads of the ${state.tower} tower, ${lookWords(r, { tower: state.tower, view: focus })}; each from its own least number to its largest${bar ? '; the line below each: the part of its attention that is on the picture' : ''}.`, width - 20),
    ...lines(probe, about(r), width - 20)];
  const top = 18 * words.length + 34;
  const { canvas, context } = page(width, top + layers * (h + gap) + 8);
  words.forEach((line, i) => context.fillText(line, 10, 8 + 18 * i));
  context.font = font(11);
  context.fillText('layer', 10, top - 16);
  for (let head = 0; head < across; head++) if (w > 18 || head % 2 === 0) centered(context, head, left + head * (w + gap) + w / 2, top - 16);
  for (let layer = 0; layer < layers; layer++) centered(context, layer, 24, top + layer * (h + gap) + h / 2 - 6);
  context.imageSmoothingEnabled = false;
  for (const m of all) {
    const x = left + m.head * (w + gap), y = top + m.layer * (h + gap);
    context.drawImage(picture(m.values, rows, cols, m, state.colors), x, y, w, h - bar);
    if (!bar) continue;
    context.fillStyle = '#ddd';
    context.fillRect(x, y + h - 3, w, 2);
    context.fillStyle = '#000';
    context.fillRect(x, y + h - 3, w * m.share, 2);
  }
  save(await blobOf(canvas), `loupe-run${r.number}-${state.tower}-heads.png`);
}

function centered(context, text, x, y) {
  context.textAlign = 'center';
  context.fillText(text, x, y);
  context.textAlign = 'left';
}

function saveNumbers() {
  const r = need(), o = state.overlay;
  const { show, target, tower, layer, head, lock, colors } = state;
  const out = {
    model: state.model.name, which: r.model, run: r.number, question: r.question, original: r.original, seen: r.seen, grid: r.grid, merge: r.merge,
    score: r.score, answer: r.done.text, logits_sha256: r.done.logits_sha256, interventions: r.interventions,
    prompt: r.tokens, picture_tokens: r.picture, tokens: r.answer,
    on_screen: { show, target, tower, layer, head, chosen: lock, colors, caption: caption(r) },
    map: o && { rows: o.rows, cols: o.cols, patches_per_side: side(), unit: o.unit, least: o.least, largest: o.largest, values: [...o.values] },
    attention: o?.row ? [...o.row] : undefined,
  };
  save(new Blob([JSON.stringify(out, null, 1)], { type: 'application/json' }), `loupe-run${r.number}.json`);
}

// link makes a link to a file of the run, or nothing where there is none.
function link(id, path, there) {
  const a = part(id);
  if (there) a.href = path;
  else a.removeAttribute('href');
  a.setAttribute('aria-disabled', !there);
}

export function startExport() {
  box = $('export');
  box.append($('export-template').content.cloneNode(true));
  for (const [id, f] of [['png', savePicture], ['grid', saveHeads], ['json', saveNumbers]]) {
    part(id).addEventListener('click', async () => {
      try {
        await f();
      } catch (error) {
        complain(error);
      }
    });
  }
  watch(['runs', 'current'], () => {
    const r = run();
    const edits = r?.done ? r.interventions ?? [] : [];
    link('interventions', `/api/runs/${r?.id}/interventions.json`, edits.length > 0);
    link('values', `/api/runs/${r?.id}/values.safetensors`, edits.some((e) => e.value));
  });
}
