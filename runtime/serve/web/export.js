// What is on the screen, as files.

import { complain } from './api.js';
import { paintScale, picture } from './color.js';
import { multiples, shares } from './heads.js';
import { caption, side, view } from './look.js';
import { $, percent, run, shown, state, watch } from './state.js';

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
  context.font = '13px system-ui, sans-serif';
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

async function savePicture() {
  const r = need(), o = state.overlay;
  const width = 640, height = width * r.grid[0] / r.grid[1];
  const probe = page(1, 1).context;
  const words = lines(probe, `${caption(r)} ${r.score ? `Score ${r.score.score.toFixed(1)}.` : ''}`, width);
  const { canvas, context } = page(width + 20, height + 20 + (o ? 44 : 8) + 18 * words.length);
  context.translate(10, 10);
  context.save();
  view.paint(context, width, height);
  context.restore();
  if (o) paintScale(context, 0, height + 10, width, o, state.colors, '#000');
  context.font = '13px system-ui, sans-serif';
  words.forEach((line, i) => context.fillText(line, 0, height + (o ? 48 : 12) + 18 * i));
  save(await blobOf(canvas), `loupe-run${r.id}-${state.show}.png`);
}

async function saveHeads() {
  const r = need(), all = await multiples();
  if (!all.length) return;
  const s = state.tower === 'vision' ? 1 : r.merge, rows = r.grid[0] / s, cols = r.grid[1] / s;
  const across = state.model[state.tower].heads, w = Math.max(60, Math.min(160, 1200 / across)), h = w * rows / cols + 18;
  const { canvas, context } = page(across * (w + 8) + 12, Math.ceil(all.length / across) * (h + 8) + 12);
  context.font = '10px system-ui, sans-serif';
  context.imageSmoothingEnabled = false;
  for (const m of all) {
    const x = 10 + m.head * (w + 8), y = 10 + m.layer * (h + 8);
    context.drawImage(picture(m.values, rows, cols, m.least, m.largest, state.colors), x, y, w, h - 18);
    context.fillText(`${m.layer}.${m.head}  ${shown(m.least)} to ${shown(m.largest)}${shares() ? '  ' + percent(m.share) : ''}`, x, y + h - 15);
  }
  save(await blobOf(canvas), `loupe-run${r.id}-${state.tower}-heads.png`);
}

function saveNumbers() {
  const r = need(), o = state.overlay;
  const { show, target, tower, layer, head, lock, colors } = state;
  const out = {
    model: state.model.name, which: r.model, run: r.id, question: r.question, original: r.original, seen: r.seen, grid: r.grid, merge: r.merge,
    score: r.score, answer: r.done.text, logits_sha256: r.done.logits_sha256, interventions: r.interventions,
    prompt: r.tokens, picture_tokens: r.picture, tokens: r.answer,
    on_screen: { show, target, tower, layer, head, chosen: lock, colors, caption: caption(r) },
    map: o && { rows: o.rows, cols: o.cols, patches_per_side: side(), unit: o.unit, least: o.least, largest: o.largest, values: [...o.values] },
    attention: o?.row ? [...o.row] : undefined,
  };
  save(new Blob([JSON.stringify(out, null, 1)], { type: 'application/json' }), `loupe-run${r.id}.json`);
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
