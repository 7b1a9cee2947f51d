// The studio's page: see doc.go for what the program answers.

import { complain, json } from './api.js';
import { startAsk } from './ask.js';
import { loadColors } from './color.js';
import { startCompare } from './compare.js';
import { startEdit } from './edit.js';
import { startExport } from './export.js';
import { startHeads } from './heads.js';
import { startKeys } from './keys.js';
import { startLook } from './look.js';
import { $, state } from './state.js';
import { startTokens } from './tokens.js';
import { startTour } from './tour.js';

try {
  state.model = await json('/api/model');
  $('model-line').textContent = `${state.model.name} · ${state.model.precision} · ${state.model.kernels} · ${state.model.vision.layers} + ${state.model.decoder.layers} layers`;
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
