// Runs: choosing a picture, sending it, and taking what comes, as it comes.

import { calm, complain, json, lines } from './api.js';
import { roving } from './keys.js';
import { $, make, run, set, shown, state, touch, watch } from './state.js';

let file = null; // the chosen picture; null for that of the run in view
let running = null;

function choose(blob, name) {
  file = blob;
  $('file-name').textContent = name;
  calm();
  start();
}

// asked is what the form says.
function asked(now) {
  return {
    model: $('which-model')?.value ?? 'model', system: $('system').value, question: $('question').value,
    max_tokens: Number($('max-tokens').value), temperature: Number($('temperature').value), seed: Number($('seed').value),
    picture: file ? 0 : now.id,
  };
}

// again is a run as it was but for edits: where it had some itself, the run before it without any.
function again(now, edits) {
  return { ...now.ask, picture: (unedited(now) ?? now).id, interventions: edits };
}

// unedited is the run that an edited one began as.
export const unedited = (r) => (r.interventions ? state.runs.get(r.ask.picture) : r);

// adopt is a run as the page has it.
const adopt = (r) => ({ ...r, answer: r.answer ?? [], score: r.done?.score, model: r.ask.model, question: r.ask.question, interventions: r.ask.interventions });

// start runs the model on the chosen picture, with edits or without, and returns the run when it has ended; null where it failed.
export async function start(edits = null) {
  calm();
  const now = run();
  if (!file && !now) {
    complain(new Error('There is no picture yet: choose one, or drop one on the page.'));
    return null;
  }
  running?.abort();
  const mine = (running = new AbortController());
  const form = new FormData();
  form.append('ask', JSON.stringify(edits ? again(now, edits) : asked(now)));
  if (file && !edits) form.append('picture', file);
  busy(true);
  $('status').textContent = 'Waiting for the model …';
  let r = null;
  try {
    await lines('/api/runs', form, mine.signal, (event) => { r = take(event, r); });
    if (!r?.done) throw new Error('The run ended before its answer did.');
    if (!edits) file = null; // the program has it
    return r;
  } catch (error) {
    if (r) { state.runs.delete(r.id); set({ current: [...state.runs.keys()].pop() ?? 0 }); touch('runs'); }
    complain(error);
    $('status').textContent = error.name === 'AbortError' ? 'Stopped.' : '';
    return null;
  } finally {
    if (running === mine) busy(false);
  }
}

// take is what one line of a run changes.
function take(event, r) {
  switch (event.event) {
    case 'prepared':
      r = adopt(event.run);
      state.runs.set(r.id, r);
      while (state.runs.size > state.model.most_runs) state.runs.delete(state.runs.keys().next().value);
      set({ current: r.id, lock: null, hover: null, overlay: null });
      break;
    case 'progress': {
      const { at, done, of } = event.progress;
      $('progress').value = done / of;
      $('status').textContent = `Reading: ${at.replace('.out', '')} (${done} of ${of} layers)`;
      return r;
    }
    case 'score': r.score = event.score; break;
    case 'contributions': r.maps = event.maps; break;
    case 'token':
      r.answer.push(event.token);
      $('status').textContent = `Answering: ${r.answer.length} tokens`;
      requestAnimationFrame(() => $('tokens').scrollTo(0, $('tokens').scrollHeight));
      break;
    case 'done':
      r.done = event.done;
      r.score = event.done.score;
      $('status').textContent = `Run ${r.id} took ${event.done.seconds.toFixed(2)} s.`;
      break;
    case 'error':
      throw new Error(event.error[0].toUpperCase() + event.error.slice(1) + '.');
  }
  touch('runs');
  return r;
}

function busy(on) {
  set({ busy: on });
  $('progress').hidden = $('stop').hidden = !on;
  $('progress').value = 0;
  document.body.classList.toggle('busy', on);
}

function results() {
  const r = run();
  $('score').textContent = r?.score ? r.score.score.toFixed(1) : '–';
  $('targets').tBodies[0].replaceChildren(...(r?.score?.targets ?? []).map((t) => {
    const meter = make('meter', { min: t.min, max: t.max, value: t.clamped });
    meter.setAttribute('aria-label', t.name);
    return make('tr', {}, make('th', { scope: 'row', textContent: t.name }), make('td', {}, meter), make('td', { textContent: t.value.toFixed(1) }));
  }));
  const first = r?.score?.targets[0];
  $('score-words').textContent = !r ? 'No picture has been run.' : !r.score ? (r.done ? 'This model has no score head.' : 'The model is looking.')
    : `of ${first.max}${first.value === first.clamped ? '' : `; the head says ${shown(first.value)}`}${r.interventions ? '; with edits' : ''}${r.model === 'base' ? '; the base model' : ''}`;
  if (!r) return;
  $('seen-size').textContent = `${r.seen[0]} × ${r.seen[1]}: ${r.grid[1]} × ${r.grid[0]} patches, ${r.picture[1]} tokens`;
  $('original-size').textContent = `${r.original[0]} × ${r.original[1]}`;
  const source = `/api/runs/${r.id}/original.png`;
  if (!$('original').src.endsWith(source)) $('original').src = source;
  $('original').hidden = false;
}

// chips are the runs that are kept, to go back to.
function chips() {
  const box = $('runs');
  box.hidden = state.runs.size === 0;
  box.replaceChildren(...[...state.runs.values()].map((r) => {
    const image = make('img', { src: `/api/runs/${r.id}/seen.png`, alt: '' });
    const label = `${r.id}${r.score ? ' · ' + r.score.score.toFixed(1) : ''}${r.interventions ? ' · edited' : ''}${r.model === 'base' ? ' · base' : ''}`;
    const b = make('button', { type: 'button', tabIndex: -1 }, image, make('span', { textContent: label }));
    b.setAttribute('aria-label', 'Run ' + label);
    b.setAttribute('aria-pressed', r.id === state.current);
    b.onclick = () => set({ current: r.id, lock: null, hover: null });
    return b;
  }));
  roving.reset(box);
  const now = box.querySelector('[aria-pressed=true]');
  if (now) roving.mark(box, now);
}

export async function startAsk() {
  roving.over($('runs'), 'button');
  $('ask').addEventListener('submit', (e) => { e.preventDefault(); start(); });
  $('stop').addEventListener('click', () => running?.abort());
  $('file').addEventListener('change', (e) => { if (e.target.files[0]) choose(e.target.files[0], e.target.files[0].name); e.target.value = ''; });
  $('sample').addEventListener('click', async () => {
    try {
      choose(await (await fetch('/api/sample')).blob(), 'the built-in picture');
    } catch (error) {
      complain(error);
    }
  });
  document.addEventListener('dragover', (e) => { e.preventDefault(); document.body.classList.add('dragging'); });
  document.addEventListener('dragleave', (e) => { if (!e.relatedTarget) document.body.classList.remove('dragging'); });
  document.addEventListener('drop', (e) => {
    e.preventDefault();
    document.body.classList.remove('dragging');
    const f = e.dataTransfer.files[0];
    if (f) choose(f, f.name);
    else complain(new Error('What was dropped is no file; drop a picture.'));
  });
  watch(['current', 'runs'], () => { results(); chips(); });
  for (const r of await json('/api/runs')) state.runs.set(r.id, adopt(r));
  if (state.runs.size) set({ current: [...state.runs.keys()].pop() });
}
