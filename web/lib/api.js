// The API, as anybody may use it: docs/rest.md. Who is logged in is known by a cookie that no
// script can read; calls that change something say the session's word, too.

import {note} from './parts.js';

export const session = {username: null, csrf_token: null};

const refusal = (status, message) => Object.assign(new Error(message), {status});

function words(body, status) {
	const said = body?.message ?? body?.error;
	if (typeof said === 'string') return said.replace(/^\d{3} /, '');
	if (said && typeof said === 'object')
		return Object.entries(said).map(([k, v]) => (k === 'base' ? v : `${k} ${v}`)).join('; ');
	return `The server answered ${status}.`;
}

const LIMIT_MS = 30000; // until an answer begins: after sleep a connection may be dead, and nobody says so

// The headers of the answer and its text. options: {accept, signal, isLong: it may take its time}.
async function call(method, path, body, {accept = 'application/json', signal, isLong} = {}) {
	const headers = {Accept: accept};
	if (method !== 'GET') headers['X-CSRF-Token'] = session.csrf_token ?? '';
	if (body !== undefined) headers['Content-Type'] = 'application/json';
	signal?.throwIfAborted();
	const ending = new AbortController();
	const end = () => ending.abort();
	signal?.addEventListener('abort', end);
	const timer = method === 'GET' && !isLong && setTimeout(end, LIMIT_MS);
	let reply;
	let text;
	try {
		reply = await fetch(path, {method, headers, body: body && JSON.stringify(body), signal: ending.signal}).finally(() => clearTimeout(timer));
		text = await reply.text();
	} catch (e) {
		if (signal?.aborted) throw e;
		throw refusal(0, 'The server cannot be reached.');
	} finally {
		signal?.removeEventListener('abort', end);
	}
	if (reply.ok) return {headers: reply.headers, text};
	let said = null;
	try {
		said = JSON.parse(text);
	} catch { /* not JSON: its status has to do */ }
	if (reply.status === 401 && session.username) {
		session.username = null;
		dispatchEvent(new Event('logged-out'));
	}
	throw refusal(reply.status, words(said, reply.status));
}

async function json(...asked) {
	const {text} = await call(...asked);
	return text === '' ? null : JSON.parse(text);
}

export const get = (path, options) => json('GET', path, undefined, options);
export const post = (path, body, options) => json('POST', path, body ?? {}, options);
export const put = (path, body) => json('PUT', path, body);
export const del = (path) => json('DELETE', path);
export const getText = async (path) => (await call('GET', path, undefined, {accept: '*/*'})).text;

// One page of a list: {items, next}, next the number of the next page, or null.
export async function getPage(path, page = 1) {
	const {headers, text} = await call('GET', `${path}${path.includes('?') ? '&' : '?'}page=${page}`);
	const number = (name) => Number(headers.get(name)) || null;
	return {items: JSON.parse(text), next: number('X-Next-Page'), total: number('X-Total')};
}

// All pages of a list.
export async function getAll(path) {
	const rows = [];
	for (let next = 1; next;) {
		const page = await getPage(`${path}?per_page=100`, next);
		rows.push(...page.items);
		({next} = page);
	}
	return rows;
}

export const project = (path) => `/api/v4/projects/${encodeURIComponent(path)}`;
export const own = (path) => `/api/pawl/v1/projects/${encodeURIComponent(path)}`;

export async function openSession() {
	Object.assign(session, {username: null, csrf_token: null}, await get('/api/pawl/v1/session'));
	return session;
}

export async function logIn(token) {
	Object.assign(session, await post('/api/pawl/v1/session', {token}));
}

export async function logOut() {
	await del('/api/pawl/v1/session');
	Object.assign(session, {username: null, csrf_token: null});
}

// ---- What changes, as it changes. All tabs of a browser share one stream, which a worker keeps
// (live-worker.js); where there are no shared workers, each tab has its own.

const RETRY_MS = 2000; // of what found no server
const listeners = new Set();
let port = null;
let topics = '';
let losses = 0;

function hear(message) {
	if (message.type === 'state') {
		document.documentElement.dataset.live = message.state;
		if (message.topics) begun(message.topics.split('&'));
		return;
	}
	for (const l of [...listeners])
		if (message.type === 'reset' || concerns(l.topic, message.change)) l.fn(message.type === 'reset' ? null : message.change);
}

// What changed between a page's question and now was told to nobody: whoever is new asks again.
// So does who looks at a log or at runners, whenever the stream was opened anew: that is not remembered.
function begun(topics) {
	for (const l of [...listeners]) {
		if ((l.isHeard && !/^(job|runners)/.test(l.topic)) || !topics.includes(`of=${encodeURIComponent(l.topic)}`)) continue;
		l.isHeard = true;
		l.fn(null);
	}
}

function concerns(topic, change) {
	if (change.runner) return topic === 'runners';
	const [kind, id] = topic.split(':');
	return kind === 'all' || String(change[kind]) === id;
}

const tell = () => port?.postMessage({topics: topics === '' ? [] : topics.split(' ')});
addEventListener('pagehide', () => port?.postMessage({topics: []}));
addEventListener('pageshow', (e) => e.persisted && tell());

function connect() {
	if (port) return;
	if (window.SharedWorker) {
		const worker = new SharedWorker(new URL('./live-worker.js', import.meta.url), {type: 'module', name: 'pawl'});
		worker.onerror = lost;
		({port} = worker);
		port.onmessage = (e) => hear(e.data);
	} else {
		// browsers may keep that an address failed
		const stream = import(`./live-stream.js?${losses}`).then(({Stream}) => new Stream(hear));
		stream.catch(lost);
		port = {postMessage: ({topics: now}) => stream.then((s) => s.want(now), () => {})};
	}
}

// What keeps the stream could not be loaded.
function lost() {
	losses++;
	port = null;
	hear({type: 'state', state: 'off'});
	setTimeout(say, RETRY_MS);
}

function say() {
	const now = [...new Set([...listeners].map((l) => l.topic))].sort().join(' ');
	if (now === topics && [...listeners].every((l) => l.isHeard)) return;
	topics = now;
	connect();
	tell();
}

// fn(change) for each change of the topic ("all", "runners", "project:1", "pipeline:2", "job:3"); fn(null)
// when it is unknown what was missed. Gives a function that ends it.
export function watch(topic, fn) {
	const l = {topic, fn, isHeard: false};
	listeners.add(l);
	// the page is painted first: to keep a stream is work
	setTimeout(say, port ? 0 : 100);
	return () => {
		listeners.delete(l);
		queueMicrotask(say);
	};
}

// Calls fn soon, then at most every `ms`, never twice at a time, and once more when it was wanted
// meanwhile. What comes together is one call.
export function soon(fn, ms = 80) {
	let timer = null;
	let running = false;
	let again = false;
	let ended = -Infinity;
	const run = async () => {
		timer = null;
		if (running) {
			again = true;
			return;
		}
		running = true;
		try {
			await fn();
		} catch (e) {
			if (e.status === 0) timer ??= setTimeout(run, RETRY_MS);
			else if (e.name !== 'AbortError') note(e.message, 'bad');
		} finally {
			running = false;
			ended = performance.now();
			if (again) {
				again = false;
				timer ??= setTimeout(run, ms);
			}
		}
	};
	return () => {
		timer ??= setTimeout(run, Math.max(20, ended + ms - performance.now()));
	};
}

// A pipeline's graph: all of it at first, then those of its jobs that changed, so that a large one
// that is busy costs little. get() gives it as it is now, hear(change) is told by watch().
export function graphOf(address) {
	let graph = null;
	let isWhole = false;
	let changed = new Set();
	return {
		hear(change) {
			if (!change) isWhole = false;
			else if (change.pipeline === graph?.id) changed.add(change.job);
			else changed.add(graph?.jobs.find((j) => j.downstream?.pipeline === change.pipeline)?.id);
		},
		async get() {
			const ids = [...changed].filter(Boolean);
			const some = isWhole && ids.length <= 200;
			changed = new Set();
			isWhole = true;
			try {
				const got = await get(some ? `${address}?jobs=${ids.join() || 0}` : address);
				const now = new Map(got.jobs.map((j) => [j.index, j]));
				graph = some ? {...got, jobs: graph.jobs.map((j) => now.get(j.index) ?? j)} : got;
			} catch (e) {
				isWhole = false;
				throw e;
			}
			return graph;
		},
	};
}
