// A pipeline's jobs and whom they need, drawn: a column for each stage, lines between them. A state
// that changes is changed in place; nothing is drawn anew. Of many jobs those that are seen are
// drawn first, the others in the time after.

import {counting, duration, h, jobWord, reconcile, shape, statusOf, svg, took} from './parts.js';

const GAP = 52; // between columns, where the lines are
const ROW = 30;
const TOP = 34; // the names of stages
const AT_ONCE = 100; // of those that are not seen

// "unit 2/5" and "unit: [gcc]" are instances of one job.
const baseOf = (name) => name.replace(/(: \[.*\]| \d+\/\d+)$/, '');

// Columns of groups of jobs. A group is the instances of one job; most have one.
function arrange(jobs) {
	const columns = new Map();
	for (const job of jobs) {
		if (!columns.has(job.stage_index)) columns.set(job.stage_index, {stage: job.stage, groups: new Map()});
		const {groups} = columns.get(job.stage_index);
		const key = baseOf(job.name);
		if (!groups.has(key)) groups.set(key, {name: key, jobs: []});
		groups.get(key).jobs.push(job);
	}
	return [...columns].sort(([a], [b]) => a - b).map(([, c]) => ({stage: c.stage, groups: [...c.groups.values()]}));
}

const canvas = document.createElement('canvas').getContext('2d');

function cut(text, width) {
	if (canvas.measureText(text).width <= width) return text;
	let [from, to] = [0, text.length];
	while (to - from > 1) {
		const middle = (from + to) >> 1;
		if (canvas.measureText(`${text.slice(0, middle)}…`).width <= width) from = middle;
		else to = middle;
	}
	return `${text.slice(0, from)}…`;
}

// Whom a job waits for: by its needs, or all of the stages before.
function before(job, jobs) {
	return job.needs ? job.needs.map((i) => jobs.get(i)).filter(Boolean) : [...jobs.values()].filter((j) => j.stage_index < job.stage_index);
}

// The chain of jobs that determined when the pipeline ended: from the last one back, each time to
// the last of those it waited for.
export function criticalPath(list) {
	const jobs = new Map(list.map((j) => [j.index, j]));
	const last = (some) => some.filter((j) => j.started_at && j.finished_at).reduce((a, b) => (!a || b.finished_at > a.finished_at ? b : a), null);
	const chain = [];
	for (let job = last(list); job && !chain.includes(job); job = last(before(job, jobs))) chain.unshift(job);
	return chain;
}

function line(from, to) {
	if (from.x === to.x) {
		const x = from.x;
		return `M${x} ${from.y}C${x - 26} ${from.y} ${x - 26} ${to.y} ${x} ${to.y}`;
	}
	const [x1, x2] = [from.x + from.width, to.x];
	const bend = Math.min(GAP, (x2 - x1) / 2);
	return `M${x1} ${from.y}C${x1 + bend} ${from.y} ${x2 - bend} ${to.y} ${x2} ${to.y}`;
}

// What is drawn often is copied: that is several times quicker than to put each together.
const patterns = new Map();

function copyOf(key, make) {
	if (!patterns.has(key)) patterns.set(key, make());
	return patterns.get(key).cloneNode(true);
}

const part = (name, props) => copyOf(name + Object.values(props), () => svg(name, props));
const mark = (status) => copyOf(status, () => {
	const parts = [...shape(status).children];
	const node = parts.length > 1 ? svg('g', null, parts) : parts[0];
	node.setAttribute('transform', 'translate(8 5)');
	return node;
});

export class Graph {
	#href;
	#jobs = new Map(); // by their place in the plan
	#nodes = new Map();
	#edges = [];
	#columns = [];
	#said = '';
	#tracing = null;
	#from = 0; // when the first began, and the last ended
	#to = 0;
	#rest = null; // the timer for what is not drawn yet
	#critical = svg('g', {class: 'critical-lines'});
	#lines = svg('path', {class: 'lines'});
	#traced = svg('path', {class: 'lines on'});

	// href(job) is where a job's page is
	constructor(href) {
		this.#href = href;
		this.node = h('div.graph', {tabIndex: -1});
		this.node.addEventListener('pointerover', (e) => this.#trace(e.target.closest('.node')));
		this.node.addEventListener('pointerleave', () => this.#trace(null));
		this.node.addEventListener('focusin', (e) => this.#enter(e.target.closest('.node')));
		this.node.addEventListener('focusout', () => this.#trace(null));
		this.node.addEventListener('keydown', (e) => this.#move(e));
	}

	// chain: the critical path; empty while it is open
	update(jobs, chain) {
		const says = jobs.map((j) => `${j.index} ${j.stage_index} ${j.name}`).join('\n');
		this.#jobs = new Map(jobs.map((j) => [j.index, j]));
		if (says !== this.#said) {
			this.#said = says;
			this.#trace(null);
			this.#draw(jobs);
		}
		const ran = jobs.filter((j) => j.started_at);
		this.#from = Math.min(...ran.map((j) => Date.parse(j.started_at)));
		this.#to = Math.max(...ran.map((j) => (j.finished_at ? Date.parse(j.finished_at) : Date.now())));
		for (const job of jobs) this.#change(this.#nodes.get(job.index), job);
		this.#fillSeen();
		this.#fillRest();
		this.#markCritical(chain);
	}

	#draw(jobs) {
		const columns = arrange(jobs);
		const room = (this.node.clientWidth || innerWidth - 32) - 24;
		const width = Math.round(Math.max(172, Math.min(290, (room - GAP * (columns.length - 1)) / columns.length)));
		const ends = new Map(); // a job's place in the plan → its group
		canvas.font = `13px ${getComputedStyle(document.body).fontFamily}`;
		this.#nodes.clear();
		this.#columns = columns.map((c) => c.groups.flatMap((g) => g.jobs.map((j) => j.index)));
		const drawn = columns.map((c, i) => this.#column(c, 12 + i * (width + GAP), width, ends));
		this.#connect(jobs, ends);
		const height = Math.max(...columns.map((c) => c.height));
		this.node.replaceChildren(svg('svg', {width: 24 + columns.length * (width + GAP) - GAP, height, role: 'group',
			'aria-label': 'Jobs by stage, and whom they need. Arrow keys go from job to job.'},
		this.#lines, this.#critical, this.#traced, drawn));
		this.#nodes.get(this.#columns[0]?.[0])?.a.setAttribute('tabindex', '0');
	}

	#column(column, x, width, ends) {
		const nodes = [svg('text', {class: 'stage', x, y: 18}, cut(column.stage, width))];
		let y = TOP;
		for (const group of column.groups) {
			const many = group.jobs.length > 1;
			const end = {x, width, y: y + ROW / 2, name: group.name};
			if (many) {
				nodes.push(svg('rect', {class: 'group', x, y, width, height: (group.jobs.length + 1) * ROW + 4, rx: 6}),
					svg('text', {class: 'group-name', x: x + 10, y: y + 20}, cut(`${group.name} × ${group.jobs.length}`, width - 20)));
				y += ROW;
			}
			for (const job of group.jobs) {
				ends.set(job.index, end);
				nodes.push(this.#make(job, many ? x + 4 : x, y, many ? width - 8 : width));
				y += ROW;
			}
			y += many ? 12 : 8;
		}
		column.height = y + 4;
		return nodes;
	}

	#make(job, x, y, width) {
		const a = part('a', {class: 'node', tabindex: '-1'});
		a.setAttribute('transform', `translate(${x} ${y})`);
		a.dataset.index = job.index;
		this.#nodes.set(job.index, {a, icon: null, bar: null, time: null, x, y, width, status: '', says: '', ran: '0 0'});
		return a;
	}

	// What is in it; until then it is but a link in its place.
	#fill(node) {
		const job = this.#jobs.get(Number(node.a.dataset.index));
		const name = cut(job.name, node.width - 98);
		const text = part('text', {x: 31, y: 18});
		text.textContent = name;
		node.icon = mark(node.status);
		if (name !== job.name) node.a.append(svg('title', null, job.name));
		node.a.append(part('rect', {class: 'box', width: node.width, height: ROW - 2, rx: 5}), node.icon, text);
		this.#setBar(node, job);
		this.#setTime(node, job);
	}

	#fillSeen() {
		const {scrollLeft, scrollTop, clientWidth} = this.node;
		for (const node of this.#nodes.values())
			if (!node.icon && node.x < scrollLeft + clientWidth && node.x + node.width > scrollLeft && node.y < scrollTop + innerHeight && node.y + ROW > scrollTop) this.#fill(node);
	}

	#fillRest() {
		clearTimeout(this.#rest);
		const empty = [...this.#nodes.values()].filter((node) => !node.icon).slice(0, AT_ONCE);
		if (empty.length === 0) return;
		this.#rest = setTimeout(() => {
			for (const node of empty) this.#fill(node);
			this.#fillRest();
		}, 10);
	}

	// One line for all needs between two groups.
	#connect(jobs, ends) {
		const found = new Map();
		const number = new Map([...new Set(ends.values())].map((end, i) => [end, i]));
		for (const job of jobs) {
			for (const need of job.needs ?? []) {
				const [from, to] = [ends.get(need), ends.get(job.index)];
				if (from && from !== to) found.set(number.get(from) * number.size + number.get(to), [from, to]);
			}
		}
		this.#edges = [...found.values()].map(([from, to]) => ({from, to, d: line(from, to)}));
		this.#lines.setAttribute('d', this.#edges.map((e) => e.d).join(''));
		for (const [index, end] of ends) this.#nodes.get(index).end = end;
	}

	#change(node, job) {
		const status = statusOf(job);
		const says = `${job.id} ${status} ${job.started_at} ${job.finished_at}`;
		if (node.icon) this.#setBar(node, job);
		if (node.says === says) return;
		node.says = says;
		node.a.setAttribute('href', this.#href(job));
		const ms = took(job);
		node.a.setAttribute('aria-label', `${job.name}, ${jobWord(job)}${ms === null ? '' : `, ${duration(ms)}`}`);
		if (node.status !== status) {
			node.a.classList.remove(node.status || status);
			node.a.classList.add(status);
			node.status = status;
			if (node.icon) {
				const icon = mark(status);
				node.icon.replaceWith(icon);
				node.icon = icon;
			}
		}
		if (node.icon) this.#setTime(node, job);
	}

	// When it ran, within the time of all. While that grows, most bars stay where they are to the pixel.
	#setBar(node, job) {
		const [from, to] = [this.#from, this.#to];
		const wide = node.width - 12;
		const at = (time) => Math.round((Date.parse(time) - from) / (to - from) * wide);
		const x = job.started_at && to > from ? Math.max(0, at(job.started_at)) : 0;
		const width = job.started_at && to > from ? Math.max(2, (job.finished_at ? Math.min(wide, at(job.finished_at)) : wide) - x) : 0;
		if (node.ran === `${x} ${width}`) return;
		node.ran = `${x} ${width}`;
		if (!node.bar) node.a.append(node.bar = part('rect', {class: 'ran', y: 25, height: 3, rx: 1}));
		node.bar.setAttribute('x', 6 + x);
		node.bar.setAttribute('width', width);
	}

	#setTime(node, job) {
		const ms = took(job);
		node.time?.remove(); // what counted on ends with it
		node.time = null;
		if (!job.started_at) return;
		node.a.append(node.time = part('text', {class: 'took', x: node.width - 8, y: 18}));
		if (ms !== null) node.time.textContent = duration(ms);
		else counting(node.time, job.started_at);
	}

	#markCritical(chain) {
		const on = new Set(chain.map((j) => j.index));
		for (const [index, node] of this.#nodes) node.a.classList.toggle('critical', on.has(index));
		const steps = chain.slice(1).map((job, i) => [chain[i], job]);
		const place = (job) => {
			const {x, y, width} = this.#nodes.get(job.index);
			return {x, y: y + ROW / 2, width};
		};
		reconcile(this.#critical, steps, ([a, b]) => `${a.index} ${b.index}`, ([a, b]) => svg('path', {d: line(place(a), place(b))}),
			(path, [a, b]) => path.setAttribute('d', line(place(a), place(b))));
	}

	// All that a job waits for, and all that waits for it.
	#chainOf(index) {
		const jobs = this.#jobs;
		const on = new Set([index]);
		const ahead = [jobs.get(index)];
		while (ahead.length > 0) {
			const job = ahead.pop();
			for (const b of before(job, jobs)) {
				if (on.has(b.index)) continue;
				on.add(b.index);
				// all of the stages before are in it already
				if (job.needs) ahead.push(b);
			}
		}
		const after = new Set([index]);
		let size = 0;
		while (after.size > size) {
			size = after.size;
			for (const job of jobs.values())
				if (job.needs ? job.needs.some((i) => after.has(i)) : job.stage_index > jobs.get(index).stage_index) after.add(job.index);
		}
		return new Set([...on, ...after]);
	}

	#trace(a) {
		const index = a ? Number(a.dataset.index) : null;
		if (index === this.#tracing) return;
		this.#tracing = index;
		const on = a ? this.#chainOf(index) : new Set();
		const groups = new Set([...on].map((i) => this.#nodes.get(i).end));
		this.node.classList.toggle('traced', a !== null);
		for (const [i, node] of this.#nodes) node.a.classList.toggle('on', on.has(i));
		this.#traced.setAttribute('d', this.#edges.filter((e) => groups.has(e.from) && groups.has(e.to)).map((e) => e.d).join(''));
	}

	#enter(a) {
		if (!a) return;
		for (const old of this.node.querySelectorAll('.node[tabindex="0"]')) old.setAttribute('tabindex', '-1');
		a.setAttribute('tabindex', '0');
		this.#trace(a);
	}

	#move(e) {
		const a = e.target.closest?.('.node');
		const step = {ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0]}[e.key];
		if (!a || !step || e.altKey || e.ctrlKey || e.metaKey) return;
		e.preventDefault();
		const index = Number(a.dataset.index);
		const column = this.#columns.findIndex((c) => c.includes(index));
		const next = this.#columns[column + step[0]];
		if (!next) return;
		const row = this.#columns[column].indexOf(index) + step[1];
		const {y} = this.#nodes.get(index);
		const near = step[0] === 0 ? next[row] : next.reduce((best, i) =>
			(Math.abs(this.#nodes.get(i).y - y) < Math.abs(this.#nodes.get(best).y - y) ? i : best));
		const node = this.#nodes.get(near)?.a;
		node?.focus({preventScroll: true});
		node?.scrollIntoView({block: 'nearest', inline: 'nearest'});
	}
}
