// The studio's page: see doc.go for what the program answers.

import { complain, forget, json, onRestart, still } from './api.js';
import { startAsk } from './ask.js';
import { loadColors } from './color.js';
import { startCompare } from './compare.js';
import { startEdit } from './edit.js';
import { startExport } from './export.js';
import { startHeads } from './heads.js';
import { startKeys } from './keys.js';
import { startLook } from './look.js';
import { $, set, state, touch } from './state.js';
import { startTokens } from './tokens.js';
import { startTour } from './tour.js';

// A page that outlives a restart says so, and shows nothing of what the program before it had made.
onRestart(() => {
  if (!$('restarted').hidden) return;
  $('restarted').hidden = false;
  forget();
  state.runs.clear();
  set({ current: '', pinned: [], lock: null, hover: null, overlay: null });
  touch('runs');
  for (const e of document.querySelectorAll('main button, main input, main select, main textarea')) e.disabled = true;
});
$('reload').addEventListener('click', () => location.reload());
setInterval(() => document.visibilityState === 'visible' && $('restarted').hidden && still(), 5000);
document.addEventListener('visibilitychange', () => document.visibilityState === 'visible' && still());

try {
  state.model = await json('/api/model');
  $('model-line').textContent = `${state.model.name} · ${state.model.precision} · ${state.model.device ? state.model.device.name : state.model.kernels} · ${state.model.vision.layers} + ${state.model.decoder.layers} layers`;
  await loadColors();
  startKeys();
  startLook();
  startTokens();
  startHeads();
  startCompare();
  startEdit();
  startTour();
  startExport();
  await startAsk();
  document.body.dataset.ready = 'true';
} catch (error) {
  complain(error);
  throw error;
}
