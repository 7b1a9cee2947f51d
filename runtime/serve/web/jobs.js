// Long work: what is under way, how far it is, how long it will take, and a way to stop it. What is asked for twice runs once.

import { $, make } from './state.js';

const jobs = new Map(); // key -> job
const told = 700; // milliseconds after which work is told of
const patience = 150; // milliseconds for which work goes on that nobody waits for, in case that it is asked for again

const nameOf = () => Array.from(crypto.getRandomValues(new Uint32Array(4)), (n) => n.toString(36)).join('');

// job calls work(signal, name) once for all that ask for a key at the same time. It ends when nobody waits for it any more, or when
// somebody stops it. what says in words what it is; seconds is about how long it takes, where that is known.
export function job(key, { what, seconds }, signal, work) {
  let j = jobs.get(key);
  if (!j) {
    const stop = new AbortController(), name = nameOf();
    j = { what, seconds, stop, name, waiting: 0, began: performance.now(), promise: work(stop.signal, name) };
    jobs.set(key, j);
    const timer = setTimeout(() => follow(j), told);
    const over = () => { clearTimeout(timer); jobs.delete(key); j.over = true; j.row?.remove(); };
    j.promise.then(over, over);
  }
  j.waiting++;
  return new Promise((resolve, reject) => {
    const leave = () => {
      j.waiting--;
      reject(new DOMException('Nobody waits for it.', 'AbortError'));
      setTimeout(() => { if (j.waiting === 0) j.stop.abort(); }, patience);
    };
    if (signal?.aborted) return leave();
    signal?.addEventListener('abort', leave, { once: true });
    j.promise.then(resolve, reject).finally(() => signal?.removeEventListener('abort', leave));
  });
}

// follow shows a job that takes long, until it is over.
async function follow(j) {
  const words = make('span', {}), bar = make('progress', { max: 1 }), stop = make('button', { type: 'button', textContent: 'Stop' });
  bar.setAttribute('aria-label', j.what);
  stop.setAttribute('aria-label', 'Stop: ' + j.what);
  stop.onclick = () => j.stop.abort();
  j.row = make('div', { className: 'job' }, words, bar, stop);
  $('jobs').append(j.row);
  while (!j.over) {
    const at = await fetch(`/api/jobs/${j.name}`).then((r) => r.json()).catch(() => ({}));
    if (j.over) return;
    const passed = (performance.now() - j.began) / 1000;
    if (at.of > 0) bar.value = at.done / at.of; else bar.removeAttribute('value');
    words.textContent = `${j.what}: ${at.waiting ? 'waits for other work' : left(at, j.seconds, passed)}`;
    await new Promise((done) => setTimeout(done, 500));
  }
}

// left says how long something will take: from how far it is, or from how long it took before.
export function left({ done, of, seconds }, before, passed) {
  if (done > 0 && done < of) return `${done} of ${of}, ${about(seconds / done * (of - done))} left`;
  if (before > passed) return `${about(before - passed)} left`;
  return `for ${about(passed)} so far`;
}

// about is a time in words.
export function about(seconds) {
  if (seconds < 1) return 'less than a second';
  if (seconds < 90) return `about ${Math.ceil(seconds)} s`;
  if (seconds < 5400) return `about ${Math.round(seconds / 60)} min`;
  return `about ${(seconds / 3600).toFixed(1)} h`;
}
