// Talks with the program that serves the page.

import { job } from './jobs.js';
import { $ } from './state.js';

export function complain(error) {
  if (error.name === 'AbortError') return;
  $('error').textContent = error.message;
  $('error').hidden = false;
}

export function calm() {
  $('error').hidden = true;
}

let studio = ''; // the nonce of the program that this page was opened by

// restarted is called when the program has been started anew: nothing that this page knows of its runs is so any more.
let restarted = () => {};
export function onRestart(f) {
  restarted = f;
}

async function answer(path, init = {}) {
  let response;
  try {
    response = await fetch(path, { ...init, headers: { ...init.headers, ...(studio && { 'Loupe-Studio': studio }) } });
  } catch (error) {
    if (error.name === 'AbortError') throw error;
    throw new Error('The studio does not answer; is the program still running?');
  }
  const from = response.headers.get('Loupe-Studio');
  studio ||= from ?? '';
  if (from && from !== studio) {
    restarted();
    throw new DOMException('The studio was started anew.', 'AbortError');
  }
  if (response.ok) return response;
  const body = await response.json().catch(() => ({ error: `The studio answered ${response.status}.` }));
  const text = body.error;
  throw new Error(text[0].toUpperCase() + text.slice(1) + (text.endsWith('.') ? '' : '.'));
}

// still looks whether the program is the one that the page was opened by. That it does not answer is no news.
export async function still() {
  const response = await fetch('/api/jobs/none').catch(() => null);
  const from = response?.headers.get('Loupe-Studio');
  if (from && from !== studio) restarted();
}

export const studioName = () => studio;

// json fetches an object. name is that of a job, whose progress can then be asked for.
export async function json(path, signal, name) {
  return (await answer(path, { signal, ...(name && { headers: { 'Loupe-Job': name } }) })).json();
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
const most = 2000;

export const forget = () => kept.clear();

// tensors fetches safetensors: each name has its shape and its numbers. With ?cached=1 the result may be null. told says what the
// work is, where it may be long: see job.
export async function tensors(path, signal, told) {
  const key = path.replace('&cached=1', '');
  if (kept.has(key)) return kept.get(key);
  const work = async (stop, name) => {
    const response = await answer(path, { signal: stop, ...(name && { headers: { 'Loupe-Job': name } }) });
    if (response.status === 204) return null;
    const out = decode(await response.arrayBuffer());
    kept.set(key, out);
    if (kept.size > most) kept.delete(kept.keys().next().value);
    return out;
  };
  return told ? job(key, told, signal, work) : work(signal);
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
