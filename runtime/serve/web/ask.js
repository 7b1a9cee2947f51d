// Runs: choosing a picture, sending it, and taking what comes, as it comes.

import { calm, complain, json, lines, post, studioName } from './api.js';
import { about } from './jobs.js';
import { roving } from './keys.js';
import { $, make, number, run, scored, scoreWords, set, shown, state, touch, watch, whole } from './state.js';

let file = null; // the chosen picture; null for that of the run in view
let running = null; // {stop, what} of the run under way

function choose(blob, name) {
  file = blob;
  $('file-name').textContent = name;
  calm();
  start();
}

// asked is what the form says. What is empty or no number is said, and not taken for 0.
function asked(now) {
  return {
    model: $('which-model')?.value ?? 'model', system: $('system').value, question: $('question').value,
    max_tokens: whole($('max-tokens'), 'The number of tokens', 1, state.model.most_tokens),
    temperature: number($('temperature'), 'The temperature', 0), seed: whole($('seed'), 'The seed', 0, Number.MAX_SAFE_INTEGER),
    picture: file ? '' : now.id,
  };
}

// filled puts what a run was asked into the form, so that the form is that of the run in view.
function filled(r) {
  const { model, system, question, max_tokens: most, temperature, seed } = r.ask;
  if ($('which-model')) $('which-model').value = model;
  for (const [id, value] of Object.entries({ system, question, 'max-tokens': most, temperature, seed })) $(id).value = value;
}

// again is a run as it was but for edits: where it had some itself, the run that it began as.
function again(now, edits) {
  const before = unedited(now);
  if (!before) throw new Error(`The run that run ${now.number} was an edit of is not kept any more: run its picture again, without edits.`);
  return { ...before.ask, picture: before.id, interventions: edits };
}

// unedited is the run that an edited one began as; undefined where that is not kept any more.
export const unedited = (r) => (r.interventions ? state.runs.get(r.ask.picture) : r);

// pin keeps a run, whatever else is run, until it is let go.
export async function pin(id, on) {
  const { pinned } = await post(`/api/runs/${id}/pin`, { on });
  set({ pinned });
}

// adopt is a run as the page has it.
const adopt = (r) => ({ ...r, answer: r.answer ?? [], score: r.done?.score, model: r.ask.model, question: r.ask.question, interventions: r.ask.interventions });

// start runs the model on the chosen picture, with edits or without, and returns the run when it has ended; null where it failed, or
// where the very same is under way already.
export async function start(edits = null) {
  calm();
  const now = run();
  if (!file && !now) {
    complain(new Error('There is no picture yet: choose one, or drop one on the page.'));
    return null;
  }
  let ask;
  try {
    ask = JSON.stringify(edits ? again(now, edits) : asked(now));
  } catch (error) {
    complain(error);
    return null;
  }
  const sent = edits ? null : file, what = { ask, sent };
  if (running && running.what.ask === ask && running.what.sent === sent) return null;
  running?.stop.abort();
  const mine = (running = { stop: new AbortController(), what });
  const form = new FormData();
  form.append('ask', ask);
  if (sent) form.append('picture', sent);
  busy(true);
  $('status').textContent = 'Waiting for the model …';
  let r = null;
  try {
    await lines('/api/runs', form, mine.stop.signal, (event) => { r = take(event, r); });
    if (!r?.done) throw new Error('The run ended before its answer did.');
    if (sent && file === sent) file = null; // the program has it
    return r;
  } catch (error) {
    if (r) {
      state.runs.delete(r.id);
      if (state.current === r.id) set({ current: now && state.runs.has(now.id) ? now.id : [...state.runs.keys()].pop() ?? '' });
      touch('runs');
    }
    complain(error);
    if (running === mine) $('status').textContent = error.name === 'AbortError' ? 'Stopped.' : '';
    return null;
  } finally {
    if (running === mine) {
      running = null;
      busy(false);
    }
  }
}

let began = 0; // when the run in progress began

// left says how long the layers that are left will take, as far as those that are done tell.
function left(done, of) {
  const passed = (performance.now() - began) / 1000;
  return passed > 1 && done < of ? `, ${about(passed / done * (of - done))} left` : '';
}

// take is what one line of a run changes.
function take(event, r) {
  switch (event.event) {
    case 'prepared':
      r = adopt(event.run);
      began = performance.now();
      state.runs.set(r.id, r);
      for (const id of [...state.runs.keys()]) if (!event.run.kept.includes(id)) state.runs.delete(id);
      set({ current: r.id, lock: null, hover: null, overlay: null });
      break;
    case 'progress': {
      const { at, done, of } = event.progress;
      $('progress').value = done / of;
      $('status').textContent = `Reading: ${at.replace('.out', '')} (${done} of ${of} layers${left(done, of)})`;
      return r;
    }
    case 'score': r.score = event.score; break;
    case 'contributions': r.maps = event.maps; break;
    case 'token':
      r.answer.push(event.token);
      $('status').textContent = `Answering: ${r.answer.length} of at most ${r.ask.max_tokens} tokens`;
      requestAnimationFrame(() => $('tokens').scrollTo(0, $('tokens').scrollHeight));
      break;
    case 'done':
      r.done = event.done;
      r.score = event.done.score;
      $('status').textContent = `Run ${r.number} took ${event.done.seconds.toFixed(2)} s.${event.done.entry === undefined ? '' : ` It is entry ${event.done.entry} of the log.`}`;
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
  $('score').textContent = r?.score ? scored(r).clamped.toFixed(1) : '–';
  $('targets').tBodies[0].replaceChildren(...(r?.score?.targets ?? []).map((t) => {
    const meter = make('meter', { min: t.min, max: t.max, value: t.clamped });
    meter.setAttribute('aria-label', t.name);
    return make('tr', {}, make('th', { scope: 'row', textContent: t.name }), make('td', {}, meter), make('td', { textContent: t.value.toFixed(1) }));
  }));
  const main = r?.score && scored(r);
  $('score-words').textContent = !r ? 'No picture has been run.' : !r.score ? (r.done ? 'This model has no score head.' : 'The model is looking.')
    : `${main.name === 'score' ? '' : main.name + ', '}of ${main.max}${main.value === main.clamped ? '' : `; the head says ${shown(main.value)}`}${r.interventions ? '; with edits' : ''}${r.model === 'base' ? '; the base model' : ''}`;
  if (!r) {
    $('seen-size').textContent = $('original-size').textContent = '';
    $('original').hidden = true;
    $('original').removeAttribute('src');
    return;
  }
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
    const label = `${r.number}${state.pinned.includes(r.id) ? ' · held' : ''}${r.score ? ' · ' + scoreWords(r) : ''}${r.interventions ? ' · edited' : ''}${r.model === 'base' ? ' · base' : ''}`;
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
  $('stop').addEventListener('click', () => running?.stop.abort());
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
  watch(['current', 'runs', 'pinned'], () => { results(); chips(); });
  watch(['current'], () => { if (run()) filled(run()); });
  const list = await json('/api/runs');
  for (const r of list) state.runs.set(r.id, adopt(r));
  const back = remembered();
  set({ ...back, pinned: list.filter((r) => r.pinned).map((r) => r.id), current: state.runs.has(back.current) ? back.current : [...state.runs.keys()].pop() ?? '' });
  touch('runs');
  watch(looks, () => sessionStorage.setItem('look', JSON.stringify({ studio: studioName(), ...Object.fromEntries(looks.map((key) => [key, state[key]])) })));
}

// looks are what is remembered when the page is opened again.
const looks = ['current', 'show', 'target', 'tower', 'layer', 'head', 'way', 'lock', 'colors', 'alpha', 'smooth', 'lines'];

// remembered is what was in view before the page was opened again; nothing of another start of the program.
function remembered() {
  try {
    const { studio, ...back } = JSON.parse(sessionStorage.getItem('look')) ?? {};
    return studio === studioName() ? back : {};
  } catch {
    return {};
  }
}
