// Everything by keyboard: lists that arrows move in, tabs, and a letter for each thing that is done often.

import { $, set, state, touch } from './state.js';
import { chooseTower } from './look.js';

// roving makes a list of many buttons one stop of the Tab key, within which arrows move.
export const roving = {
  over(box, selector) {
    box.dataset.roving = selector;
    box.addEventListener('keydown', (e) => {
      const all = [...box.querySelectorAll(selector)], i = all.indexOf(document.activeElement);
      if (i < 0) return;
      const to = { ArrowRight: i + 1, ArrowLeft: i - 1, ArrowDown: below(all, i, 1), ArrowUp: below(all, i, -1), Home: 0, End: all.length - 1 }[e.key];
      if (to === undefined) return;
      e.preventDefault();
      if (to >= 0 && to < all.length) roving.go(box, all[to]);
    });
    box.addEventListener('focusin', (e) => { if (e.target.matches(selector)) roving.mark(box, e.target); });
  },
  reset(box) {
    const first = box.querySelector(box.dataset.roving);
    if (first) roving.mark(box, first);
  },
  mark(box, e) {
    for (const other of box.querySelectorAll(box.dataset.roving)) other.tabIndex = other === e ? 0 : -1;
  },
  go(box, e) {
    roving.mark(box, e);
    e.focus();
  },
};

// below is the number of what stands in the next row (or, with -1, in the row before) closest to all[i].
function below(all, i, way) {
  const here = all[i].getBoundingClientRect(), middle = here.left + here.width / 2;
  let best = i, row = null, distance = Infinity;
  for (let j = i + way; j >= 0 && j < all.length; j += way) {
    const box = all[j].getBoundingClientRect();
    if (way > 0 ? box.top < here.bottom - 2 : box.bottom > here.top + 2) continue;
    row ??= box.top;
    if (Math.abs(box.top - row) > 4) break;
    const d = Math.abs(box.left + box.width / 2 - middle);
    if (d < distance) [best, distance] = [j, d];
  }
  return best;
}

const tabs = () => [...document.querySelectorAll('[role=tab]')];

// openTab shows one of the tools.
export function openTab(tab, focus) {
  for (const t of tabs()) {
    const on = t === tab;
    t.setAttribute('aria-selected', on);
    t.tabIndex = on ? 0 : -1;
    $(t.getAttribute('aria-controls')).hidden = !on;
  }
  if (focus) tab.focus();
  set({ tab: tab.getAttribute('aria-controls') });
}

function step(key, by, list) {
  const i = list.indexOf(state[key]) + by;
  if (i >= 0 && i < list.length) set({ [key]: list[i], show: 'attention' });
}

const upTo = (n) => Array.from({ length: n }, (_, i) => i);

const letters = {
  o: () => $('file').click(),
  r: () => $('ask').requestSubmit(),
  p: () => $('seen').focus(),
  w: () => $('tokens').querySelector('.token[tabindex="0"]')?.focus(),
  '[': () => step('layer', -1, upTo(state.model[state.tower].layers)),
  ']': () => step('layer', 1, upTo(state.model[state.tower].layers)),
  ',': () => step('head', -1, ['mean', ...upTo(state.model[state.tower].heads)]),
  '.': () => step('head', 1, ['mean', ...upTo(state.model[state.tower].heads)]),
  v: () => chooseTower(state.tower === 'vision' ? 'decoder' : 'vision'),
  g: () => set({ lines: !state.lines }),
  '?': () => $('keys').showModal(),
};
for (const n of upTo(5)) letters[n + 1] = () => openTab(tabs()[n], true);

export function startKeys() {
  document.addEventListener('keydown', (e) => {
    if (e.ctrlKey || e.metaKey || e.altKey || e.defaultPrevented || $('keys').open || !state.model) return;
    if (e.target.matches('input:not([type=checkbox], [type=range], [type=file]), textarea, select')) return;
    const act = letters[e.key];
    if (!act) return;
    e.preventDefault();
    act();
  });
  $('keys-open').addEventListener('click', () => $('keys').showModal());
  $('tabs').addEventListener('click', (e) => e.target.matches('[role=tab]') && openTab(e.target));
  $('tabs').addEventListener('keydown', (e) => {
    const all = tabs(), i = all.indexOf(document.activeElement);
    const to = { ArrowRight: (i + 1) % all.length, ArrowLeft: (i + all.length - 1) % all.length, Home: 0, End: all.length - 1 }[e.key];
    if (i < 0 || to === undefined) return;
    e.preventDefault();
    openTab(all[to], true);
  });
  const theme = $('theme');
  theme.value = localStorage.getItem('theme') ?? 'auto';
  const dress = () => {
    document.documentElement.dataset.theme = theme.value;
    localStorage.setItem('theme', theme.value);
    set({ theme: theme.value });
  };
  theme.addEventListener('input', dress);
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => touch('theme')); // what is drawn has the page's ink
  dress();
}
