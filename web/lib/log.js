// The log of a job with what belongs around it: search, sections, errors, links to lines, keys.

import {get, soon} from './api.js';
import {BLOCK, LogView} from './log-view.js';
import {bytes, h, note} from './parts.js';

// ---- The lines of a log, as far as they have been asked for: some hundreds at once, the last used
// blocks kept. Whoever shows them says what is wanted now; only that and its surroundings come.

const KEPT = 120;
const AT_ONCE = 2000;

export class Lines {
	total = 0;
	bytes = 0;
	isComplete = false;
	error = null;
	#blocks = new Map();
	#base;
	#changed;
	#wanted = [];
	#busy = false;
	#tail = null;
	#over = new AbortController();

	// changed(grew): some of what is wanted has come, or the log is longer than it was.
	constructor(base, changed) {
		this.#base = base;
		this.#changed = changed;
	}

	end() {
		this.#over.abort();
	}

	// {text, isCut}, or undefined when it is not here yet.
	at(n) {
		return this.#blocks.get(Math.floor(n / BLOCK))?.[n % BLOCK];
	}

	// What was thought of colours may be wrong.
	forgetColours() {
		for (const block of this.#blocks.values()) for (const line of block) if (line) line.after = undefined;
	}

	// These are being shown, in this order.
	want(numbers) {
		this.#wanted = numbers;
		for (const b of new Set([numbers[0], numbers.at(-1)].map((n) => Math.floor(n / BLOCK)))) this.#touch(b);
		if (!this.#busy) this.#fill();
	}

	// The log may have grown, or come to its end.
	async grow() {
		if (this.#tail) {
			this.#tail.again = true;
			return this.#tail.done;
		}
		const tail = this.#tail = {again: false};
		tail.done = this.#grow(tail).finally(() => {
			this.#tail = null;
		});
		return tail.done;
	}

	async #grow(tail) {
		do {
			tail.again = false;
			await this.#ask(Math.max(0, this.total - 1), BLOCK);
		} while (tail.again && !this.#over.signal.aborted);
	}

	#touch(b) {
		const block = this.#blocks.get(b);
		if (!block) return;
		this.#blocks.delete(b);
		this.#blocks.set(b, block);
	}

	async #ask(from, count) {
		const reply = await get(`${this.#base}/lines?from=${from}&count=${Math.min(count, AT_ONCE)}`, {signal: this.#over.signal});
		const grew = reply.total !== this.total || reply.bytes !== this.bytes || reply.complete !== this.isComplete;
		this.total = reply.total;
		this.bytes = reply.bytes;
		this.isComplete = reply.complete;
		this.#keep(reply.first, reply.lines, new Set(reply.cut));
		this.#changed(grew);
		return reply.lines.length;
	}

	#keep(first, texts, cut) {
		texts.forEach((text, i) => {
			const b = Math.floor((first + i) / BLOCK);
			let block = this.#blocks.get(b);
			if (!block) this.#blocks.set(b, block = []);
			if (block[(first + i) % BLOCK]?.text !== text) block[(first + i) % BLOCK] = {text, isCut: cut.has(i)};
		});
		for (const b of this.#blocks.keys()) {
			if (this.#blocks.size <= KEPT) break;
			this.#blocks.delete(b);
		}
	}

	// One question at a time: where a reader drags past, nothing piles up.
	async #fill() {
		this.#busy = true;
		try {
			for (;;) {
				const missing = this.#wanted.filter((n) => n < this.total && !this.at(n));
				if (missing.length === 0) break;
				const from = Math.floor(missing[0] / BLOCK) * BLOCK;
				const last = missing.findLast((n) => n < from + AT_ONCE - BLOCK);
				// a line that was there is asked for again only when it was dropped since
				const first = this.at(from) && missing[0] - from > 0 ? missing[0] : from;
				if (await this.#ask(first, (Math.floor(last / BLOCK) + 1) * BLOCK - first) === 0) break;
			}
			this.error = null;
		} catch (e) {
			if (e.name === 'AbortError') return;
			this.error = e;
			this.#changed(false);
		} finally {
			this.#busy = false;
		}
	}
}

// Sections of a log, and which of its lines can be seen while some of them are folded: rows are
// what is shown, one below the other, lines what the log has.

export class Folds {
	sections = [];
	colours = []; // [line, codes]: what blocks begin with, where it changes
	colour = ''; // of the last line that an outline knew of
	errors = [];
	total = 0;
	seen = 0; // lines that an outline knew of
	#folded = new Set();
	#seen = new Set();
	#hidden = []; // [{from, to, before}]: lines from..to are hidden, and so many before them
	#heads = new Map();

	// An outline from line `from` on takes the place of what was known from there; sections
	// whose beginning it does not know are those that were open.
	take(outline, from = 0) {
		const known = this.sections.filter((s) => s.first < from);
		for (const s of outline.sections) {
			const open = s.first === null && known.findLast((k) => k.last === null && k.name === s.name);
			if (open) Object.assign(open, {last: s.last, end: s.end});
			if (s.first === null) continue;
			if (s.collapsed && !this.#seen.has(key(s))) this.#folded.add(key(s));
			this.#seen.add(key(s)); // what a reader has opened stays open
			known.push({...s});
		}
		this.sections = known;
		this.errors = [...this.errors.filter((n) => n < from), ...outline.errors];
		this.seen = outline.total;
		this.colours = [...this.colours.filter(([n]) => n < from), ...outline.colours];
		this.colour = outline.colour;
		this.#heads = new Map(known.map((s) => [s.first, s]));
		this.#count();
	}

	grow(total) {
		this.total = total;
		this.#count();
	}

	head(line) {
		return this.#heads.get(line);
	}

	isFolded(section) {
		return this.#folded.has(key(section));
	}

	fold(section, yes = !this.isFolded(section)) {
		if (yes) this.#folded.add(key(section));
		else this.#folded.delete(key(section));
		this.#count();
	}

	// Opens what hides this line; true when something did.
	open(line) {
		const hiding = this.sections.filter((s) => this.isFolded(s) && line > s.first && line <= (s.last ?? Infinity));
		for (const s of hiding) this.#folded.delete(key(s));
		if (hiding.length > 0) this.#count();
		return hiding.length > 0;
	}

	get rows() {
		const last = this.#hidden.at(-1);
		return this.total - (last ? last.before + last.to - last.from + 1 : 0);
	}

	line(row) {
		const r = this.#last((h) => h.from - h.before <= row);
		return r ? row + r.before + r.to - r.from + 1 : row;
	}

	// Of a hidden line: the row above.
	row(line) {
		const r = this.#last((h) => h.from <= line);
		if (!r) return line;
		return line <= r.to ? r.from - r.before - 1 : line - r.before - (r.to - r.from + 1);
	}

	// The innermost section around a line.
	around(line) {
		return this.sections.findLast((s) => s.first <= line && line <= (s.last ?? Infinity));
	}

	#last(test) {
		let low = 0;
		let high = this.#hidden.length;
		while (low < high) {
			const middle = (low + high) >> 1;
			if (test(this.#hidden[middle])) low = middle + 1;
			else high = middle;
		}
		return this.#hidden[low - 1];
	}

	#count() {
		this.#hidden = [];
		let hidden = 0;
		let end = -1;
		for (const s of this.sections) { // in the order of their first lines
			if (!this.isFolded(s)) continue;
			const from = Math.max(s.first + 1, end + 1);
			const to = Math.min(s.last ?? Infinity, this.total - 1);
			if (to < from) continue;
			this.#hidden.push({from, to, before: hidden});
			hidden += to - from + 1;
			end = to;
		}
	}
}

const key = (s) => `${s.first}:${s.name}`;

// ---- what belongs around them

const FOLLOWS = 'End of the log; while the job runs, it is followed (G)';

function rangeOf(hash) {
	const m = /^#L(\d+)(?:-L?(\d+))?$/.exec(hash);
	if (!m || Number(m[1]) < 1) return null;
	const ends = [Number(m[1]) - 1, Number(m[2] ?? m[1]) - 1];
	return [Math.min(...ends), Math.max(...ends)];
}

const escaped = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

export class Log {
	// options: {base: address of the log's calls, raw, name: of a file}
	constructor(options) {
		this.options = options;
		this.folds = new Folds();
		this.lines = new Lines(options.base, (grew) => this.#onLines(grew));
		this.view = new LogView(this.lines, this.folds, {raw: options.raw, link: (line) => `#L${line + 1}`});
		this.view.onmove = () => this.#tell();
		this.view.node.addEventListener('click', (e) => this.#onNumber(e));
		this.hits = {lines: [], count: 0, at: -1};
		this.outline = soon(() => this.#outline(), 40);
		this.keys = (e) => this.#onKey(e);
		addEventListener('keydown', this.keys);
		this.node = h('section.panel.log-panel', {'aria-label': 'Log of the job'}, this.#bar(), this.view.node, this.#foot());
		let wraps = matchMedia('(max-width: 640px)').matches;
		try {
			wraps = JSON.parse(localStorage.getItem('log-wrap')) ?? wraps;
		} catch { /* nothing is kept here: as it begins */ }
		this.#wrap(wraps);
	}

	end() {
		removeEventListener('keydown', this.keys);
		clearTimeout(this.later);
		this.lines.end();
		this.view.end();
		this.search?.abort();
		this.isOver = true;
		window.CSS?.highlights?.delete('found');
	}

	// The first look: where the address says, else at the end of what runs or failed.
	async open(atEnd) {
		await this.lines.grow();
		this.outline();
		this.view.range = rangeOf(location.hash);
		if (this.view.range) this.view.toLine(Math.min(this.view.range[0], Math.max(0, this.lines.total - 1)));
		else if (atEnd) this.view.toEnd(true);
		else this.view.drawNow();
	}

	// It has more lines, or is complete. A lost connection is told by the frame of all pages.
	async grow() {
		try {
			await this.lines.grow();
		} catch (e) {
			if (e.status === 0) setTimeout(() => this.grow(), 2000);
			else if (e.name !== 'AbortError') this.#wrong(e);
		}
		this.#outlineLater();
	}

	#onLines(grew) {
		if (this.isOver) return;
		this.#wrong(this.lines.error);
		if (grew) {
			this.folds.grow(this.lines.total);
			this.view.grown();
		} else this.view.draw();
		this.#tell();
	}

	/* ---- sections and errors ---- */

	#outlineLater() {
		if (this.folds.seen >= this.lines.total && this.wasComplete === this.lines.isComplete) return;
		this.later ??= setTimeout(() => {
			this.later = null;
			this.outline();
		}, 400);
	}

	// Of the lines that are new since the last one.
	async #outline() {
		if (this.isOver) return;
		const from = Math.max(0, this.folds.seen - 1);
		try {
			this.errorsButton.textContent = from === 0 ? 'looking for errors' : this.errorsButton.textContent;
			const found = await get(`${this.options.base}/outline?from=${from}&colour=${encodeURIComponent(from ? this.folds.colour : '')}`, {isLong: true});
			if (this.isOver) return;
			this.wasComplete = this.lines.isComplete;
			const top = this.view.top;
			this.folds.take(found, from);
			if (found.colours.length > 0) this.lines.forgetColours();
			this.folds.grow(this.lines.total);
			if (this.view.range) this.folds.open(this.view.range[0]);
			if (!this.view.isFollowing && found.sections.some((s) => s.collapsed)) this.view.keep(top);
			this.view.grown();
		} catch (e) {
			if (!this.isOver) this.#wrong(e);
			if (e.status === 0) throw e; // soon() tries again
		}
		this.#tellErrors();
		this.onoutline?.(this.folds.sections);
	}

	#tellErrors() {
		const n = this.folds.errors.length;
		this.errorsButton.disabled = n === 0;
		this.errorsButton.textContent = n === 0 ? 'No errors' : n === 1 ? '1 error line' : `${n >= 1000 ? 'Over 1,000' : n} error lines`;
	}

	nextError() {
		const all = this.folds.errors;
		if (all.length === 0) return;
		const next = all.find((n) => this.error === undefined || n > this.error) ?? all[0];
		this.error = next;
		this.#point([next, next]);
	}

	/* ---- lines and ranges ---- */

	#point(range, {inAddress = false} = {}) {
		this.view.range = range;
		this.view.toLine(range[0], {always: !inAddress});
		if (!inAddress) return;
		history.replaceState({}, '', `${location.pathname}${location.search}#L${range[0] + 1}${range[1] > range[0] ? `-${range[1] + 1}` : ''}`);
	}

	#onNumber(e) {
		const a = e.target.closest('a.no');
		if (!a || e.button !== 0 || e.ctrlKey || e.metaKey) return;
		e.preventDefault();
		const line = Number(a.parentNode.dataset.line);
		const from = e.shiftKey && this.view.range ? this.view.range[0] : line;
		getSelection()?.removeAllRanges();
		this.#point([Math.min(from, line), Math.max(from, line)], {inAddress: true});
	}

	/* ---- search ---- */

	#searchSoon() {
		clearTimeout(this.typing);
		this.typing = setTimeout(() => this.#search(), 200);
	}

	async #search() {
		clearTimeout(this.typing);
		const q = this.input.value;
		const key = JSON.stringify([q, this.isRegex.checked, this.isCase.checked]);
		if (key === this.asked) return;
		this.asked = key;
		this.search?.abort();
		this.hits = {lines: [], count: 0, at: -1};
		this.view.found = this.#regexp(q);
		this.#tellHits(q === '' ? '' : 'searching');
		this.view.draw();
		if (q === '') return;
		this.search = new AbortController();
		try {
			const ask = new URLSearchParams({q, regex: this.isRegex.checked, case: this.isCase.checked});
			this.hits = {...await get(`${this.options.base}/search?${ask}`, {signal: this.search.signal, isLong: true}), at: -1};
			this.#tellHits();
			if (this.hits.count > 0) this.#toHit(this.#nearest());
		} catch (e) {
			if (e.name !== 'AbortError') this.#tellHits(e.message);
		}
	}

	#nearest() {
		const i = this.hits.lines.findIndex((n) => n >= this.view.top);
		return Math.max(0, i);
	}

	// What the server finds is what counts; here it is only marked.
	#regexp(q) {
		if (q === '') return null;
		try {
			return new RegExp(this.isRegex.checked ? q : escaped(q), this.isCase.checked ? 'gu' : 'giu');
		} catch {
			return null;
		}
	}

	#toHit(i) {
		const n = this.hits.lines.length;
		if (n === 0) return;
		this.hits.at = (i + n) % n;
		const line = this.hits.lines[this.hits.at];
		this.view.range = [line, line];
		this.view.toLine(line, {always: false});
		this.#tellHits();
	}

	async step(by) {
		await this.#search();
		if (this.hits.count > 0) this.#toHit(this.hits.at + by);
	}

	#tellHits(text) {
		const {count, lines, at} = this.hits;
		const of = count > lines.length ? `first ${lines.length.toLocaleString('en')} of ${count.toLocaleString('en')}` : count.toLocaleString('en');
		this.count.textContent = text ?? (count === 0 ? 'not found' : at < 0 ? `${of} lines` : `${at + 1} of ${of}`);
		for (const b of this.steps) b.disabled = count === 0;
	}

	/* ---- around it ---- */

	#bar() {
		const check = (text, name) => h('label.log-check', {title: name}, h('input', {type: 'checkbox', 'aria-label': name, onchange: () => this.#search()}), h('span', {'aria-hidden': 'true'}, text));
		this.input = h('input', {type: 'search', placeholder: 'Search (/)', 'aria-label': 'Search in the log', spellcheck: 'false', autocomplete: 'off', oninput: () => this.#searchSoon(), onkeydown: (e) => {
			if (e.key === 'Enter') this.step(e.shiftKey ? -1 : this.hits.at < 0 ? 0 : 1);
			else if (e.key === 'Escape') this.view.node.focus();
		}});
		const regex = check('.*', 'Regular expression');
		const letters = check('Aa', 'Match case');
		this.isRegex = regex.firstChild;
		this.isCase = letters.firstChild;
		this.count = h('span.small.dim.nowrap', {role: 'status'});
		this.steps = [['↑', 'Previous match (N)', -1], ['↓', 'Next match (n)', 1]].map(([text, name, by]) =>
			h('button', {'aria-label': name, title: name, disabled: true, onclick: () => this.step(by)}, text));
		this.errorsButton = h('button', {title: 'Next line that tells of an error (e)', disabled: true, onclick: () => this.nextError()}, 'No errors');
		this.wrapButton = h('button', {title: 'Wrap long lines (w)', onclick: () => this.#changeWrap()}, 'Wrap');
		this.timesButton = h('button', {hidden: true, title: 'Show when each line was written (t)', onclick: () => this.#times()}, 'Times');
		return h('header.log-bar', null,
			h('search.row.grow', null, this.input, regex, letters, this.steps, this.count),
			h('div.row.wrap', null, this.errorsButton, this.timesButton, this.wrapButton,
				h('a.button', {href: this.options.raw, target: '_blank', title: 'The log as it is'}, 'Raw'),
				h('a.button', {href: this.options.raw, download: this.options.name}, 'Download')));
	}

	#foot() {
		this.where = h('span.cut.grow');
		this.size = h('span.nowrap');
		this.endButton = h('button', {title: FOLLOWS, onclick: () => this.view.toEnd(true)}, 'End');
		return h('footer.log-foot.row.small.dim', null, this.where, this.size,
			h('button', {title: 'Beginning of the log (g)', onclick: () => this.view.toStart()}, 'Top'), this.endButton);
	}

	#wrong(error) {
		if (error && error.message !== this.told) note(error.message, 'bad');
		this.told = error?.message;
	}

	#tell() {
		const section = this.folds.around(this.view.top);
		this.where.textContent = section ? section.title || section.name : '';
		const n = this.lines.total;
		this.size.textContent = `${n.toLocaleString('en')} ${n === 1 ? 'line' : 'lines'}, ${bytes(this.lines.bytes)}`;
		this.endButton.textContent = this.lines.isComplete ? 'End' : this.view.isFollowing ? 'Following' : 'Follow';
		this.endButton.setAttribute('aria-pressed', String(this.view.isFollowing));
		if (this.timesButton.hidden && this.view.hasTimes) {
			this.timesButton.hidden = false;
			this.#times(true);
		}
	}

	#wrap(yes) {
		this.view.setWrapped(yes);
		this.wrapButton.setAttribute('aria-pressed', String(yes));
	}

	#changeWrap() {
		const yes = !this.view.isWrapped;
		this.#wrap(yes);
		try {
			localStorage.setItem('log-wrap', JSON.stringify(yes));
		} catch { /* it is not kept, then */ }
	}

	#times(yes = !this.view.node.classList.contains('times')) {
		this.view.node.classList.toggle('times', yes);
		this.timesButton.setAttribute('aria-pressed', String(yes));
		this.view.setWrapped(this.view.isWrapped); // lines may have become longer
	}

	#onKey(e) {
		if (e.ctrlKey || e.metaKey || e.altKey || e.defaultPrevented || e.target.closest?.('input, textarea, select, dialog')) return;
		const page = () => this.view.node.clientHeight * 0.9;
		const keys = {
			'/': () => {
				this.input.focus();
				this.input.select();
			},
			n: () => this.step(1), N: () => this.step(-1), e: () => this.nextError(), w: () => this.#changeWrap(),
			t: () => !this.timesButton.hidden && this.#times(), g: () => this.view.toStart(), l: () => this.#point([this.view.top, this.view.top], {inAddress: true}), G: () => this.view.toEnd(true),
			Home: () => this.view.toStart(), End: () => this.view.toEnd(true),
			PageDown: () => this.view.scroll(page()), PageUp: () => this.view.scroll(-page()),
			ArrowDown: () => this.view.scroll(60), ArrowUp: () => this.view.scroll(-60),
		};
		if (!keys[e.key]) return;
		e.preventDefault();
		keys[e.key]();
	}
}
