// What pages are made of: elements, times, states, and what several pages show.

// ---- elements from code: text is always text, nothing here reads markup

const SVG = 'http://www.w3.org/2000/svg';

function build(node, props, children) {
	for (const [key, value] of Object.entries(props ?? {})) {
		if (value === null || value === undefined || value === false) continue;
		if (key.startsWith('on')) node.addEventListener(key.slice(2), value);
		else if (key === 'style') for (const [k, v] of Object.entries(value)) node.style.setProperty(k, v);
		else if (key in node && typeof value !== 'string' && !(node instanceof SVGElement)) node[key] = value;
		else node.setAttribute(key, value === true ? '' : value);
	}
	add(node, children);
	return node;
}

function add(node, children) {
	for (const child of children.flat(Infinity)) {
		if (child !== null && child !== undefined && child !== false)
			node.append(child instanceof Node ? child : String(child));
	}
}

// h('a', {href: '/'}, 'text', other, [more]); properties that are null or false are left out. A button
// sends no form unless it says so.
export function h(name, props, ...children) {
	const [tag, ...classes] = name.split('.');
	const node = document.createElement(tag);
	if (tag === 'button') node.type = tag;
	if (classes.length > 0) node.className = classes.join(' ');
	return build(node, props, children);
}

export function svg(name, props, ...children) {
	return build(document.createElementNS(SVG, name), props, children);
}

export function replace(node, ...children) {
	node.replaceChildren();
	add(node, children);
	return node;
}

// Brings the children of a list to `items`, in their order, and leaves alone what stays: no
// flicker, no lost focus. make(item) gives a node, change(node, item) a new state of it.
export function reconcile(parent, items, keyOf, make, change) {
	const old = new Map([...parent.children].map((node) => [node.dataset.key, node]));
	let at = parent.firstElementChild;
	for (const item of items) {
		const key = String(keyOf(item));
		let node = old.get(key);
		old.delete(key);
		if (node) change?.(node, item);
		else {
			node = make(item);
			node.dataset.key = key;
		}
		if (node === at) at = at.nextElementSibling;
		else parent.insertBefore(node, at);
	}
	for (const node of old.values()) node.remove();
}

// ---- times as people say them: one timer moves all that count on, and none when nothing does

const running = new Set();
let timer = null;

function tick() {
	for (const r of running) {
		if (!r.node.isConnected && r.shown) running.delete(r);
		else r.draw();
	}
	timer = running.size > 0 && !document.hidden ? setTimeout(tick, 1000) : null;
}

document.addEventListener('visibilitychange', () => {
	if (!document.hidden && timer === null) tick();
});

function keep(node, text) {
	const r = {node, shown: false, draw: () => {
		const now = text();
		if (node.textContent !== now) node.textContent = now;
		r.shown = r.shown || node.isConnected;
	}};
	running.add(r);
	r.draw();
	timer ??= setTimeout(tick, 1000);
	return node;
}

export function duration(ms) {
	if (ms < 0) ms = 0;
	if (ms < 950) return `${Math.round(ms)} ms`;
	const s = ms / 1000;
	if (s < 10) return `${s.toFixed(1)} s`;
	if (s < 60) return `${Math.round(s)} s`;
	const m = Math.floor(s / 60);
	if (m < 60) return `${m} min ${String(Math.floor(s % 60)).padStart(2, '0')} s`;
	return `${Math.floor(m / 60)} h ${String(m % 60).padStart(2, '0')} min`;
}

// How long it ran; null while it has not ended.
export const took = (x) => (x.started_at && x.finished_at ? Date.parse(x.finished_at) - Date.parse(x.started_at) : null);

// Fills a node with the time since, as it goes on.
export function counting(node, from) {
	const begin = Date.parse(from);
	return keep(node, () => duration(Math.floor((Date.now() - begin) / 1000) * 1000));
}

// From one time to another, or to now while there is no other.
export function lasting(from, to) {
	const node = document.createElement('span');
	node.className = 'time';
	if (!from) return node;
	const begin = Date.parse(from);
	if (to) {
		node.textContent = duration(Date.parse(to) - begin);
		return node;
	}
	return counting(node, from);
}

// The same of a pipeline. While it waits for a person or a time, no time of its own passes.
export const lastingOf = (x, name) => x.started_at && (x.finished_at || !/^(manual|scheduled)$/.test(x.status)) && h(name, null, lasting(x.started_at, x.finished_at));

function ago(then) {
	const s = Math.max(0, (Date.now() - then) / 1000);
	if (s < 45) return 'just now';
	if (s < 90) return 'a minute ago';
	if (s < 3600) return `${Math.round(s / 60)} minutes ago`;
	if (s < 7200) return 'an hour ago';
	if (s < 86400) return `${Math.round(s / 3600)} hours ago`;
	if (s < 172800) return 'yesterday';
	if (s < 30 * 86400) return `${Math.round(s / 86400)} days ago`;
	return new Date(then).toISOString().slice(0, 10);
}

// The whole time is said where one points at it: to put each into the words of the place beforehand
// is what takes longest of a page.
document.addEventListener('pointerover', ({target}) => {
	if (target.dateTime && !target.title) target.title = new Date(target.dateTime).toLocaleString();
});

export function since(at) {
	const node = document.createElement('time');
	if (!at) return node;
	const then = Date.parse(at);
	node.dateTime = at;
	return keep(node, () => ago(then));
}

// ---- states

const WORDS = {
	created: 'created', waiting_for_resource: 'waiting for resource', preparing: 'preparing', pending: 'pending',
	running: 'running', success: 'passed', failed: 'failed', canceled: 'canceled', canceling: 'canceling',
	skipped: 'skipped', manual: 'manual', scheduled: 'scheduled', warning: 'passed with warnings',
};

const line = (d) => svg('path', {d, fill: 'none', stroke: 'currentColor', 'stroke-width': '1.6', 'stroke-linecap': 'round', 'stroke-linejoin': 'round'});
const RING = 'M14.6 8a6.6 6.6 0 1 1-13.2 0a6.6 6.6 0 1 1 13.2 0z';
const cut = (d) => svg('path', {d, fill: 'none', stroke: 'var(--panel)', 'stroke-width': '1.8', 'stroke-linecap': 'round', 'stroke-linejoin': 'round'});
const ring = (extra) => svg('circle', {cx: '8', cy: '8', r: '6.6', fill: 'none', stroke: 'currentColor', 'stroke-width': '1.6', ...extra});

// Each state has a shape of its own: who sees no colours tells them apart, too.
const SHAPES = {
	success: () => [svg('circle', {cx: '8', cy: '8', r: '7.4', fill: 'currentColor'}), cut('M4.8 8.3l2.2 2.2 4.2-4.6')],
	failed: () => [svg('path', {d: 'M5 .8h6L15.2 5v6L11 15.2H5L.8 11V5z', fill: 'currentColor'}), cut('M5.6 5.6l4.8 4.8M10.4 5.6l-4.8 4.8')],
	warning: () => [svg('path', {d: 'M8 1l7.4 13.4H.6z', fill: 'currentColor'}), cut('M8 6.2v3.4M8 12v.1')],
	running: () => [ring({'stroke-opacity': '.35'}), line('M8 1.4A6.6 6.6 0 0 1 14.6 8'), svg('circle', {cx: '8', cy: '8', r: '2.6', fill: 'currentColor'})],
	pending: () => [line(`${RING}M5.8 5.6v4.8M10.2 5.6v4.8`)],
	created: () => [ring({'stroke-dasharray': '2.2 2.4'})],
	skipped: () => [line(`${RING}M5 5.2L7.8 8 5 10.8M8.6 5.2L11.4 8l-2.8 2.8`)],
	canceled: () => [line(`${RING}M3.6 12.4l8.8-8.8`)],
	manual: () => [ring(), svg('path', {d: 'M6.4 4.8l5 3.2-5 3.2z', fill: 'currentColor'})],
	scheduled: () => [line(`${RING}M8 4.4V8l2.4 1.8`)],
};
const SAME = {waiting_for_resource: 'pending', preparing: 'pending', canceling: 'canceled'};

export function shape(status) {
	return svg('svg', {viewBox: '0 0 16 16', width: '16', height: '16', 'aria-hidden': 'true'}, (SHAPES[SAME[status] ?? status] ?? SHAPES.created)());
}

export const word = (status) => WORDS[status] ?? status;

// What a job or pipeline shows: one that failed and may fail is a warning.
export function statusOf(x) {
	if (x.status === 'failed' && x.allow_failure) return 'warning';
	if (x.status === 'success' && x.warnings) return 'warning';
	return x.status;
}

export function state(status, {quiet = false, says = word(status)} = {}) {
	return h(`span.state.${status}`, {title: quiet ? says : null}, shape(status), h(quiet ? 'span.quiet' : 'span', null, says));
}

// A job has no warnings: it failed, and that was allowed.
export const jobWord = (j) => (statusOf(j) === 'warning' ? 'failed, allowed' : word(statusOf(j)));

// What started a pipeline.
export const SOURCES = {push: 'push', api: 'API', web: 'by hand', trigger: 'trigger', schedule: 'schedule', pipeline: 'other project', parent_pipeline: 'parent pipeline'};

export const isOver = (status) => ['success', 'failed', 'canceled', 'skipped'].includes(status);

// An empty list that says what to do next.
export function empty(title, text, command) {
	return h('div.say', null, h('h2', null, title), h('p', null, text), command && h('pre', null, command));
}

export function wrong(error, again) {
	const title = error.status === 404 ? 'There is nothing here' : error.status === 403 ? 'This is not for you' : 'That did not work';
	const path = /^(.+?)\/-\//.exec(location.pathname)?.[1];
	return h('div.say.wrong', {role: 'alert'}, h('h2', null, title), h('p', null, error.message === 'Not Found' ? 'It was deleted, or never was.' : error.message),
		h('p', null, h('a.button', {href: path ?? '/'}, `To the project${path ? '' : 's'}`), ' ', again && h('button', {onclick: again}, 'Try again')));
}

export function note(text, kind = '') {
	const node = h(`div.note${kind && `.${kind}`}`, null, text);
	document.getElementById('notes').append(node);
	setTimeout(() => node.remove(), kind === 'bad' ? 9000 : 4000);
}

// New content where it says something else than before; whoever had the focus in it has it still.
export function fill(node, says, make) {
	const text = JSON.stringify(says);
	if (node.dataset.says === text) return node;
	node.dataset.says = text;
	const had = node.contains(document.activeElement);
	replace(node, make());
	if (had) (node.querySelector('a, button') ?? node.closest('li, section, main')?.querySelector('a, button'))?.focus();
	return node;
}

// A button for something that takes a moment: it cannot be pressed twice, and says what went wrong.
export function action(label, fn, props = {}) {
	const button = h('button', {...props, onclick: async () => {
		const had = document.activeElement === button;
		button.disabled = true;
		try {
			await fn();
		} catch (e) {
			note(e.message, 'bad');
		}
		button.disabled = false;
		if (had && document.activeElement === document.body) button.focus();
	}}, label);
	return button;
}

export function copyable(text) {
	return h('div.copyable', null, h('pre', {tabIndex: 0}, text), action('Copy', () => copy(text)));
}

export function more(fn) {
	return action('Show more', fn, {class: 'more', hidden: true});
}

// Something that cannot be undone is asked for twice.
export function twice(label, question, fn) {
	const sure = action(question, fn, {class: 'danger', hidden: true, onblur: () => {
		sure.hidden = true;
		first.hidden = false;
	}});
	const first = h('button', {onclick: () => {
		sure.hidden = false;
		sure.focus();
		first.hidden = true;
	}}, label);
	return [first, sure];
}

export function crumbs(...items) {
	return h('nav', {'aria-label': 'Where this is'}, h('ol.crumbs', null, items.map(([text, href]) => h('li', null, href ? h('a', {href}, text) : text))));
}

// Above the title of each page of a project: where one is, and what else there is. current: the tab's
// name; or, of a page below the pipelines, its own, and what is between: [text, rest of the address].
const TABS = [
	['Pipelines', '/-/pipelines'],
	['Run', '/-/pipelines/new'],
	['Editor', '/-/ci/editor'],
	['Settings', '/-/settings/ci_cd'],
];

export function projectHead(p, current, ...between) {
	const path = p.path_with_namespace;
	const tab = TABS.find(([name]) => name === current);
	return h('div', null,
		crumbs(['Projects', '/'], [path, current === 'Pipelines' ? null : at(path)], ...between.map(([text, rest]) => [text, at(path, `/-/${rest}`)]), ...(tab ? [] : [[current]])),
		h('nav.tabs', {'aria-label': 'Project'}, TABS.map(([name, rest]) =>
			h('a', {href: at(path, rest), 'aria-current': name === current ? 'page' : name === 'Pipelines' && !tab ? 'true' : null}, name))));
}

export function bytes(n) {
	if (n < 1000) return `${n} B`;
	const units = ['kB', 'MB', 'GB', 'TB'];
	let i = -1;
	do {
		n /= 1000;
		i++;
	} while (n >= 999.5 && i < units.length - 1);
	return `${n < 10 ? n.toFixed(1) : Math.round(n)} ${units[i]}`;
}

export const count = (n, word) => `${n} ${word}${n === 1 ? '' : 's'}`;

// What the server has in `backticks` are names and words of files.
export const marked = (text) => text.split('`').map((t, i) => (i % 2 ? h('code', null, t) : t));

export const sha = (text) => h('span.sha', null, (text ?? '').slice(0, 8));

// "group/sub/app" as a part of an address.
export const at = (path, rest = '') => `/${path.split('/').map(encodeURIComponent).join('/')}${rest}`;

// Without TLS browsers have no other.
function copyOldWay(text) {
	const held = document.activeElement;
	const field = h('textarea', {'aria-hidden': 'true'}, text);
	document.body.append(field);
	field.select();
	const done = document.execCommand('copy');
	field.remove();
	held?.focus();
	if (!done) throw new Error(`The browser does not let us copy. The text is: ${text}`);
}

export async function copy(text) {
	if (navigator.clipboard) await navigator.clipboard.writeText(text);
	else copyOldWay(text);
	note('Copied.');
}

// To another page; app.js draws it.
export function go(path, {replace = false} = {}) {
	history[replace ? 'replaceState' : 'pushState']({}, '', path);
	dispatchEvent(new Event('navigate'));
}
