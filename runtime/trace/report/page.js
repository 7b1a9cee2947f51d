"use strict";
// The page of an analysis: everything it shows lies in its two data blocks.
const data = JSON.parse(document.getElementById("data").textContent);
const $ = (id) => document.getElementById(id);
const state = { view: "attention", layer: 0, head: 0, look: 0, cell: null, hover: null, colors: "viridis", alpha: 0.6, smooth: false };
const numbers = {}; // the sections of the block
const pictures = []; // of the panels

// colorsOf is the table of a field: numbers that part at 0 have colors of their own.
const colorsOf = (f) => data.colors[f.signed ? "diverging" : state.colors];
// cover is how much the color of a byte covers: of numbers that part at 0, the less the nearer to 0.
const cover = (f, byte) => (f.signed ? Math.min(1, 4 * Math.abs(byte / 255 - 0.5)) : 1);

const number = (v) => (v === 0 ? "0" : Math.abs(v) >= 0.001 && Math.abs(v) < 1e5 ? String(+v.toPrecision(4)) : v.toExponential(2));
const make = (tag, props = {}, ...children) => {
  const e = Object.assign(document.createElement(tag), props);
  e.append(...children);
  return e;
};

async function unpack() {
  const text = JSON.parse($("block").textContent);
  const packed = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  const raw = await new Response(stream).arrayBuffer();
  for (const s of data.sections) numbers[s.name] = s.kind === "u8" ? new Uint8Array(raw, s.offset, s.length) : new Float32Array(raw, s.offset, s.length);
  $("block").remove();
}

// A field is numbers on the cells of all panels: bytes between least and largest.
function field(values, least, largest, merge, unit, signed = false) {
  return { values, least, largest, merge, unit, signed, at: (i) => least + (values[i] / 255) * (largest - least) };
}

const lookRow = (layer, head, look) => (layer * data.attention.heads[0].length + head) * data.attention.looks + look;

function attentionField(layer, head, look) {
  const r = lookRow(layer, head, look), n = data.cells;
  return field(numbers.looks.subarray(r * n, (r + 1) * n), numbers["looks.least"][r], numbers["looks.largest"][r], data.panels[0].merge, "share of attention");
}

function towerField(block, head) {
  const r = block * data.tower.heads.length + head, n = data.patches;
  return field(numbers.tower.subarray(r * n, (r + 1) * n), numbers["tower.least"][r], numbers["tower.largest"][r], 1, "share of the patches' attention");
}

function mapField(i) {
  const m = data.maps[i];
  if (!m.bytes) m.bytes = Uint8Array.from(atob(m.values), (c) => c.charCodeAt(0));
  return field(m.bytes, m.scale.least, m.scale.largest, m.merge, m.unit, m.scale.signed);
}

function current() {
  if (state.view === "attention") return attentionField(state.layer, state.head, state.look);
  if (state.view === "tower") return towerField(state.layer, state.head);
  return mapField(+state.view);
}

const heads = () => (state.view === "tower" ? data.tower.heads : data.attention.heads[state.layer]);
const headName = (h) => (h < 0 ? "mean" : "head " + h);

// grid is how a panel is divided, and where its first cell is among those of all panels.
function grid(panel, merge) {
  const k = panel.merge / merge;
  return { rows: panel.rows * k, cols: panel.cols * k, first: panel.first * k * k };
}

function draw(canvas, panel, i, f, width) {
  const g = grid(panel, f.merge), picture = pictures[i];
  canvas.width = width;
  canvas.height = Math.round((width * picture.height) / picture.width);
  const c = canvas.getContext("2d"), w = canvas.width, h = canvas.height;
  c.imageSmoothingEnabled = w < picture.width;
  c.drawImage(picture, 0, 0, w, h);
  const small = new OffscreenCanvas(g.cols, g.rows), s = small.getContext("2d"), table = colorsOf(f);
  for (let y = 0; y < g.rows; y++)
    for (let x = 0; x < g.cols; x++) {
      const byte = f.values[g.first + y * g.cols + x];
      s.globalAlpha = cover(f, byte);
      s.fillStyle = table[byte];
      s.fillRect(x, y, 1, 1);
    }
  c.globalAlpha = state.alpha;
  c.imageSmoothingEnabled = state.smooth;
  c.drawImage(small, 0, 0, w, h);
  c.globalAlpha = 1;
}

// shown is the merged token that is told of: the one that is held, else the one under the pointer.
const shown = () => (state.cell !== null ? state.cell : state.hover);

// outline marks the merged token that is held.
function outline(canvas, panel) {
  if (state.cell === null || state.cell < panel.first || state.cell >= panel.first + panel.rows * panel.cols) return;
  const at = state.cell - panel.first, w = canvas.width / panel.cols, h = canvas.height / panel.rows;
  const x = (at % panel.cols) * w, y = Math.floor(at / panel.cols) * h, c = canvas.getContext("2d");
  c.lineWidth = 3;
  c.strokeStyle = "#000";
  c.strokeRect(x, y, w, h);
  c.lineWidth = 1.5;
  c.strokeStyle = "#fff";
  c.strokeRect(x, y, w, h);
}

function panelName(p) {
  const what = p.kind === "video" ? `video ${p.index + 1}, frames ${p.frame + 1}` : `image ${p.index + 1}`;
  return `${what}: ${p.cols} x ${p.rows} tokens of ${p.merge} x ${p.merge} patches, as the model saw it`;
}

function tell(f) {
  const lines = [];
  if (state.view === "attention") {
    const r = lookRow(state.layer, state.head, state.look), share = numbers["looks.share"][r];
    lines.push(`${(100 * share).toFixed(1)} % of this row's attention is on the pictures, ${(100 * (1 - share)).toFixed(1)} % on text.`);
  } else if (state.view !== "tower" && data.maps[+state.view].sum) {
    const s = data.maps[+state.view].sum;
    lines.push(`The parts, with ${number(s.base)} without a picture, add up to ${number(s.total)}.`);
  }
  const cell = shown();
  if (cell !== null) {
    const p = data.panels.findLast((p) => cell >= p.first), at = cell - p.first;
    const row = Math.floor(at / p.cols), col = at % p.cols, g = grid(p, f.merge), k = p.merge / f.merge;
    const own = [];
    for (let y = 0; y < k; y++) for (let x = 0; x < k; x++) own.push(number(f.at(g.first + (row * k + y) * g.cols + col * k + x)));
    lines.push(`Row ${row + 1}, column ${col + 1}: ${own.join(", ")}.`);
    const words = data.words.cells[cell].map((n) => data.words.list[n]);
    lines.push(`Nearest word ${words[0]}; the likeliest after layer ` + data.words.cell_layers.map((l, i) => `${l}: ${words[i + 1]}`).join(", ") + ".");
  }
  $("told").textContent = lines.join(" ");
}

function render() {
  const f = current();
  data.panels.forEach((p, i) => {
    const canvas = $("panel-" + i);
    draw(canvas, p, i, f, 1120);
    outline(canvas, p);
  });
  const c = $("scale").getContext("2d");
  colorsOf(f).forEach((color, i) => {
    c.globalAlpha = 1;
    c.fillStyle = "#fff";
    c.fillRect(i, 0, 1, 1);
    c.globalAlpha = cover(f, i);
    c.fillStyle = color;
    c.fillRect(i, 0, 1, 1);
  });
  $("least").textContent = number(f.least);
  $("largest").textContent = number(f.largest);
  $("unit").textContent = f.signed ? `0 in the middle: ${f.unit}` : f.unit;
  $("colors").disabled = f.signed;
  tell(f);
  renderTokens();
  renderWords();
  renderHeads();
}

// renderTokens marks the token that looks, and with a cell held shows how much each token looked there.
function renderTokens() {
  const looking = state.view === "attention";
  const cell = shown();
  let most = 0;
  const there = data.tokens.map((t) => {
    if (t.look < 0 || cell === null || !looking) return null;
    const v = attentionField(state.layer, state.head, t.look).at(cell);
    most = Math.max(most, v);
    return v;
  });
  data.tokens.forEach((t, i) => {
    const e = $("token-" + i);
    e.setAttribute("aria-selected", String(looking && t.look === state.look));
    const v = there[i];
    if (v === null) {
      e.style.background = e.style.color = "";
      e.title = `token ${t.id} at position ${t.position}` + (t.look < 0 ? ": it has no row over the pictures" : "");
      return;
    }
    const part = most > 0 ? v / most : 0, byte = Math.round(255 * part), color = data.colors[state.colors][byte];
    e.style.background = color;
    e.style.color = parseInt(color.slice(1, 3), 16) * 0.299 + parseInt(color.slice(3, 5), 16) * 0.587 + parseInt(color.slice(5, 7), 16) * 0.114 > 128 ? "#000" : "#fff";
    e.title = `token ${t.id} at position ${t.position}: ${number(v)} of its attention is on the patch`;
  });
}

function renderWords() {
  const w = data.words, row = w.tokens[state.look];
  const box = $("words");
  box.replaceChildren();
  if (!row) {
    box.append(make("p", { className: "note", textContent: "The words of the answer's tokens are not kept; choose a token of the prompt." }));
    return;
  }
  const table = make("table", {}, make("tr", {}, make("th", { textContent: "after" }), make("th", { colSpan: w.top, textContent: "the likeliest words, with their probability" })));
  for (let l = w.layers.length - 1; l >= 0; l--) {
    const tr = make("tr", {}, make("th", { textContent: w.layers[l] < 0 ? "input" : "layer " + w.layers[l] }));
    for (let k = 0; k < w.top; k++) {
      const i = l * w.top + k;
      tr.append(make("td", {}, w.list[row[i]] + " ", make("small", { textContent: w.probs[state.look][i].toFixed(3) })));
    }
    table.append(tr);
  }
  box.append(table);
}

function renderHeads() {
  const box = $("heads"), maps = +state.view >= 0;
  box.replaceChildren();
  const tower = state.view === "tower";
  $("heads-head").textContent = maps ? "" : `all heads of ${tower ? "block" : "layer"} ${state.layer}` + (tower ? "" : ", those that look at the pictures most first");
  if (maps) return;
  if (!tower && heads().length - 1 < data.attention.all) $("heads-head").textContent += ` (${heads().length - 1} of ${data.attention.all} are kept)`;
  heads().forEach((h, i) => {
    const f = tower ? towerField(state.layer, i) : attentionField(state.layer, i, state.look);
    const canvas = make("canvas");
    draw(canvas, data.panels[0], 0, f, 160);
    const b = make("button", { type: "button" }, canvas, make("span", { textContent: headName(h) }), make("small", { textContent: `${number(f.least)} to ${number(f.largest)}` }));
    b.setAttribute("aria-pressed", String(i === state.head));
    b.onclick = () => set({ head: i });
    box.append(b);
  });
}

function set(change) {
  Object.assign(state, change);
  const maps = +state.view >= 0, layers = state.view === "tower" ? data.tower.blocks : data.attention.layers;
  state.layer = Math.min(Math.max(state.layer, 0), layers - 1);
  state.head = Math.min(state.head, heads().length - 1);
  $("layer-of").hidden = $("head-of").hidden = maps;
  $("layer").max = layers - 1;
  $("layer").value = state.layer;
  $("layer-is").textContent = state.layer;
  $("head").replaceChildren(...heads().map((h, i) => make("option", { value: i, textContent: headName(h) })));
  $("head").value = state.head;
  $("view").value = state.view;
  render();
}

function cellAt(canvas, panel, e) {
  const r = canvas.getBoundingClientRect();
  const clip = (v, n) => Math.min(Math.max(Math.floor(v * n), 0), n - 1);
  return panel.first + clip((e.clientY - r.top) / r.height, panel.rows) * panel.cols + clip((e.clientX - r.left) / r.width, panel.cols);
}

// hover tells of the cell under the pointer, unless one is held.
function hover(cell) {
  if (state.hover === cell) return;
  state.hover = cell;
  if (state.cell !== null) return;
  tell(current());
  renderTokens();
}

function walk(panel, e) {
  const steps = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[e.key];
  if (e.key === "Escape") return set({ cell: null });
  if (!steps) return;
  e.preventDefault();
  const inside = state.cell !== null && state.cell >= panel.first && state.cell < panel.first + panel.rows * panel.cols;
  const at = inside ? state.cell - panel.first : 0;
  const clip = (v, n) => Math.min(Math.max(v, 0), n - 1);
  const move = inside ? steps : [0, 0];
  set({ cell: panel.first + clip(Math.floor(at / panel.cols) + move[0], panel.rows) * panel.cols + clip((at % panel.cols) + move[1], panel.cols) });
}

function nextToken(by) {
  const looks = data.attention.looks;
  const look = Math.min(Math.max(state.look + by, 0), looks - 1);
  set({ look, view: "attention" });
  showToken();
}

// showToken scrolls the list of tokens, and nothing else, to the one that looks.
function showToken() {
  const e = $("token-" + data.tokens.findIndex((t) => t.look === state.look));
  if (e) $("tokens").scrollTop = e.offsetTop - $("tokens").offsetTop - $("tokens").clientHeight / 2;
}

function build() {
  data.panels.forEach((p, i) => {
    const canvas = make("canvas", { id: "panel-" + i, tabIndex: 0 });
    canvas.setAttribute("role", "application");
    canvas.setAttribute("aria-label", panelName(p) + "; arrow keys walk over its tokens");
    canvas.onclick = (e) => set({ cell: cellAt(canvas, p, e) });
    canvas.onpointermove = (e) => hover(cellAt(canvas, p, e));
    canvas.onpointerleave = () => hover(null);
    canvas.onkeydown = (e) => walk(p, e);
    $("panels").append(make("figure", {}, canvas, make("figcaption", { textContent: panelName(p) })));
  });
  data.tokens.forEach((t, i) => {
    const e = make("span", { id: "token-" + i, className: "token" + (t.look < 0 ? " blind" : "") + (t.answer ? " answer" : ""), textContent: JSON.stringify(t.text).slice(1, -1).replaceAll(" ", "·") });
    e.setAttribute("role", "option");
    if (t.look >= 0) e.onclick = () => set({ look: t.look, view: "attention" });
    $("tokens").append(e);
  });
  $("tokens").onkeydown = (e) => {
    const key = { ArrowLeft: () => nextToken(-1), ArrowRight: () => nextToken(1), ArrowUp: () => set({ layer: state.layer + 1 }), ArrowDown: () => set({ layer: state.layer - 1 }), Escape: () => set({ cell: null }) }[e.key];
    if (key) {
      e.preventDefault();
      key();
    }
  };
  if (data.attention.looks > 0) $("view").append(make("option", { value: "attention", textContent: "attention of a token" }));
  data.maps.forEach((m, i) => $("view").append(make("option", { value: i, textContent: m.name })));
  $("view").append(make("option", { value: "tower", textContent: "attention within the vision tower" }));
  $("view").onchange = (e) => set({ view: e.target.value, head: 0 });
  $("layer").oninput = (e) => set({ layer: +e.target.value });
  $("head").onchange = (e) => set({ head: +e.target.value });
  $("colors").onchange = (e) => set({ colors: e.target.value });
  $("alpha").oninput = (e) => set({ alpha: +e.target.value });
  $("smooth").onchange = (e) => set({ smooth: e.target.checked });
  $("save").onclick = () =>
    $("panel-0").toBlob((blob) => {
      const a = make("a", { href: URL.createObjectURL(blob), download: "loupe.png" });
      a.click();
      URL.revokeObjectURL(a.href);
    });
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const theme = (name) => (document.documentElement.dataset.theme = name);
  theme(dark.matches ? "dark" : "light");
  dark.onchange = () => theme(dark.matches ? "dark" : "light");
  $("theme").onclick = () => theme(document.documentElement.dataset.theme === "dark" ? "light" : "dark");
  $("score").textContent = (data.score || []).map((t) => `${t.name} ${t.value.toFixed(1)}`).join(", ");
  $("made").textContent = `Made by loupe with the model ${data.model}, precision ${data.precision}${data.device ? `, on ${data.device.name} (${data.device.arch}, CUDA ${data.device.driver})` : ""}.`;
}

async function start() {
  for (const p of data.panels) {
    const img = new Image();
    img.src = "data:image/png;base64," + p.png;
    await img.decode();
    pictures.push(img);
  }
  await unpack();
  build();
  set({ view: data.maps.length ? "0" : data.attention.looks ? "attention" : "tower", look: Math.max(0, data.words.tokens.length - 1), layer: data.attention.layers - 1 });
  showToken();
  document.documentElement.dataset.ready = "yes";
}

start().catch((e) => {
  $("told").textContent = "This page cannot be shown: " + e + ". It needs a browser of 2023 or later.";
  document.documentElement.dataset.ready = "no";
});
