// A list of any number of rows of which only the visible ones exist. What is seen hangs in a
// frame that stays where it is while a tall, empty element is scrolled behind it. Browsers end
// elements at some 33 million pixels: what would be taller is scrolled in proportion, small
// movements apart, which move by as many pixels as they say.

import {duration, h} from './parts.js';

export const BLOCK = 256; // lines; whose colours at the beginning an outline tells
const ROW = 20;
const TALLEST = 8e6;
const LONGEST = 4000; // characters of a line that are drawn before somebody asks for more

export class LogView {
	isWrapped = false;
	isFollowing = false;
	hasTimes = false; // some line said when it was written
	range = null; // [first, last] lines that the address names
	found = null; // what is marked as found: a RegExp
	onmove = () => {};
	#lines;
	#folds;
	#row = 0; // the topmost row, and how many pixels of it are above
	#px = 0;
	#last = 0; // where it was scrolled to, as far as we know
	#drawn = new Map(); // line: node
	#heights = new Map(); // line: pixels, while lines wrap
	#average = ROW;
	#whole = new Set(); // long lines that are shown whole
	#request = null;
	#settle = null;
	#isPinned = false; // to the end, though rows above it are still to get their height
	#options;

	// options: {link(line), raw} addresses of a line and of the whole text.
	constructor(lines, folds, options) {
		this.#lines = lines;
		this.#folds = folds;
		this.#options = options;
		this.list = h('div.log-rows');
		this.frame = h('div.log-frame', null, this.list);
		this.space = h('div.log-space', null, this.frame);
		this.node = h('div.log', {tabIndex: 0, role: 'region', 'aria-label': 'Log', onscroll: () => this.#onScroll()}, this.space);
		this.size = new ResizeObserver(() => this.#onSize());
		this.size.observe(this.node);
	}

	end() {
		this.size.disconnect();
		cancelAnimationFrame(this.#request);
		clearTimeout(this.#settle);
	}

	/* ---- where ---- */

	get #rows() {
		return this.#folds.rows;
	}

	get #height() {
		return this.node.clientHeight;
	}

	get #isScaled() {
		return this.isWrapped || this.#rows * ROW > TALLEST;
	}

	get top() {
		return this.#folds.line(this.#row);
	}

	get isAtEnd() {
		if (!this.isWrapped) return this.#row * ROW + this.#px >= this.#rows * ROW - this.#height - 4;
		const last = this.#drawn.get(this.#folds.line(this.#rows - 1));
		return this.#rows === 0 || (last !== undefined && last.getBoundingClientRect().bottom <= this.node.getBoundingClientRect().bottom + 8);
	}

	#heightOf(row) {
		return this.isWrapped ? this.#heights.get(this.#folds.line(row)) ?? this.#average : ROW;
	}

	// Not past the end; where lines wrap, that is known when they are drawn: #measure().
	#moveTo(row, px = 0) {
		if (!this.isWrapped) {
			px = Math.max(0, Math.min(row * ROW + px, this.#rows * ROW - this.#height));
			row = Math.floor(px / ROW);
			px -= row * ROW;
		}
		this.#row = Math.max(0, Math.min(row, this.#rows - 1));
		this.#px = this.#row === row ? px : 0;
	}

	#moveBy(pixels) {
		let row = this.#row;
		let px = this.#px + pixels;
		while (px < 0 && row > 0) px += this.#heightOf(--row);
		while (px >= this.#heightOf(row) && row < this.#rows - 1) px -= this.#heightOf(row++);
		this.#moveTo(row, Math.max(0, px));
	}

	// The bar of the browser says where we are, not the other way round. It is at its ends, and
	// where a turn of the wheel reaches them, only when we are: else there is no way on.
	#tellBar() {
		const most = this.node.scrollHeight - this.#height;
		let at = this.#row * ROW + this.#px;
		if (this.#isScaled) {
			at = this.#isShort ? this.#sum(this.#row) + this.#px : (this.#row + this.#px / Math.max(ROW, this.#heightOf(this.#row))) / Math.max(1, this.#rows - this.#height / this.#average) * most;
			const room = this.#isShort ? 2 : Math.min(this.#height, most / 2);
			if (this.#row > 0 || this.#px > 0) at = Math.max(room, at);
			at = this.isAtEnd ? most : Math.min(most - room, at);
		}
		if (Math.abs(this.node.scrollTop - at) >= 1) this.node.scrollTop = at;
		this.#last = this.node.scrollTop;
	}

	// So few rows that the heights of all of them can be summed up.
	get #isShort() {
		return this.isWrapped && this.#rows < 2000;
	}

	#sum(end) {
		let sum = 0;
		for (let row = 0; row < end; row++) sum += this.#heightOf(row);
		return sum;
	}

	#onScroll() {
		const at = this.node.scrollTop;
		const by = at - this.#last;
		const most = this.node.scrollHeight - this.#height;
		this.#last = at;
		// sideways, our own doing, or the log's end has come nearer
		if (Math.abs(by) < 1 || (this.#isPinned && at >= most - 1)) return this.draw();
		this.#isPinned = false;
		if (!this.#isScaled) this.#moveTo(Math.floor(at / ROW), at % ROW);
		else if (Math.abs(by) <= this.#height * 1.2) this.#moveBy(by); // also at the bar's ends: it is set right soon
		else if (at <= 0) this.#moveTo(0);
		else if (at >= most - 1) return this.toEnd(true);
		else this.#moveTo(Math.floor(at / most * (this.#rows - this.#height / this.#average)));
		this.drawNow();
		this.#setFollowing(by > 0 && this.isAtEnd);
		if (this.#isScaled) {
			clearTimeout(this.#settle);
			this.#settle = setTimeout(() => this.#tellBar(), at <= 1 || at >= most - 1 ? 0 : 180);
		}
		return undefined;
	}

	#setFollowing(yes) {
		this.isFollowing = yes && !this.#lines.isComplete;
		this.onmove();
	}

	#onSize() {
		this.#heights.clear();
		if (this.isFollowing) this.toEnd(true);
		else this.drawNow();
	}

	/* ---- moving ---- */

	// Brings a line into view, a third of the way down; not when it can be seen anyway.
	toLine(line, {always = true} = {}) {
		this.#folds.open(line);
		const node = this.#drawn.get(line)?.getBoundingClientRect();
		const box = this.node.getBoundingClientRect();
		const isSeen = node && node.top >= box.top && node.bottom <= box.bottom - 8;
		this.isFollowing = this.#isPinned = false;
		if (always || !isSeen) {
			this.#moveTo(this.#folds.row(line));
			this.#moveBy(-Math.round(this.#height / 3 / ROW) * ROW);
		}
		this.drawNow();
		this.#tellBar();
		this.onmove();
	}

	toStart() {
		this.toLine(0);
	}

	toEnd(follow = false) {
		this.#isPinned = true;
		this.drawNow();
		this.#tellBar();
		this.#setFollowing(follow);
	}

	scroll(pixels) {
		this.node.scrollBy({top: pixels, left: 0});
	}

	// The rows above are others now; this line stays where it is.
	keep(line) {
		if (this.#isPinned) return;
		this.#moveTo(this.#folds.row(line), this.#px);
		this.drawNow();
		this.#tellBar();
	}

	// The log is longer, or folded differently.
	grown() {
		if (this.isFollowing) this.toEnd(true);
		else this.draw();
	}

	setWrapped(yes) {
		const top = this.#row;
		const follow = this.isFollowing;
		this.isWrapped = yes;
		this.#heights.clear();
		this.node.classList.toggle('wraps', yes);
		this.space.style.setProperty('min-width', '100%');
		this.#moveTo(top);
		this.drawNow();
		if (follow) this.toEnd(true);
		else this.#tellBar();
	}

	// All that is drawn is drawn anew.
	redraw() {
		for (const node of this.#drawn.values()) node.remove();
		this.#drawn.clear();
		this.drawNow();
	}

	/* ---- drawing ---- */

	draw() {
		this.#request ??= requestAnimationFrame(() => this.drawNow());
	}

	drawNow() {
		cancelAnimationFrame(this.#request);
		this.#request = null;
		const height = this.#height;
		if (height === 0) return;
		if (this.#isPinned) this.#moveTo(this.#rows);
		else this.#moveTo(this.#row, this.#px);
		this.node.style.setProperty('--digits', String(Math.max(3, String(this.#folds.total).length)));
		if (!this.isWrapped) {
			this.space.style.setProperty('height', `${Math.min(TALLEST, Math.max(1, this.#rows * ROW))}px`);
			this.frame.style.setProperty('height', `${Math.min(height, this.#rows * ROW)}px`);
		}
		this.#place(height);
		if (this.isWrapped) this.#measure(height);
		else this.#widen();
		this.#mark();
		this.onmove();
	}

	#place(height) {
		const above = this.isWrapped ? Math.ceil(height / ROW) : 0;
		const first = Math.max(0, this.#row - above);
		const end = Math.min(this.#rows, this.#row + Math.ceil((height + this.#px) / ROW) + 1);
		const wanted = [];
		for (let row = first; row < end; row++) wanted.push(this.#folds.line(row));
		this.#show(wanted);
		this.shown = wanted;
		let up = this.#px;
		if (this.isWrapped) {
			for (const line of wanted) this.#heights.set(line, this.#drawn.get(line).offsetHeight);
			for (let row = first; row < this.#row; row++) up += this.#heightOf(row);
		}
		this.list.style.setProperty('transform', `translateY(${-up}px)`);
		if (wanted.length > 0) this.#lines.want(wanted);
	}

	#show(wanted) {
		const keep = new Set(wanted);
		for (const [line, node] of this.#drawn) {
			if (keep.has(line)) continue;
			node.remove();
			this.#drawn.delete(line);
		}
		let at = this.list.firstElementChild;
		for (const line of wanted) {
			const node = this.#drawn.get(line) ?? this.#make(line);
			this.#fill(node, line);
			if (node === at) at = at.nextElementSibling;
			else this.list.insertBefore(node, at);
		}
	}

	// Where lines wrap, how tall they are is known when they are drawn: the last one's end stays
	// at the end of what is seen.
	#measure(height) {
		const all = [...this.#heights.values()];
		const average = all.reduce((a, b) => a + b, 0) / Math.max(1, all.length);
		if (Math.abs(average - this.#average) > this.#average / 10) this.#average = Math.max(ROW, average);
		if (this.#heights.size > 5000) this.#heights.clear();
		const tall = this.#isShort ? this.#sum(this.#rows) : this.#rows * this.#average;
		this.space.style.setProperty('height', `${Math.min(TALLEST, Math.max(height, tall))}px`);
		this.frame.style.setProperty('height', `${height}px`);
		if (this.space.was !== tall) this.#last = this.node.scrollTop; // what the browser moved was not moved by a reader
		this.space.was = tall;
		let below = -this.#px;
		for (let row = this.#row; row < this.#rows && below < height; row++) below += this.#heightOf(row);
		if (below >= height || (this.#row === 0 && this.#px === 0)) return;
		this.#moveBy(below - height);
		this.#place(height);
	}

	// Sideways it does not shrink again while one looks: nothing jumps.
	#widen() {
		const wide = this.list.scrollWidth;
		if (wide > this.space.clientWidth) this.space.style.setProperty('min-width', `${wide}px`);
	}

	// Tab leads past the numbers: there would be no end of them.
	#make(line) {
		const node = h('div.ln', null, h('a.no', {tabIndex: -1, href: this.#options.link(line), 'aria-label': `Line ${line + 1}`}, String(line + 1)));
		node.dataset.line = line;
		this.#drawn.set(line, node);
		return node;
	}

	// A colour goes on until something ends it: from the lines above, or as the outline has it.
	#begin(line) {
		let n = line;
		const before = () => this.#lines.at(n - 1);
		while (n % BLOCK > 0 && before() && !before().after) n--;
		const known = n % BLOCK === 0 && n < this.#folds.seen;
		let style = known ? parse(`\x1b[${this.#folds.colours.findLast(([k]) => k <= n)?.[1] ?? ''}m`).style : before()?.after ?? PLAIN;
		while (n++ < line) style = before().after = parse(before().text, style).style;
		return style;
	}

	#fill(node, line) {
		const text = this.#lines.at(line);
		const head = this.#folds.head(line);
		const folded = head && this.#folds.isFolded(head);
		node.classList.toggle('on', this.range !== null && line >= this.range[0] && line <= this.range[1]);
		const begin = this.#begin(line);
		const now = `${head ? `${folded} ${head.end} ` : ''}${JSON.stringify(begin)}`;
		if (node.text === text && node.state === now) return;
		node.text = text;
		node.state = now;
		while (node.childNodes.length > 1) node.lastChild.remove();
		if (!text) return;
		const parsed = parse(text.text, begin);
		text.after = parsed.style;
		if (head) node.append(this.#button(head, folded));
		this.hasTimes ||= parsed.time !== undefined;
		if (parsed.time) node.append(h('time.at', {datetime: parsed.time, title: parsed.time}, parsed.time.slice(11, 19)));
		node.append(this.#text(line, text, parsed), ...(head ? [this.#took(head)] : []));
		node.classList.toggle('begins', Boolean(head));
		node.classList.toggle('err', parsed.isError);
	}

	#button(head, folded) {
		return h('button.fold', {'aria-expanded': String(!folded), 'aria-label': `Section ${head.title || head.name}`, onclick: () => {
			this.#folds.fold(head);
			this.grown();
			this.drawNow();
			this.#tellBar();
		}});
	}

	#took(head) {
		return h('span.took', null, head.end === null ? '' : duration((head.end - head.start) * 1000));
	}

	#text(line, text, {pieces}) {
		const node = h('span.tx', {dir: 'ltr'});
		let room = this.#whole.has(line) ? Infinity : LONGEST;
		let left = 0;
		for (const p of pieces) {
			const part = p.text.slice(0, Math.max(0, room));
			room -= part.length;
			left += p.text.length - part.length;
			if (part === '') continue;
			if (p.style === PLAIN && !p.control) {
				node.append(part);
				continue;
			}
			const span = h(p.control ? 'span.ctl' : 'span', null, part);
			paint(span, p.style);
			node.append(span);
		}
		if (left > 0) node.append(h('button.rest', {onclick: () => {
			this.#whole.add(line);
			this.redraw();
		}}, `${left.toLocaleString('en')} characters more`));
		else if (text.isCut) node.append(h('a.rest', {href: this.#options.raw, target: '_blank'}, 'the line is longer: see the raw log'));
		return node;
	}

	// Found text is marked without changing what is there.
	#mark() {
		if (!window.CSS?.highlights) return;
		CSS.highlights.delete('found');
		if (!this.found) return;
		const ranges = [];
		for (const node of this.#drawn.values()) {
			const text = node.querySelector('.tx');
			if (text && ranges.length < 2000) ranges.push(...matches(text, this.found));
		}
		CSS.highlights.set('found', new Highlight(...ranges));
	}
}

function matches(node, regexp) {
	const parts = [];
	const walk = document.createTreeWalker(node, NodeFilter.SHOW_TEXT);
	let all = '';
	while (walk.nextNode()) {
		parts.push([all.length, walk.currentNode]);
		all += walk.currentNode.data;
	}
	const place = (i) => {
		const [from, text] = parts.findLast(([begin]) => begin <= i);
		return [text, Math.min(text.length, i - from)];
	};
	const out = [];
	for (const m of all.matchAll(regexp)) {
		if (m[0] === '' || out.length > 100) continue;
		const range = new Range();
		range.setStart(...place(m.index));
		range.setEnd(...place(m.index + m[0].length - 1));
		range.setEnd(range.endContainer, range.endOffset + 1);
		out.push(range);
	}
	return out;
}

// ---- What a terminal would show of one line: pieces of text with their looks. No escape sequence
// does anything here but colour text; what else a line tries is dropped or shown as what it is.

const MARK = /section_(?:start|end):\d+:[\w.-]+(?:\[[^\]\r]*\])?(?:\r|$)/g;
const TIMES = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z) ?(?:[0-9a-f]{2}([OE])[+ ])?/;
const PARTS = /\x1b\[([0-?]*)[ -/]*([@-~])?|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b[ -/]*[0-Z\\^-~]?|\r+|[\x00-\x08\x0b-\x1f\x7f-\x9f]|[\u061c\u200b\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]/g;
const PLAIN = Object.freeze({});

const COLOURS = [[0, 0, 0], [194, 54, 33], [37, 160, 60], [173, 135, 10], [60, 90, 220], [185, 60, 185], [30, 150, 170], [203, 204, 205],
	[110, 115, 120], [252, 80, 60], [70, 215, 90], [234, 205, 60], [100, 140, 255], [249, 100, 248], [60, 225, 235], [255, 255, 255]];

function indexed(n) {
	if (n < 16) return n;
	if (n > 231) return Array(3).fill(8 + (n - 232) * 10);
	return [36, 6, 1].map((k) => {
		const level = Math.floor((n - 16) / k) % 6;
		return level === 0 ? 0 : 55 + level * 40;
	});
}

// "38;5;n" and "38;2;r;g;b", also with colons; gives the colour and how many numbers it took.
function extended(codes, i) {
	const byte = (k) => Math.min(255, codes[k] || 0);
	if (codes[i + 1] === 5) return [indexed(byte(i + 2)), 2];
	if (codes[i + 1] === 2) return [[byte(i + 2), byte(i + 3), byte(i + 4)], 4];
	return [undefined, 0];
}

const SETS = {1: {bold: true}, 2: {dim: true}, 3: {italic: true}, 4: {under: true}, 7: {inverse: true}, 9: {struck: true},
	22: {bold: false, dim: false}, 23: {italic: false}, 24: {under: false}, 27: {inverse: false}, 29: {struck: false}, 39: {fg: undefined}, 49: {bg: undefined}};

function changed(style, text) {
	const codes = text.replace(/([34]8:2):\d*:(?=\d*:\d*:\d)/g, '$1:').split(/[;:]/).map(Number);
	for (let i = 0; i < codes.length; i++) {
		const n = codes[i];
		if (n === 0) style = PLAIN;
		else if (n === 38 || n === 48) {
			const [colour, took] = extended(codes, i);
			i += took;
			style = {...style, [n === 38 ? 'fg' : 'bg']: colour};
		} else if (SETS[n]) style = {...style, ...SETS[n]};
		else if ((n >= 30 && n < 38) || (n >= 90 && n < 98)) style = {...style, fg: n < 38 ? n - 30 : n - 82};
		else if ((n >= 40 && n < 48) || (n >= 100 && n < 108)) style = {...style, bg: n < 48 ? n - 40 : n - 92};
	}
	return style;
}

const shown = (c) => (c < ' ' ? `^${String.fromCharCode(c.charCodeAt(0) + 64)}` : `U+${c.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}`);

// {time, isError, pieces: [{text, style, control}], style: what the next line begins with}
function parse(line, style = PLAIN) {
	const stamp = TIMES.exec(line);
	const text = line.slice(stamp?.[0].length ?? 0).replace(MARK, '');
	let pieces = [];
	let returned = false;
	const put = (t, control = false) => {
		if (t === '') return;
		if (returned) pieces = []; // it is written over
		returned = false;
		pieces.push({text: t, style, control});
	};
	let from = 0;
	for (const m of text.matchAll(PARTS)) {
		put(text.slice(from, m.index));
		from = m.index + m[0].length;
		if (m[2] === 'm') style = changed(style, m[1]);
		else if (m[0][0] === '\r') returned = true;
		else if (m[0][0] !== '\x1b') put(shown(m[0]), true);
	}
	put(text.slice(from));
	return {time: stamp?.[1], isError: stamp?.[2] === 'E', pieces, style};
}

const channel = (v) => ((v /= 255) <= 0.04 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
const rgb = (c) => `rgb(${c.map(Math.round).join(' ')})`;
const fixed = (c) => (typeof c === 'number' ? COLOURS[c] : c);

// The same colour, as far as it can be read on a light and on a dark ground: app.css takes one.
function readable(c, put) {
	let dark = c;
	let bright = c;
	while (light(dark) > 0.17) dark = dark.map((v) => v * 0.88);
	while (light(bright) < 0.2) bright = bright.map((v) => v + (255 - v) * 0.12);
	put('--on-light', rgb(dark));
	put('--on-dark', rgb(bright));
}

function on(ground, fg) {
	const a = light(ground);
	const c = fg === undefined ? undefined : fixed(fg);
	const contrast = c && (Math.max(light(c), a) + 0.05) / (Math.min(light(c), a) + 0.05);
	return contrast >= 3 ? rgb(c) : a > 0.18 ? '#000' : '#fff';
}

function paint(node, style) {
	let {fg, bg} = style;
	const put = (k, v) => node.style.setProperty(k, v);
	if (style.inverse) [fg, bg] = [bg, fg];
	if (style.inverse && bg === undefined) {
		put('background', 'var(--text)');
		put('color', 'var(--panel)');
	} else if (bg !== undefined) {
		put('background', rgb(fixed(bg)));
		put('color', on(fixed(bg), fg));
	} else if (typeof fg === 'number') put('color', `var(--c${fg})`);
	else if (fg !== undefined) {
		node.classList.add('own');
		readable(fg, put);
	}
	if (style.bold) put('font-weight', '700');
	if (style.dim) put('opacity', '.75');
	if (style.italic) put('font-style', 'italic');
	if (style.under || style.struck) put('text-decoration', [style.under && 'underline', style.struck && 'line-through'].filter(Boolean).join(' '));
}
