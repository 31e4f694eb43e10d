// What a page costs, measured in Chromium; prints one number. usage: node pages.mjs SETTINGS
// (JSON): {modules, chromium, url, token, what: paint|floor|bytes|idle|graph|change|jump|worst, path, ready}
import {createServer} from 'node:http';
import {createRequire} from 'node:module';

const settings = JSON.parse(process.argv[2]);
const {chromium} = createRequire(`${settings.modules}/`)('playwright-core');

// When what is wanted is on the screen, in ms since the address was entered.
function note(ready) {
	window.painted = new Promise((resolve) => {
		const look = new MutationObserver(() => {
			if (!document.querySelector(ready)) return;
			look.disconnect();
			// after the next frame it has been painted
			requestAnimationFrame(() => setTimeout(() => resolve(performance.now())));
		});
		look.observe(document, {childList: true, subtree: true});
	});
}

const browser = await chromium.launch({executablePath: settings.chromium, args: ['--no-sandbox', '--disable-dev-shm-usage']});

const sleep = (ms) => new Promise((go) => setTimeout(go, ms));

async function logIn() {
	const page = await browser.newPage();
	await page.goto(`${settings.url}/-/login`);
	await page.fill('#token', settings.token);
	await page.keyboard.press('Enter');
	await page.waitForSelector('.list li');
	const cookies = await page.context().cookies();
	await page.context().close();
	return cookies;
}

const cookies = await logIn();

// A new window makes the browser work for most of a second, before anything is asked of it: that
// belongs to no page.
async function rest() {
	const client = await browser.newBrowserCDPSession();
	const worked = async () => (await client.send('SystemInfo.getProcessInfo')).processInfo.reduce((sum, p) => sum + p.cpuTime, 0);
	let [before, calm] = [await worked(), 0];
	for (let i = 0; i < 50 && calm < 2; i++) {
		await sleep(100);
		const now = await worked();
		calm = now - before < 0.005 ? calm + 1 : 0;
		before = now;
	}
	await client.detach();
}

// A context has a cache of its own: it is cold.
async function open(address = settings.url + settings.path) {
	const context = await browser.newContext({viewport: {width: 1280, height: 800}});
	await context.addCookies(cookies);
	await context.addInitScript(note, settings.ready);
	const page = await context.newPage();
	await rest();
	await page.goto(address);
	await page.evaluate(() => window.painted);
	return page;
}

// The median of some: the browser itself is warm, as people's are.
async function painted(address) {
	const times = [];
	for (let i = 0; i < 3; i++) {
		const page = await open(address);
		times.push(await page.evaluate(() => window.painted));
		await page.context().close();
	}
	return times.sort((a, b) => a - b)[1];
}

// The least that a list of what a server knows can be: one style, one script, one call.
const least = {
	'/': ['text/html', '<!doctype html><link rel="icon" href="data:,"><link rel="stylesheet" href="a.css"><script type="module" src="a.js"></script><ul class="list"></ul>'],
	'/a.css': ['text/css', 'body { font: 14px/1.5 system-ui; }'],
	'/a.js': ['text/javascript', `for (const name of await (await fetch('list')).json()) document.querySelector('ul').append(Object.assign(document.createElement('li'), {textContent: name}));`],
	'/list': ['application/json', JSON.stringify(Array.from({length: 20}, (_, i) => `app-${i}`))],
};

async function serveLeast() {
	const server = createServer((request, reply) => {
		const [type, text] = least[request.url];
		reply.writeHead(200, {'Content-Type': type}).end(text);
	});
	await new Promise((go) => server.listen(0, '127.0.0.1', go));
	return server;
}

async function call(method, path) {
	const reply = await fetch(settings.url + path, {method, headers: {'PRIVATE-TOKEN': settings.token}});
	if (!reply.ok) throw new Error(`${method} ${path}: ${await reply.text()}`);
	return reply.json();
}

// To lines all over a log, each until all that is seen has its text: sorted.
async function jumps() {
	const page = await open();
	await page.waitForTimeout(2000); // its outline is read once
	return page.evaluate(async () => {
		const log = document.querySelector('.log');
		const times = [];
		for (let i = 0; i < 15; i++) {
			const was = document.querySelector('.ln').dataset.line;
			await new Promise(requestAnimationFrame);
			const begin = performance.now();
			log.scrollTop = (log.scrollHeight - log.clientHeight) * ((i * 7 % 15) + 0.5) / 15;
			for (let rows = []; rows.length === 0 || rows[0].dataset.line === was || !rows.every((r) => r.querySelector('.tx')); rows = [...document.querySelectorAll('.ln')])
				await new Promise((go) => requestAnimationFrame(() => setTimeout(go)));
			times.push(performance.now() - begin);
		}
		return times.sort((a, b) => a - b);
	});
}

const measures = {
	paint: () => painted(),
	async floor() {
		const server = await serveLeast();
		const time = await painted(`http://127.0.0.1:${server.address().port}/`);
		server.close();
		return time;
	},
	async bytes() {
		const page = await open();
		return page.evaluate(() => [...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')]
			.reduce((sum, e) => sum + e.transferSize, 0) / 1000);
	},
	// All jobs of a pipeline, which have ended, from what the server said to the screen.
	async graph() {
		const page = await open();
		return page.evaluate(async (address) => {
			const {Graph} = await import(new URL('lib/graph.js', document.querySelector('script[type="module"]').src));
			const {jobs} = await (await fetch(address)).json();
			const time = (s) => new Date(1.7e12 + s * 1000).toISOString();
			jobs.forEach((j, i) => Object.assign(j, {status: i % 50 ? 'success' : 'failed', started_at: time(i), finished_at: time(2 * i + 9)}));
			const place = document.querySelector('.graph').parentNode;
			const times = [];
			for (let i = 0; i < 7; i++) {
				place.replaceChildren();
				await new Promise((go) => setTimeout(go, 200));
				await new Promise(requestAnimationFrame);
				const begin = performance.now();
				const graph = new Graph((job) => `#${job.id}`);
				place.append(graph.node);
				graph.update(jobs, []);
				await new Promise((go) => requestAnimationFrame(() => setTimeout(go)));
				times.push(performance.now() - begin);
			}
			return times.sort((a, b) => a - b)[3];
		}, settings.graph);
	},
	// From the server's word that one of its jobs has changed to the screen.
	async change() {
		const page = await open();
		const {jobs} = await call('GET', settings.graph);
		const times = [];
		await page.waitForTimeout(1000);
		for (const job of jobs.slice(-7)) {
			const painted = page.evaluate((index) => new Promise((resolve) => {
				const node = document.querySelector(`.node[data-index="${index}"]`);
				const look = new MutationObserver(() => {
					if (!node.classList.contains('canceled')) return;
					look.disconnect();
					requestAnimationFrame(() => setTimeout(() => resolve(Date.now())));
				});
				look.observe(node, {attributes: true});
			}), job.index);
			const begin = Date.now();
			await call('POST', `/api/v4/projects/${settings.project}/jobs/${job.id}/cancel`);
			times.push(await painted - begin);
			await page.waitForTimeout(300);
		}
		return times.sort((a, b) => a - b)[3];
	},
	jump: async () => (await jumps())[7],
	worst: async () => (await jumps()).at(-1),
	// ms of work in each second that nothing happens
	async idle() {
		const page = await open();
		const client = await page.context().newCDPSession(page);
		await client.send('Performance.enable');
		const worked = async () => (await client.send('Performance.getMetrics')).metrics.find((m) => m.name === 'TaskDuration').value * 1000;
		await page.waitForTimeout(2000);
		const before = await worked();
		await page.waitForTimeout(5000);
		return (await worked() - before) / 5;
	},
};

console.log(await measures[settings.what]());
await browser.close();
