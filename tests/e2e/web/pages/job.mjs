import assert from 'node:assert/strict';

const LINES = '.ln .tx';
const at = (d, name) => `/${d.logs.path}/-/jobs/${d.logs.jobs[name].id}`;

export const pages = [
	{name: 'job', picture: true, path: (d) => at(d, 'colours'), ready: LINES, check: async (t) => {
		await t.is('.state', 'failed');
		await t.is('.why', 'Exit code 2');
		await t.is('.charts', 'Memory');
		await t.is('.job-list li', 'by hand');
	}},
	{name: 'job-hostile', path: (d) => at(d, 'hostile'), ready: LINES},
	{name: 'job-manual', path: (d) => at(d, 'by hand'), ready: '.say', check: (t) => t.is('.why', 'somebody to start it')},
];

async function until(fn, what) {
	const end = Date.now() + 20000;
	while (!(await fn())) {
		assert.ok(Date.now() < end, `waited in vain: ${what}`);
		await new Promise((r) => setTimeout(r, 20));
	}
}

const texts = (t) => t.page.locator(LINES).allTextContents();
const shows = (t, text) => until(async () => (await texts(t)).some((x) => x.includes(text)), `a line with ${text}`);
const count = (t) => t.page.locator('.log-bar [role=status]').textContent();
const isSeen = (t, line) => t.page.evaluate((n) => {
	const row = document.querySelector(`.ln[data-line="${n - 1}"]`)?.getBoundingClientRect();
	const log = document.querySelector('.log').getBoundingClientRect();
	return row !== undefined && row.top >= log.top - 1 && row.bottom <= log.bottom + 1;
}, line);

// As the job's runner.
async function say(t, name, text) {
	const job = t.data.logs.jobs[name];
	const bytes = new TextEncoder().encode(text);
	job.said ??= 0;
	const reply = await fetch(`${t.settings.url}/api/v4/jobs/${job.id}/trace`, {method: 'PATCH', body: bytes, headers: {
		'JOB-TOKEN': job.token, 'Content-Type': 'text/plain', 'Content-Range': `${job.said}-${job.said + bytes.length - 1}`}});
	assert.equal(reply.status, 202, await reply.text());
	job.said += bytes.length;
}

// From the moment of scrolling to a frame in which all that is seen has its text.
async function jump(t, part) {
	return t.page.evaluate(async (f) => {
		const log = document.querySelector('.log');
		const begin = performance.now();
		const was = document.querySelector('.ln')?.dataset.line;
		log.scrollTop = (log.scrollHeight - log.clientHeight) * f;
		for (;;) {
			await new Promise((r) => requestAnimationFrame(r));
			const rows = [...document.querySelectorAll('.ln')];
			const ms = performance.now() - begin;
			if ((rows[0].dataset.line !== was && rows.every((r) => r.querySelector('.tx'))) || ms > 15000)
				return {ms, line: Number(rows[0].dataset.line), text: rows[0].querySelector('.tx')?.textContent};
		}
	}, part);
}

export const tests = {
	'any of a million lines is there at once': async (t) => {
		await t.open(at(t.data, 'big'), LINES);
		const took = [];
		for (const part of [0.5, 0.25, 0.9, 0.1, 0.77, 0.333, 1, 0.05, 0.6]) {
			const got = await jump(t, part);
			assert.equal(got.text?.slice(0, 8), String(got.line).padStart(8, '0'));
			assert.ok(Math.abs(got.line / t.data.logs.lines - part) < 0.01, `${part}: ${got.line}`);
			took.push(got.ms);
		}
		took.sort((a, b) => a - b);
		console.log(`one of ${t.data.logs.lines} lines after ${took[4].toFixed(0)} ms, at worst ${took.at(-1).toFixed(0)} ms`);
		assert.ok(took[4] < 1500, `${took}`);
		assert.ok(await t.page.locator('.ln').count() < 120, 'only what is seen exists');
	},

	'in a million lines small steps are small, and an address leads to its line': async (t) => {
		await t.open(`${at(t.data, 'big')}#L777777-777779`, LINES);
		await shows(t, '00777776 ');
		assert.equal(await t.page.locator('.ln.on').count(), 3);
		const before = Number(await t.page.locator('.ln').first().getAttribute('data-line'));
		await t.page.locator('.log').hover();
		await t.page.mouse.wheel(0, 200);
		await until(async () => Number(await t.page.locator('.ln').first().getAttribute('data-line')) === before + 10, 'ten lines further');
		await t.page.waitForTimeout(400);
		assert.equal(Number(await t.page.locator('.ln').first().getAttribute('data-line')), before + 10, 'it stays there');
		await t.page.keyboard.press('G');
		await shows(t, String(t.data.logs.lines - 1).padStart(8, '0'));
		await t.page.keyboard.press('g');
		await shows(t, '00000000 ');
		await t.page.fill('.log-bar input[type=search]', '00654321');
		await t.page.keyboard.press('Enter');
		await until(async () => (await count(t)) === '1 of 1', 'a match');
		assert.ok(await isSeen(t, 654322));
	},

	'a log is followed until one scrolls, and again when one wants to': async (t) => {
		await say(t, 'live', 'first words\n');
		await t.open(at(t.data, 'live'), LINES);
		await shows(t, 'first words');
		for (let i = 0; i < 20; i++) await say(t, 'live', `${`part ${i}\n`.repeat(10)}last of ${i}\n`);
		await shows(t, 'last of 19');
		await t.is('.log-foot button[aria-pressed=true]', 'Following');
		const begin = Date.now();
		await say(t, 'live', 'now!\n');
		await shows(t, 'now!');
		console.log(`a new line after ${Date.now() - begin} ms`);
		await t.page.locator('.log').hover();
		await t.page.mouse.wheel(0, -600);
		await t.is('.log-foot button[aria-pressed=false]', 'Follow');
		const top = (await texts(t))[0];
		await say(t, 'live', 'unseen\n'.repeat(50));
		await until(async () => (await t.page.locator('.log-foot').textContent()).includes('272 lines'), 'the count of lines');
		assert.equal((await texts(t))[0], top);
		await t.page.getByRole('button', {name: 'Follow'}).click();
		await shows(t, 'unseen');
		await say(t, 'live', 'seen again, without an end');
		await shows(t, 'seen again, without an end');
		await say(t, 'live', ' of the line\nsection_start:5:late\r\x1b[0KA late part\ninside\nsection_end:9:late\r\x1b[0K\n');
		await shows(t, 'without an end of the line');
		await t.is('.ln.begins .took', '4.0 s');
	},

	'what is said while the network is away or the machine sleeps is there afterwards, once': async (t) => {
		const streams = [];
		t.page.on('request', (r) => r.url().includes('/events?') && streams.push(r));
		await t.page.addInitScript(() => delete window.SharedWorker); // the browser's tools do not reach it
		await t.holdTimers();
		await say(t, 'live', 'next\nbefore it\n');
		await t.open(at(t.data, 'live'), LINES);
		await shows(t, 'before it');
		await t.page.waitForSelector(':root[data-live="on"]');
		t.refused('net::ERR_');
		await t.context.setOffline(true);
		const failed = t.page.waitForEvent('requestfailed');
		for (let i = 0; i < 5; i++) await say(t, 'live', `away ${i}\n`);
		await failed;
		await t.context.setOffline(false);
		await shows(t, 'away 4'); // though nothing is said any more
		const seen = await texts(t);
		assert.deepEqual(seen.slice(seen.indexOf('before it')).filter(Boolean), ['before it', ...[0, 1, 2, 3, 4].map((i) => `away ${i}`)]);
		await t.page.waitForSelector(':root[data-live="on"]');
		const before = streams.length;
		await t.later(); // a minute in which the server was not heard
		await until(() => streams.length > before, 'a new stream');
		await say(t, 'live', 'after the sleep\n');
		await shows(t, 'after the sleep');
	},

	'sections fold, lines and ranges have addresses, errors are found': async (t) => {
		await t.open(at(t.data, 'colours'), LINES);
		await shows(t, 'the end'); // it failed: one wants to see why
		await t.is('.log-bar', '2 error lines');
		await t.page.keyboard.press('e');
		await shows(t, 'main.c:3:1: error');
		await shows(t, 'loaded 100%');
		assert.ok(!(await texts(t)).some((x) => x.includes('loaded 10%') || x.includes('hidden')));
		await t.page.getByRole('button', {name: 'Section Dependencies'}).click();
		await shows(t, 'hidden');
		await t.page.keyboard.press('g');
		await shows(t, 'debian:12');
		await t.is('.ln.begins .took', '57 s');
		await t.page.getByRole('button', {name: 'Section Preparing'}).click();
		await until(async () => !(await texts(t)).some((x) => x.includes('debian:12')), 'it is folded');
		await t.page.locator('a.no', {hasText: /^7$/}).click();
		await t.page.locator('a.no', {hasText: /^9$/}).click({modifiers: ['Shift']});
		assert.match(t.page.url(), /#L7-9$/);
		assert.equal(await t.page.locator('.ln.on').count(), 3);
		await t.page.goto(`about:blank`);
		await t.open(`${at(t.data, 'colours')}#L430`, LINES); // folded away, were it not asked for
		await until(() => isSeen(t, 430), 'line 430');
	},

	'a search counts, marks and leads; wrapping keeps the place': async (t) => {
		await t.open(at(t.data, 'colours'), LINES);
		await t.page.keyboard.press('/');
		await t.page.keyboard.type('MODULE 3\\d\\d');
		await t.page.getByLabel('Regular expression').check();
		await t.page.locator('.log-bar input[type=search]').press('Enter');
		await until(async () => /^\d+ of 100$/.test(await count(t)), 'a hundred matches');
		const marks = () => t.page.evaluate(() => [...(CSS.highlights.get('found') ?? [])].map((r) => r.toString()));
		await until(async () => (await marks()).includes('module 300'), 'marks');
		await t.page.locator('.log').focus();
		const before = await count(t);
		await t.page.keyboard.press('n');
		await t.page.keyboard.press('N');
		await until(async () => (await count(t)) === before, 'there and back');
		await t.page.keyboard.press('w');
		await t.is('button[aria-pressed=true]', 'Wrap');
		await t.page.keyboard.press('G');
		await shows(t, 'the end');
		const {wide, room} = await t.page.evaluate(() => {
			const log = document.querySelector('.log');
			return {wide: log.scrollWidth, room: log.clientWidth};
		});
		assert.ok(wide <= room, 'nothing is wider than the window');
		await t.page.keyboard.press('w');
		t.refused(400);
		await t.page.fill('.log-bar input[type=search]', '(');
		await t.is('.log-bar [role=status]', 'regular expression');
	},

	'on a narrow screen lines wrap, and a million of them move by what one scrolls': async (t) => {
		await t.page.setViewportSize({width: 360, height: 740});
		await t.open('/', '.list');
		await t.page.evaluate(() => localStorage.removeItem('log-wrap')); // what another test chose
		await t.open(at(t.data, 'big'), LINES);
		await t.page.locator('.log').evaluate((log) => log.scrollIntoView());
		await t.page.locator('.log').hover();
		const first = () => t.page.evaluate(() => {
			const top = document.querySelector('.log').getBoundingClientRect().top;
			const row = [...document.querySelectorAll('.ln')].find((r) => r.getBoundingClientRect().bottom > top + 1);
			return [Number(row.dataset.line), row.getBoundingClientRect().top - top, row.offsetHeight];
		});
		await until(async () => (await first())[2] > 20, 'lines that wrap');
		await t.page.mouse.wheel(0, 300);
		await until(async () => {
			const [line, above, height] = await first();
			return Math.abs(line * height - above - 300) < 2;
		}, '300 pixels further');
		await t.page.keyboard.press('G');
		await until(() => isSeen(t, t.data.logs.lines), 'the last line');
		await t.page.mouse.wheel(0, -300);
		await until(async () => !(await isSeen(t, t.data.logs.lines)), 'a little above');
		await until(async () => {
			await t.page.mouse.wheel(0, 400);
			await t.page.waitForTimeout(250);
			return isSeen(t, t.data.logs.lines);
		}, 'the last line again');
	},

	'a hostile log is text, and no more': async (t) => {
		await t.open(at(t.data, 'hostile'), LINES);
		await shows(t, '<script>alert(1)</script>');
		await shows(t, 'abc U+202Egnp.exeU+202C def');
		const all = await texts(t);
		assert.ok(all.includes('after a title') && all.includes('cleared') && all.some((x) => x.includes('^A^BU+007F control')), all.join('\n'));
		assert.match(await t.page.title(), /^passed: hostile/);
		const colours = await t.page.evaluate(() => [...document.querySelectorAll('.ln .tx span')].filter((s) => s.textContent.endsWith('red')).map((s) => getComputedStyle(s).color));
		assert.equal(colours.length, 2);
		assert.equal(colours[0], colours[1], 'a colour goes on until it ends');
		await t.page.getByRole('button', {name: 'characters more'}).click();
		await t.is('.rest', 'see the raw log');
		await t.page.keyboard.press('G');
		await t.page.getByRole('button', {name: 'Section open for ever'}).click();
		await shows(t, 'inside');
	},

	'a colour that began hundreds of lines above is there where one jumps to': async (t) => {
		await t.open(`${at(t.data, 'hostile')}#L560`, LINES);
		const style = () => t.page.evaluate(() => {
			const {color, fontWeight} = getComputedStyle(document.querySelector('.ln[data-line="559"] .tx').firstElementChild ?? document.body);
			return [color, fontWeight].join();
		});
		const wanted = await t.page.evaluate(() => {
			const probe = document.body.appendChild(document.createElement('i'));
			probe.style.color = 'var(--c5)';
			return `${getComputedStyle(probe).color},700`;
		});
		await until(async () => (await style()) === wanted, `${wanted}`);
		await t.page.keyboard.press('l');
		await until(() => t.page.locator('.ln.on').first().getAttribute('data-line').then((n) => t.page.url().endsWith(`#L${Number(n) + 1}`)), 'the address of the topmost line');
		await t.page.keyboard.press('G');
		await shows(t, 'no more');
		assert.equal(await t.page.evaluate(() => [...document.querySelectorAll('.ln .tx')].find((x) => x.textContent === 'no more').children.length), 0);
	},

	'a job is played with variables, canceled, tried again, and its command copied': async (t) => {
		const {project, path, jobs} = t.data.logs;
		await t.context.grantPermissions(['clipboard-read', 'clipboard-write']);
		await t.open(at(t.data, 'by hand'), '.say');
		await t.page.getByRole('button', {name: 'Copy command'}).click();
		await t.is('.note', 'Copied');
		const copied = await t.page.evaluate(() => navigator.clipboard.readText());
		const {plan_hash: plan, sha} = await t.api('GET', `/api/v4/projects/${project}/pipelines/${t.data.logs.pipeline}`);
		assert.equal(copied.trim(), `git checkout ${sha} && pawl run --ref main --event api -v 'WORD=it'\\''s' -- 'by hand'  # plan ${plan}`);
		await t.page.getByRole('button', {name: 'Play with variables'}).click();
		await t.page.getByLabel('NAME').first().fill('GIVEN');
		await t.page.getByLabel('value').first().fill('by a person');
		await t.page.locator('dialog button[type=submit]').click();
		await t.is('.head .state', 'pending');
		await t.page.getByRole('button', {name: 'Cancel'}).click();
		await t.is('.head .state', 'canceled');
		await t.page.getByRole('button', {name: 'Retry'}).click();
		await until(() => !t.page.url().endsWith(`/jobs/${jobs['by hand'].id}`), 'the page of the next try');
		await t.is('.job-list li', 'try 2');
		await t.page.getByRole('link', {name: 'try 1'}).click();
		await t.page.waitForURL(`**/${path}/-/jobs/${jobs['by hand'].id}`);
	},

	'what is erased is gone, after a question': async (t) => {
		await t.open(at(t.data, 'stamped'), LINES);
		await t.is('.ln .at', '03:0');
		assert.ok(!(await texts(t))[0].includes('2026-'));
		await t.page.getByRole('button', {name: 'Erase'}).click();
		await t.page.getByRole('button', {name: 'Leave it'}).click();
		await t.is('.ln .at', '03:0');
		await t.page.getByRole('button', {name: 'Erase'}).click();
		await t.page.locator('dialog button[type=submit]').click();
		await t.is('.say', 'The log was erased');
	},
};
