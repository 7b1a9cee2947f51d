// Numbers as colors, and the scale that tells which is which.

import { json } from './api.js';
import { shown } from './state.js';

let maps = {};

export async function loadColors() {
  maps = await json('/api/colors');
}

// scaleOf is the scale of some numbers: from the least to the largest, or of numbers that part at 0 as far to both sides as the
// farthest. Missing ones, NaN, do not count.
export function scaleOf(values, signed = false) {
  let least = Infinity, largest = -Infinity;
  for (const v of values) if (!Number.isNaN(v)) { least = Math.min(least, v); largest = Math.max(largest, v); }
  if (least > largest) least = largest = 0;
  if (!signed) return { least, largest, signed };
  const far = Math.max(-least, largest, 0);
  return { least: -far, largest: far, signed };
}

// colorOf is [r, g, b] of a number between least and largest.
export function colorOf(name, v, least, largest) {
  const part = largest > least ? (v - least) / (largest - least) : name === 'diverging' ? 0.5 : 0;
  return maps[name][Math.round(255 * Math.min(1, Math.max(0, part)))];
}

// colorsFor is the name of the colors of a scale: those that were chosen, but where numbers part at 0.
const colorsFor = (scale, name) => (scale.signed ? 'diverging' : name);

// cover is how much of a color covers the picture: near the middle of a scale that parts at 0 less, and nothing at 0.
const cover = (v, { least, largest, signed }) => (signed ? (largest > least ? Math.min(1, 2 * Math.abs(v) / largest) : 0) : 1);

// picture is a canvas of cols x rows pixels, one for each value. What is missing is gray.
export function picture(values, rows, cols, scale, name) {
  const canvas = new OffscreenCanvas(cols, rows);
  const context = canvas.getContext('2d');
  const image = context.createImageData(cols, rows);
  const colors = colorsFor(scale, name);
  for (let i = 0; i < rows * cols; i++) {
    const there = !Number.isNaN(values[i]);
    image.data.set(there ? colorOf(colors, values[i], scale.least, scale.largest) : [0xb4, 0xb4, 0xb4], 4 * i);
    image.data[4 * i + 3] = there ? 255 * cover(values[i], scale) : 255;
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
  canvas.style.height = overlay ? '50px' : '0';
  if (!overlay || !canvas.clientWidth) return;
  const { context, width } = fit(canvas, 50);
  paintScale(context, 0, 0, width, overlay, name, getComputedStyle(canvas).color);
  canvas.setAttribute('aria-label', `${colorsFor(overlay, name)} from ${shown(overlay.least)} to ${shown(overlay.largest)}, ${overlay.unit}`);
}

// font is the one typeface of all that is drawn.
export const font = (size) => `${size}px system-ui, "Segoe UI", "DejaVu Sans", sans-serif`;

// ticks are round numbers between least and largest: about as many as most, in steps of 1, 2 or 5 times a power of ten.
export function ticks(least, largest, most) {
  const width = largest - least;
  if (!(width > 0) || !Number.isFinite(width)) return [];
  const power = Math.floor(Math.log10(width / most));
  for (const digit of [1, 2, 5, 10]) {
    const step = digit * 10 ** power;
    const first = Math.ceil(least / step - 1e-9), last = Math.floor(largest / step + 1e-9);
    if (last - first + 1 > most && digit < 10) continue;
    return Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => (power < 0 ? (first + i) * digit / 10 ** -power : (first + i) * step));
  }
}

// paintScale draws 50 pixels: the colors, as they cover white where numbers part at 0, the numbers at their ends with round ones
// between them, and the unit.
export function paintScale(context, x, y, width, overlay, name, color) {
  const { least, largest, signed } = overlay, colors = colorsFor(overlay, name);
  context.fillStyle = '#fff';
  if (signed) context.fillRect(x, y, width, 12);
  for (let i = 0; i < width; i++) {
    const v = least + i / Math.max(1, width - 1) * (largest - least);
    context.globalAlpha = cover(v, overlay);
    context.fillStyle = `rgb(${colorOf(colors, v, least, largest)})`;
    context.fillRect(x + i, y, 1, 12);
  }
  context.globalAlpha = 1;
  context.fillStyle = context.strokeStyle = color;
  context.lineWidth = 1;
  if (signed) context.strokeRect(x + 0.5, y + 0.5, width - 1, 11);
  context.font = font(12);
  context.textBaseline = 'top';
  context.textAlign = 'left';
  const left = shown(least), right = shown(largest);
  context.fillText(left, x, y + 18);
  const end = x + width - context.measureText(right).width;
  if (left !== right) context.fillText(right, end, y + 18);
  let free = x + context.measureText(left).width + 10;
  for (const v of ticks(least, largest, Math.max(3, Math.floor(width / 90)))) {
    const at = x + (v - least) / (largest - least) * (width - 1), text = shown(v), wide = context.measureText(text).width;
    context.fillRect(at - 0.5, y + 12, 1, 4);
    if (at - wide / 2 < free || at + wide / 2 + 10 > end) continue;
    context.fillText(text, at - wide / 2, y + 18);
    free = at + wide / 2 + 10;
  }
  context.textAlign = 'center';
  context.fillText(overlay.unit, x + width / 2, y + 34);
  context.textAlign = 'left';
}
