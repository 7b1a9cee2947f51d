// Talks with the program that serves the page.

import { $ } from './state.js';

export function complain(error) {
  if (error.name === 'AbortError') return;
  $('error').textContent = error.message;
  $('error').hidden = false;
}

export function calm() {
  $('error').hidden = true;
}

async function answer(path, init) {
  let response;
  try {
    response = await fetch(path, init);
  } catch (error) {
    if (error.name === 'AbortError') throw error;
    throw new Error('The studio does not answer; is the program still running?');
  }
  if (response.ok) return response;
  const body = await response.json().catch(() => ({ error: `The studio answered ${response.status}.` }));
  const text = body.error;
  throw new Error(text[0].toUpperCase() + text.slice(1) + (text.endsWith('.') ? '' : '.'));
}

export async function json(path, signal) {
  return (await answer(path, { signal })).json();
}

export async function post(path, body) {
  return (await answer(path, { method: 'POST', body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' } })).json();
}

// lines calls each with the objects that the program writes, a line each, as they come.
export async function lines(path, form, signal, each) {
  const response = await answer(path, { method: 'POST', body: form, signal });
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const parts = (rest + value).split('\n');
    rest = parts.pop();
    for (const part of parts) each(JSON.parse(part));
  }
}

// The last tensors that were fetched, the oldest first.
const kept = new Map();
const most = 400;

// tensors fetches safetensors: each name has its shape and its numbers. With ?cached=1 the result may be null.
export async function tensors(path, signal) {
  const key = path.replace('&cached=1', '');
  if (kept.has(key)) return kept.get(key);
  const response = await answer(path, { signal });
  if (response.status === 204) return null;
  const out = decode(await response.arrayBuffer());
  kept.set(key, out);
  if (kept.size > most) kept.delete(kept.keys().next().value);
  return out;
}

function decode(buffer) {
  const size = Number(new DataView(buffer).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 8, size)));
  const out = { meta: header.__metadata__ ?? {} };
  for (const [name, t] of Object.entries(header)) {
    if (name === '__metadata__') continue;
    const from = 8 + size + t.data_offsets[0];
    const n = t.shape.reduce((a, b) => a * b, 1);
    out[name] = { shape: t.shape, data: numbers(buffer, t.dtype, from, n) };
  }
  return out;
}

function numbers(buffer, type, from, n) {
  if (type === 'U8') return new Uint8Array(buffer, from, n);
  if (type === 'F32') return new Float32Array(buffer, from, n);
  return Float32Array.from(new Uint16Array(buffer, from, n), half);
}

// half is the value of float16 bits; no number that the program sends is infinite.
function half(bits) {
  const sign = bits & 0x8000 ? -1 : 1, exponent = (bits >> 10) & 31, part = bits & 1023;
  return exponent === 0 ? sign * part * 2 ** -24 : sign * (1 + part / 1024) * 2 ** (exponent - 15);
}
