// Numbers as colors, and the scale that tells which is which.

import { json } from './api.js';
import { shown } from './state.js';

let maps = {};

export async function loadColors() {
  maps = await json('/api/colors');
}

// colorOf is [r, g, b] of a number between least and largest.
export function colorOf(name, v, least, largest) {
  const part = largest > least ? (v - least) / (largest - least) : 0;
  return maps[name][Math.round(255 * Math.min(1, Math.max(0, part)))];
}

// picture is a canvas of cols x rows pixels, one for each value.
export function picture(values, rows, cols, least, largest, name) {
  const canvas = new OffscreenCanvas(cols, rows);
  const context = canvas.getContext('2d');
  const image = context.createImageData(cols, rows);
  for (let i = 0; i < rows * cols; i++) {
    image.data.set(colorOf(name, values[i], least, largest), 4 * i);
    image.data[4 * i + 3] = 255;
  }
  context.putImageData(image, 0, 0);
  return canvas;
}

// fit gives a canvas the pixels of its place on the screen and returns a context in CSS pixels.
export function fit(canvas, height) {
  const width = canvas.clientWidth, ratio = window.devicePixelRatio || 1;
  canvas.width = Math.max(1, Math.round(width * ratio));
  canvas.height = Math.max(1, Math.round(height * ratio));
  const context = canvas.getContext('2d');
  context.scale(canvas.width / Math.max(1, width), ratio);
  return { context, width, height };
}

// drawScale draws the colors from least to largest with their numbers, in words too.
export function drawScale(canvas, overlay, name) {
  canvas.style.height = overlay ? '34px' : '0';
  if (!overlay || !canvas.clientWidth) return;
  const { context, width } = fit(canvas, 34);
  paintScale(context, 0, 0, width, overlay, name, getComputedStyle(canvas).color);
  canvas.setAttribute('aria-label', `${name} from ${shown(overlay.least)} to ${shown(overlay.largest)}, ${overlay.unit}`);
}

export function paintScale(context, x, y, width, overlay, name, color) {
  for (let i = 0; i < width; i++) {
    context.fillStyle = `rgb(${colorOf(name, i, 0, width - 1)})`;
    context.fillRect(x + i, y, 1.5, 12);
  }
  context.fillStyle = color;
  context.font = '12px system-ui, sans-serif';
  context.textBaseline = 'top';
  context.textAlign = 'left';
  context.fillText(shown(overlay.least), x, y + 17);
  context.textAlign = 'center';
  context.fillText(overlay.unit, x + width / 2, y + 17);
  context.textAlign = 'right';
  context.fillText(shown(overlay.largest), x + width, y + 17);
  context.textAlign = 'left';
}
