// Opens every page in a browser, in light and dark, narrow and wide, and looks for what is
// wrong with any of them. usage: node browse.mjs SETTINGS (JSON, written by run.py)
//
// A page's test is a file of its own, pages/NAME.mjs:
//
//     export const pages = [{
//         name: 'pipelines',                        // of its pictures, web-shots/NAME-WIDTH-THEME.jpg
//         path: (data) => `/${data.app}/-/pipelines`,
//         ready: '.list',                           // a selector: this is there when it is drawn
//         check: async (t) => { … },                // optional: what this very page has to show
//     }];
//     export const tests = {                        // optional: what people do there
//         'a job can be canceled': async (t) => { … },
//     };
//
// Each of `pages` is visited as it is: axe-core, the console, requests, the policy, layout
// shift and width are looked at, and its pictures taken. `also: 'nothing'` visits it at a server
// that has nothing yet, `also: 'nobody'` before anyone has logged in; `refused: [404]`
// says which errors of the console belong to it; `picture: true` makes one for docs/, in
// web-shots/docs/: docs/make-web-pictures.
// Each of `tests` gets a page of its own, logged in, and the same watch over it. `t` has
//     page          of playwright: page.click(…), page.locator(…)
//     data          what was put into the server, see fill() in data.py
//     open(path, ready)    goes there and waits
//     api(method, path, body)   of the server, past the browser: made and undone things
//     ask(name, …)  a function of run.py: kill(), start(), commit(path, files, message)
//     is(selector, text)   waits until it is there with that text
//     holdTimers()  before open(): timers of half a minute and more wait for later()
//     refused(404)  errors with that word in the console belong to it from here on
// A file pages/NAME.py may have fill(server, data), to put more into the server and `data`;
// data['held'] are jobs it took as a runner and has not ended.
// ONLY=NAME runs the files and pages of that name alone: see run.py. Its pictures are PNG.
import assert from 'node:assert/strict';
import {readdirSync, readFileSync} from 'node:fs';
import {createRequire} from 'node:module';
import {createInterface} from 'node:readline';

const settings = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const require = createRequire(`${settings.modules}/`);
const {chromium} = require('playwright-core');
const axe = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');

const HEIGHT = 800;
const WIDTHS = [1280, 360, 2560]; // the first is that of the tests
const THEMES = ['light', 'dark'];
const MAX_SHIFT = 0.02; // of layout, as browsers count it: 0 is none, 1 the whole window

// ---- run.py, which has the server: a line of JSON asks, a line answers

const answers = createInterface({input: process.stdin})[Symbol.asyncIterator]();
async function ask(name, ...args) {
	process.stdout.write(`@${JSON.stringify({name, args})}\n`);
	const {value} = await answers.next();
	const answer = JSON.parse(value);
	assert.equal(answer.error, undefined, answer.error);
	return answer.value;
}

async function api(method, path, body) {
	const reply = await fetch(settings.url + path, {method, headers: {'PRIVATE-TOKEN': settings.token, 'Content-Type': 'application/json'},
		body: body === undefined ? undefined : JSON.stringify(body)});
	const text = await reply.text();
	assert.ok(reply.ok, `${method} ${path}: ${reply.status} ${text}`);
	return text === '' ? null : JSON.parse(text);
}

// ---- what is wrong

const failures = [];
const wrong = (where, what) => {
	failures.push(`${where}: ${what}`);
	console.log(`WRONG ${where}: ${what}`);
};

const calls = settings.calls.map(([method, pattern]) => ({method, pattern,
	match: new RegExp(`^${pattern.replace(/[.+]/g, '\\$&').replace(/:\w+/g, '[^/]+').replace(/\*\w+/g, '.+')}$`)}));
const used = new Set();

// The API's description has it, or it is a page.
function isCall(method, path, kind) {
	const found = calls.find((c) => c.method === method && c.match.test(path));
	if (found) used.add(`${found.method} ${found.pattern}`);
	return found !== undefined || (method === 'GET' && kind === 'document' && !path.startsWith('/api/'));
}

// What was asked for and is not there yet, streams of events aside.
const waiting = new Set();
const sleep = (ms) => new Promise((go) => setTimeout(go, ms));

// Runs in the page before anything of its own.
function inside() {
	window.found = {shift: 0, shifted: [], policy: []};
	addEventListener('securitypolicyviolation', (e) => window.found.policy.push(`${e.violatedDirective} ${e.blockedURI}`));
	new PerformanceObserver((list) => {
		for (const e of list.getEntries()) {
			if (e.hadRecentInput) continue;
			window.found.shift += e.value;
			window.found.shifted.push(...e.sources.map((s) => s.node?.className || s.node?.nodeName));
		}
	}).observe({type: 'layout-shift', buffered: true});
	window.alert = window.confirm = window.prompt = () => window.found.policy.push('a dialog was opened');
}

// One worker keeps the event stream of all pages, where the browser's tools show no requests:
// the pages are also visited without such workers, as browsers are that have none.
function withoutWorkers() {
	delete window.SharedWorker;
}

// Timers of half a minute and more wait for later().
function holdTimers() {
	const {setTimeout: set, clearTimeout: clear} = window;
	const held = new Map();
	let last = 1e9;
	window.setTimeout = (fn, ms, ...args) => (ms >= 30000 ? held.set(++last, fn) && last : set(fn, ms, ...args));
	window.clearTimeout = (id) => held.delete(id) || clear(id);
	window.later = () => {
		for (const [id, fn] of [...held]) if (held.delete(id)) fn();
	};
}

function watch(context, where, refused = () => []) {
	const at = () => where();
	context.on('page', (page) => {
		page.on('console', (m) => {
			if (m.type() !== 'error' && m.type() !== 'warning') return;
			if (refused().some((words) => m.text().includes(`${words}`))) return;
			wrong(at(), `the console says: ${m.text()} (${m.location().url})`);
		});
		page.on('pageerror', (e) => wrong(at(), `a script threw ${e.stack}`));
	});
	for (const end of ['requestfinished', 'requestfailed']) context.on(end, (request) => waiting.delete(request));
	context.on('request', (request) => {
		if (['fetch', 'script', 'stylesheet', 'image'].includes(request.resourceType())) waiting.add(request);
		const url = new URL(request.url());
		if (url.protocol === 'data:' || url.protocol === 'blob:') return;
		if (![settings.url, settings.empty].includes(url.origin)) wrong(at(), `asks elsewhere: ${url}`);
		else if (!isCall(request.method(), url.pathname, request.resourceType()))
			wrong(at(), `no call of docs/rest.md: ${request.method()} ${url.pathname}`);
	});
}

// What changes while one looks may move what is below it: only a visit is to be calm.
async function judge(page, where, {calm}) {
	const found = await page.evaluate(() => window.found);
	for (const p of found.policy) wrong(where, `against the policy: ${p}`);
	if (calm && found.shift > MAX_SHIFT) wrong(where, `the layout shifted by ${found.shift.toFixed(3)}: ${found.shifted.join(', ')}`);
	const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
	if (wide > 0) wrong(where, `is ${wide} pixels wider than the window`);
}

async function judgeAccess(page, where) {
	if (!(await page.evaluate(() => window.axe !== undefined))) await page.evaluate(axe);
	const {violations} = await page.evaluate(() => window.axe.run(document, {resultTypes: ['violations']}));
	for (const v of violations.filter((x) => ['serious', 'critical'].includes(x.impact)))
		wrong(where, `axe: ${v.impact}: ${v.help}: ${v.nodes.map((n) => `${n.html.slice(0, 200)} ${n.any.map((a) => a.message).join(' ')}`).join('\n\t')}`);
}

// Whatever can be used is reached by Tab, shows that it is where one is, and lets go again.
// What is drawn while one moves, as lines of a log are, is left out.
async function judgeKeyboard(page, where) {
	const wanted = await page.evaluate(() => {
		document.activeElement?.blur();
		getSelection().removeAllRanges();
		document.body.setAttribute('tabindex', '-1'); // from the very beginning
		document.body.focus();
		document.body.removeAttribute('tabindex');
		const can = [...document.querySelectorAll('a[href], button, input, select, textarea, summary, iframe, [tabindex]')]
			.filter((e) => e.tabIndex >= 0 && !e.disabled && e.checkVisibility({visibilityProperty: true}) && !e.closest('.ln'));
		window.walked = {wanted: can, reached: new Set(), unseen: new Set()};
		const focus = getComputedStyle(document.documentElement).getPropertyValue('--focus');
		const probe = document.body.appendChild(Object.assign(document.createElement('i'), {hidden: true}));
		probe.style.color = focus;
		const colour = getComputedStyle(probe).color;
		addEventListener('focusin', ({target}) => {
			window.walked.reached.add(target);
			const box = target.querySelector('.box'); // of what is drawn
			if (getComputedStyle(target).outlineStyle === 'none' && (!box || getComputedStyle(box).stroke !== colour)) window.walked.unseen.add(target);
		});
		addEventListener('blur', () => window.walked.reached.add(document.activeElement)); // a frame has it
		return can.length;
	});
	for (let i = 0; i < wanted * 1.2 + 40; i++) {
		await page.keyboard.press('Tab');
		if (i % 10 === 9 && await page.evaluate(() => window.walked.wanted.every((e) => window.walked.reached.has(e)))) break;
	}
	const found = await page.evaluate(() => {
		const show = (e) => e.cloneNode(true).outerHTML.slice(0, 200);
		const {wanted, reached, unseen} = window.walked;
		const missed = wanted.filter((e) => e.isConnected && !reached.has(e));
		return {missed: missed.map(show), unseen: [...unseen].map(show), at: document.activeElement.outerHTML.slice(0, 200)};
	});
	if (found.missed.length > 0)
		wrong(where, `${found.missed.length} of ${wanted} things are not reached by Tab, which is at ${found.at}:\n\t${found.missed.slice(0, 5).join('\n\t')}`);
	for (const e of found.unseen) wrong(where, `nothing shows that the focus is on ${e}`);
}

// ---- one visit to each page

let now = '';
let may = [];

async function settled(page, ready) {
	await page.waitForSelector(ready, {timeout: 15000});
	for (let calm = 0, i = 0; calm < 3 && i < 100; i++, calm = waiting.size === 0 ? calm + 1 : 0) await sleep(15);
	await page.evaluate(() => document.fonts.ready);
}

async function pictures(page, p) {
	for (const width of WIDTHS) {
		await page.setViewportSize({width, height: HEIGHT});
		for (const theme of THEMES) {
			await page.emulateMedia({colorScheme: theme});
			now = `${p.name} at ${width}, ${theme}`;
			if (width === 1280 || (width === 360 && theme === 'light')) await judgeAccess(page, now);
			await judge(page, now, {calm: true});
			// JPEG is written sooner; who looks at one page may want PNG
			const [end, kind] = settings.only ? ['png', {}] : ['jpg', {type: 'jpeg', quality: 85}];
			await page.screenshot({path: `${settings.shots}/${p.name}-${width}-${theme}.${end}`, ...kind});
			if (p.picture && width === 1280 && theme === 'light')
				await page.screenshot({path: `${settings.shots}/docs/${p.name}.jpg`, type: 'jpeg', quality: 55});
		}
	}
}

async function visit(page, p, base) {
	waiting.clear();
	now = p.name;
	may = p.refused ?? [];
	await page.setViewportSize({width: WIDTHS[0], height: HEIGHT});
	await page.goto(base + p.path(settings.data), {waitUntil: 'commit'});
	try {
		await settled(page, p.ready);
		await p.check?.({page, data: settings.data, is: (s, text) => is(page, s, text)});
		await pictures(page, p);
		await page.setViewportSize({width: WIDTHS[0], height: HEIGHT});
		now = `${p.name} by keyboard`;
		await judgeKeyboard(page, now);
	} catch (e) {
		wrong(now, `${e.message}\n${await page.locator('body').innerText()}`);
		await page.screenshot({path: `${settings.shots}/${p.name}-wrong.png`});
	}
}

async function logIn(context, base, token) {
	const page = await context.newPage();
	await page.goto(`${base}/-/login`);
	await page.fill('#token', token);
	await page.keyboard.press('Enter');
	await page.waitForSelector('#top nav a');
	await page.close();
}

async function newContext(browser, where) {
	const context = await browser.newContext({viewport: {width: WIDTHS[0], height: HEIGHT}, reducedMotion: 'reduce'});
	await context.addInitScript(inside);
	watch(context, where, () => may);
	return context;
}

// The pages of one kind of visitor, each in a browser without memory of the others.
async function visitAll(browser, pages, base, token) {
	if (pages.length === 0) return;
	const context = await newContext(browser, () => now);
	await context.addInitScript(withoutWorkers);
	if (token) await logIn(context, base, token);
	const page = await context.newPage();
	const begin = performance.now();
	for (const p of pages) await visit(page, p, base);
	console.log(`${pages.length} pages looked at in ${Math.round(performance.now() - begin)} ms`);
	await context.close();
}

// ---- what people do

async function is(page, selector, text) {
	const at = page.locator(selector).filter({hasText: text}).first();
	await at.waitFor({timeout: 20000});
	return at;
}

async function doTest(context, name, test) {
	const page = await context.newPage();
	waiting.clear();
	now = name;
	may = [];
	const t = {page, context, data: settings.data, settings, api, ask, is: (s, text) => is(page, s, text), open: async (path, ready) => {
		await page.goto(settings.url + path, {waitUntil: 'commit'});
		await settled(page, ready);
	}, holdTimers: () => page.addInitScript(holdTimers), later: () => page.evaluate(() => window.later()), refused: (...statuses) => {
		may = statuses;
	}};
	try {
		const begin = performance.now();
		await test(t);
		if (!page.isClosed() && page.url() !== 'about:blank') await judge(page, name, {calm: false});
		console.log(`ok ${name} (${Math.round(performance.now() - begin)} ms)`);
	} catch (e) {
		wrong(name, e.stack);
		if (!page.isClosed()) await page.screenshot({path: `${settings.shots}/wrong.png`});
	}
	await page.close();
}

// ---- all of it

const names = readdirSync(new URL('pages/', import.meta.url)).filter((f) => f.endsWith('.mjs')).sort();
const files = await Promise.all(names.map(async (f) => ({file: f.slice(0, -4), ...await import(new URL(`pages/${f}`, import.meta.url))})));
const wanted = (file, name) => !settings.only || file === settings.only || name === settings.only;
const pages = files.flatMap((f) => (f.pages ?? []).filter((p) => wanted(f.file, p.name)));
const tests = files.flatMap((f) => Object.entries(f.tests ?? {}).filter(([name]) => wanted(f.file, name)));
assert.ok(pages.length + tests.length > 0, `nothing is called ${settings.only}`);

const browser = await chromium.launch({executablePath: settings.chromium,
	args: ['--no-sandbox', '--disable-dev-shm-usage', '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1']});
try {
	await visitAll(browser, pages.filter((p) => p.also === 'nobody'), settings.url, null);
	await visitAll(browser, pages.filter((p) => p.also === 'nothing'), settings.empty, settings.emptyToken);
	await visitAll(browser, pages.filter((p) => p.also === undefined), settings.url, settings.token);
	const context = await newContext(browser, () => now);
	await logIn(context, settings.url, settings.token);
	for (const [name, test] of tests) await doTest(context, name, test);
} finally {
	await browser.close();
}
console.log(`${pages.length} pages, ${tests.length} tests of what people do, ${used.size} calls used`);
process.exit(failures.length > 0 ? 1 : 0);
