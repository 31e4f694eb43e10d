// From the first byte to the first page: who is there, where they want to go, the frame around.

import {logOut, openSession, session} from './lib/api.js';
import {go, h, note, replace, wrong} from './lib/parts.js';

// ---- From an address to a page. Addresses are those of the API's web_url: a project's path has
// slashes itself, so "/-/" ends it.

const routes = [];
let current = null;

function route(pattern, page) {
	const names = [];
	const text = pattern.replace(/[.+]/g, '\\$&').replace(/:(\w+)(\*?)/g, (_, name, star) => {
		names.push(name);
		if (name === 'project') return '((?!-/).+?)'; // what begins with it is the server's own
		return star ? '(.+?)' : '([^/]+)';
	});
	routes.push({match: new RegExp(`^${text}/?$`), names, page});
}

function find(path) {
	for (const r of routes) {
		const m = r.match.exec(path);
		if (m) return {...r, params: Object.fromEntries(r.names.map((n, i) => [n, decodeURIComponent(m[i + 1])]))};
	}
	return null;
}

async function show(draw) {
	const found = find(location.pathname);
	const mine = {end: null, over: false};
	current?.leave();
	current = {
		leave() {
			mine.over = true;
			mine.end?.();
		},
	};
	const end = await draw(found, new URLSearchParams(location.search), () => mine.over);
	if (mine.over) end?.();
	else mine.end = end;
}

// A link is an ordinary link; within the pages the next one is drawn without loading all anew.
function followLinks() {
	addEventListener('click', (e) => {
		const a = e.target.closest?.('a[href]');
		if (!a || e.defaultPrevented || e.button !== 0 || e.metaKey || e.ctrlKey || e.shiftKey || e.altKey) return;
		const to = new URL(a.getAttribute('href'), location); // those in drawings have no parts of their own
		if (a.hasAttribute('target') || a.hasAttribute('download') || to.origin !== location.origin || to.pathname.startsWith('/api/')) return;
		if (to.hash && to.pathname === location.pathname && to.search === location.search) return;
		e.preventDefault();
		go(to.href);
	});
	addEventListener('popstate', () => dispatchEvent(new Event('navigate')));
}

// ---- the pages

// What each is made of and asks for first the server says with the page: scheduler/api/web_ahead.c.
route('/', 'projects');
route('/-/login', 'login');
route('/-/queue', 'queue');
route('/-/runners', 'queue');
route('/-/settings', 'settings');
route('/:project/-/pipelines', 'pipelines');
route('/:project/-/pipelines/new', 'run');
route('/:project/-/ci/editor', 'editor');
route('/:project/-/settings/ci_cd', 'settings');
route('/:project/-/pipelines/:id', 'pipeline');
route('/:project/-/jobs/:id', 'job');
route('/:project/-/jobs/:id/artifacts/browse', 'artifacts');
route('/:project/-/jobs/:id/artifacts/browse/:path*', 'artifacts');
route('/:project', 'pipelines');

let framedFor; // who is told to be there

// It stays, with the focus in it, from page to page.
function frame() {
	const top = document.getElementById('top');
	const {username} = session;
	if (framedFor !== username) {
		framedFor = username;
		replace(top, h('a.skip', {href: '#main', onclick: (e) => {
			e.preventDefault(); // another address would draw the page anew
			document.getElementById('main').focus();
		}}, 'Skip to content'), h('div.bar', null,
			h('a.name', {href: '/'}, h('img', {src: new URL('pawl.svg', import.meta.url).href, width: 22, height: 22, alt: ''}), 'pawl'),
			h('nav', {'aria-label': 'Pages'}, username && [h('a', {href: '/'}, 'Projects'), h('a', {href: '/-/queue'}, 'Queue'), session.is_admin && h('a', {href: '/-/runners'}, 'Runners')]),
			username && h('a.dim', {href: '/-/settings', title: 'Your settings'}, username),
			username && h('button.plain', {onclick: async () => {
				try {
					await logOut();
				} catch (e) {
					note(e.message, 'bad');
				}
				go('/-/login');
			}}, 'Log out')));
	}
	for (const a of top.querySelectorAll('nav a, .dim')) {
		if (a.pathname === location.pathname) a.setAttribute('aria-current', 'page');
		else a.removeAttribute('aria-current');
	}
}

let moved = false;
// asked for at once, and waited for only where it matters
const ready = openSession().catch((e) => note(e.message, 'bad'));

async function draw(found, query, isOver) {
	const main = document.getElementById('main');
	const loading = found && import(`./pages/${found.page}.js`);
	loading?.catch(() => {}); // said below, if it comes to that
	await ready;
	if (isOver()) return undefined;
	if (!session.username && found && location.pathname !== '/-/login') {
		go(`/-/login?to=${encodeURIComponent(location.pathname + location.search)}`, {replace: true});
		return undefined;
	}
	// with what the page shows, or alone where that takes long: drawn once, it is there sooner
	const framing = setTimeout(frame, 100);
	const framed = () => {
		clearTimeout(framing);
		frame();
	};
	try {
		if (!found) throw Object.assign(new Error('No page of pawl has this address.'), {status: 404});
		const {default: open} = await loading;
		if (isOver()) return undefined;
		// what is there stays until the next page has something to show
		return await open({params: found.params, query, main, isOver, show: (...nodes) => {
			if (isOver()) return;
			framed();
			replace(main, ...nodes);
			// the focus went with what had it: reading goes on where the new page begins
			if (document.activeElement === document.body && moved) main.focus({preventScroll: true});
		}, title: (text) => {
			if (!isOver()) document.title = `${text} · pawl`;
		}});
	} catch (e) {
		if (isOver()) return undefined;
		framed();
		replace(main, wrong(e, () => show(draw)));
		return undefined;
	}
}

followLinks();
addEventListener('navigate', () => {
	moved = true;
	scrollTo(0, 0);
	show(draw);
});
addEventListener('logged-out', () => go(`/-/login?to=${encodeURIComponent(location.pathname + location.search)}`));
show(draw);
