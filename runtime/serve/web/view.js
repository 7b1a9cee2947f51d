// A picture with a map over it and the model's true grid: a canvas that a mouse, a finger or a keyboard can point into.

import { fit, picture } from './color.js';

export class View {
  // hover and lock are called with a cell's number, row by row, or null.
  constructor(canvas, { hover = () => {}, lock = () => {} } = {}) {
    Object.assign(this, { canvas, hover, lock, shown: null, cursor: null, focused: false });
    canvas.addEventListener('pointermove', (e) => e.pointerType === 'mouse' && this.point(this.cellAt(e)));
    canvas.addEventListener('pointerleave', () => this.point(null));
    canvas.addEventListener('click', (e) => this.shown && this.lock(this.cellAt(e)));
    canvas.addEventListener('keydown', (e) => this.key(e));
    canvas.addEventListener('focus', () => { this.focused = true; this.draw(); });
    canvas.addEventListener('blur', () => { this.focused = false; this.point(null); this.draw(); });
    new ResizeObserver(() => this.draw()).observe(canvas);
  }

  // show draws: image (as the model saw it), grid [rows, cols] of patches, merge, side (patches along a cell), overlay
  // {rows, cols, values, least, largest, signed} or null, colors, alpha, smooth, lines, chosen (a cell or null).
  show(what) {
    if (this.shown && this.shown.side !== what.side) this.cursor = null;
    this.shown = what;
    this.draw();
  }

  // clear shows nothing.
  clear() {
    this.shown = this.cursor = null;
    this.canvas.getContext('2d').clearRect(0, 0, this.canvas.width, this.canvas.height);
  }

  get rows() { return this.shown.grid[0] / this.shown.side; }
  get cols() { return this.shown.grid[1] / this.shown.side; }

  cellAt(event) {
    if (!this.shown) return null;
    const box = this.canvas.getBoundingClientRect();
    const col = Math.floor((event.clientX - box.left) / box.width * this.cols);
    const row = Math.floor((event.clientY - box.top) / box.height * this.rows);
    return row >= 0 && row < this.rows && col >= 0 && col < this.cols ? row * this.cols + col : null;
  }

  point(cell) {
    if (this.cursor === cell) return;
    this.cursor = cell;
    this.hover(cell);
    this.draw();
  }

  key(event) {
    if (!this.shown || event.ctrlKey || event.metaKey || event.altKey) return;
    const at = this.cursor ?? this.shown.chosen ?? 0;
    let row = Math.floor(at / this.cols), col = at % this.cols;
    const moves = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
    if (event.key in moves) {
      if (this.cursor !== null) {
        row = Math.min(this.rows - 1, Math.max(0, row + moves[event.key][0]));
        col = Math.min(this.cols - 1, Math.max(0, col + moves[event.key][1]));
      }
      this.point(row * this.cols + col);
    } else if (event.key === 'Home') this.point(row * this.cols);
    else if (event.key === 'End') this.point((row + 1) * this.cols - 1);
    else if (event.key === 'Enter' || event.key === ' ') this.lock(at);
    else if (event.key === 'Escape') { this.point(null); this.lock(null); } else return;
    event.preventDefault();
  }

  draw() {
    if (!this.shown || !this.canvas.clientWidth) return;
    const [rows, cols] = this.shown.grid;
    const height = this.canvas.clientWidth * rows / cols;
    this.canvas.style.height = height + 'px';
    const { context, width } = fit(this.canvas, height);
    this.paint(context, width, height);
  }

  // paint is draw on any context, for the file as well as for the screen.
  paint(context, width, height) {
    const { image, overlay, colors, alpha, smooth, lines, grid, merge, chosen } = this.shown;
    context.imageSmoothingEnabled = width < 3 * image.naturalWidth;
    context.imageSmoothingQuality = 'high';
    context.drawImage(image, 0, 0, width, height);
    if (overlay) {
      context.imageSmoothingEnabled = smooth;
      context.globalAlpha = alpha;
      context.drawImage(picture(overlay.values, overlay.rows, overlay.cols, overlay, colors), 0, 0, width, height);
      context.globalAlpha = 1;
    }
    if (lines) {
      if (width / grid[1] >= 6) this.rule(context, width, height, grid, 'rgba(0,0,0,0.22)', 0.5);
      this.rule(context, width, height, [grid[0] / merge, grid[1] / merge], 'rgba(255,255,255,0.6)', 1);
    }
    if (chosen !== null && chosen !== undefined) this.frame(context, width, height, chosen, 3);
    if (this.cursor !== null && (this.focused || this.cursor !== chosen)) this.frame(context, width, height, this.cursor, 1.5);
  }

  rule(context, width, height, [rows, cols], color, thick) {
    context.strokeStyle = color;
    context.lineWidth = thick;
    context.beginPath();
    for (let i = 1; i < cols; i++) { context.moveTo(i * width / cols, 0); context.lineTo(i * width / cols, height); }
    for (let i = 1; i < rows; i++) { context.moveTo(0, i * height / rows); context.lineTo(width, i * height / rows); }
    context.stroke();
  }

  frame(context, width, height, cell, thick) {
    const w = width / this.cols, h = height / this.rows;
    const x = (cell % this.cols) * w, y = Math.floor(cell / this.cols) * h;
    context.lineJoin = 'round';
    for (const [color, line] of [['#000', thick + 2.5], ['#ff5d5d', thick]]) {
      context.strokeStyle = color;
      context.lineWidth = line;
      context.strokeRect(x + 1, y + 1, w - 2, h - 2);
    }
  }
}

// place is where a cell lies, in words.
export const place = (cell, cols) => `row ${Math.floor(cell / cols) + 1}, column ${cell % cols + 1}`;
