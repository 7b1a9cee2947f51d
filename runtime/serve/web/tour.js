// The guided tour: one picture's way through the model, a step at a time, with the numbers of the run in view.

import { complain, json } from './api.js';
import { colorOf, drawScale, fit, font, picture, scaleOf } from './color.js';
import { job } from './jobs.js';
import { $, make, run, set, shown, state, watch } from './state.js';

let box, steps = [], at = 0, of = '', asking = null, open = false;

async function load() {
  const r = run();
  if (state.tab !== 'tour') return;
  if (!r?.done) {
    box.replaceChildren(make('p', { className: 'note', textContent: 'Run a picture; the tour then follows it through the model.' }));
    of = '';
    return;
  }
  if (of === r.id) return;
  asking?.abort();
  asking = new AbortController();
  box.setAttribute('aria-busy', 'true');
  try {
    const told = { what: `The tour of run ${r.number}`, seconds: r.done.seconds };
    steps = await job('tour ' + r.id, told, asking.signal, (stop, name) => json(`/api/runs/${r.id}/tour`, stop, name));
    of = r.id;
    at = Math.min(at, steps.length - 1);
    draw();
  } catch (error) {
    complain(error);
  } finally {
    box.removeAttribute('aria-busy');
  }
}

function go(to) {
  at = to;
  draw();
  box.querySelector('[aria-current]').focus();
}

function draw() {
  const s = steps[at];
  const list = make('ol', { className: 'steps' }, ...steps.map((step, i) => {
    const b = make('button', { type: 'button', textContent: `${i + 1} ${step.title}`, onclick: () => go(i) });
    if (i === at) b.setAttribute('aria-current', 'step');
    return make('li', {}, b);
  }));
  const facts = make('table', { className: 'facts' }, make('caption', { className: 'hidden-text', textContent: s.title }),
    make('tbody', {}, ...s.facts.map((f) => make('tr', {}, make('th', { scope: 'row', textContent: f.name }), make('td', { textContent: f.value })))));
  const next = make('div', { className: 'controls' },
    make('button', { type: 'button', textContent: 'Back', disabled: at === 0, onclick: () => go(at - 1) }),
    make('button', { type: 'button', className: 'primary', textContent: 'Next', disabled: at === steps.length - 1, onclick: () => go(at + 1) }));
  if (s.look) next.append(make('button', { type: 'button', textContent: 'See it on the picture', onclick: () => look(s.look) }));
  const words = make('p', { className: 'note' });
  if (s.taps) words.append('All its numbers: ', make('code', { textContent: `loupe trace --tap '${s.taps}' --out step.npz` }), '. ');
  if (s.source) words.append('The code: ', make('code', { textContent: s.source }), '.');
  const h3 = make('h3', { textContent: `${at + 1} of ${steps.length}: ${s.title}` });
  box.replaceChildren(list, h3, make('p', { textContent: s.text }), lesson(s), facts);
  if (s.figure) box.append(figure(s.figure));
  box.append(words, next);
}

// lesson is why a step is there, its formula, what it computes and who wrote it down first.
function lesson({ why, formula, tensors, papers }) {
  const rows = (tensors ?? []).map((t) => make('li', {}, make('code', { textContent: t.name }), ` (${t.shape.join(', ')}), ${t.row}: ${t.numbers.map(shown).join(', ')} …`));
  const links = (papers ?? []).map((p) => make('li', {}, make('a', { href: p.url, textContent: p.title, rel: 'noreferrer', target: '_blank' })));
  return make('details', { open, ontoggle: (e) => { open = e.target.open; } }, make('summary', { textContent: 'Why, the formula, the tensors' }), make('p', { textContent: why }),
    make('pre', { textContent: formula, tabIndex: 0 }), make('ul', {}, ...rows, ...links));
}

function look({ tower, layer, head, cell }) {
  set({ show: 'attention', tower, layer, head: head < 0 ? 'mean' : head, way: 'query', lock: cell < 0 ? null : { kind: 'cell', at: cell }, hover: null });
  $('seen').scrollIntoView({ block: 'nearest' });
}

// figure draws a step's numbers.
function figure(f) {
  const canvas = make('canvas', {});
  canvas.setAttribute('role', 'img');
  canvas.setAttribute('aria-label', f.caption);
  const all = make('figure', {}, canvas);
  const scale = f.kind === 'grid' ? make('canvas', { className: 'scale' }) : null;
  if (scale) all.append(scale);
  all.append(make('figcaption', { textContent: f.caption }));
  requestAnimationFrame(() => {
    if (!canvas.clientWidth) return;
    if (f.kind === 'bars') return bars(canvas, f);
    const { context, width, height } = fit(canvas, canvas.clientWidth * f.rows / f.cols);
    canvas.style.height = height + 'px';
    context.imageSmoothingEnabled = false;
    const scaled = scaleOf(f.values);
    context.drawImage(f.kind === 'rgb' ? pixels(f) : picture(f.values, f.rows, f.cols, scaled, state.colors), 0, 0, width, height);
    if (scale) drawScale(scale, { ...scaled, unit: '' }, state.colors);
  });
  return all;
}

function pixels({ rows, cols, values }) {
  const canvas = new OffscreenCanvas(cols, rows), context = canvas.getContext('2d'), image = context.createImageData(cols, rows);
  for (let i = 0; i < rows * cols; i++) image.data.set([values[3 * i], values[3 * i + 1], values[3 * i + 2], 255], 4 * i);
  context.putImageData(image, 0, 0);
  return canvas;
}

function bars(canvas, { labels, values }) {
  const line = 20, { context, width } = fit(canvas, line * values.length);
  canvas.style.height = line * values.length + 'px';
  const largest = Math.max(...values, 1e-9), color = getComputedStyle(canvas).color;
  context.font = font(12);
  context.textBaseline = 'middle';
  const left = Math.min(width / 3, Math.max(...labels.map((l) => context.measureText(l).width)) + 8), room = width - left - 52;
  values.forEach((v, i) => {
    const y = i * line + line / 2;
    context.fillStyle = color;
    context.fillText(labels[i], 0, y, left - 6);
    context.fillStyle = `rgb(${colorOf(state.colors, v, 0, 1.25 * largest)})`;
    context.fillRect(left, y - 6, Math.max(1, room * v / largest), 12);
    context.fillStyle = color;
    context.fillText(shown(v), left + Math.max(1, room * v / largest) + 6, y);
  });
}

export function startTour() {
  box = $('tour');
  watch(['runs', 'current', 'tab'], load);
  watch(['colors', 'theme'], () => of && state.tab === 'tour' && draw());
}
