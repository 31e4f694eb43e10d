import assert from 'node:assert/strict';

const of = (project, id, rest = '') => `/${project}/-/pipelines/${id}${rest}`;

export const pages = [
	{name: 'pipeline', path: (d) => of(d.app, d.pipelines.failed), ready: '.graph .node.failed', check: async ({is}) => {
		await is('h1', 'Build of main');
		await is('.path li', 'unit'); // the critical path in words
	}},
	{name: 'pipeline-whole', picture: true, path: (d) => of(d.website, d.website_pipeline), ready: '.graph .node.success', check: ({is}) => is('.pipeline-head .state', 'passed with warnings')},
	{name: 'pipeline-jobs', path: (d) => of(d.app, d.pipelines.failed, '?show=jobs'), ready: '.list'},
	{name: 'pipeline-delayed', path: (d) => of(d.app, d.pipelines.scheduled, '?show=jobs'), ready: '.list', check: ({is}) => is('.list', /later.*at \d/s)},
	{name: 'pipeline-tests', path: (d) => of(d.tested, d.tested_failed, '?show=tests'), ready: '.tests li', check: async ({page, is}) => {
		await is('.tests li:first-child', 'carries');
		await page.click('.tests li:first-child summary');
		await is('.test-past', '1 failed');
		await is('.test-output', '1 <b>is not</b> 2');
	}},
	{name: 'pipeline-file', path: (d) => of(d.app, d.pipelines.failed, '?show=file'), ready: 'table', check: async ({is}) => {
		await is('.source', 'flaky:');
		await is('table', 'OUTCOME');
		await is('.message', 'Begin the app');
	}},
	{name: 'pipeline-broken', path: (d) => of(d.broken, d.wrong), ready: '.errors', check: ({is}) => is('.errors', 'did you mean `script`?')},
	{name: 'pipeline-hostile', path: (d) => of(d.evil, d.evil_pipelines[0]), ready: '.graph .node'},
];

async function start(t, variables) {
	const made = await t.api('POST', `/api/v4/projects/${t.data.app_id}/pipeline`, {ref: 'main', variables: Object.entries(variables).map(([key, value]) => ({key, value}))});
	return made.id;
}

export const tests = {
	'a pipeline is followed live, its manual job played, its page never drawn anew': async (t) => {
		const id = await start(t, {OUTCOME: 'manual'});
		await t.open(of(t.data.app, id), '.graph .node');
		await t.page.locator('.node[aria-label^="unit"]').evaluate((node) => {
			window.same = node;
			node.focus();
		});
		await t.page.waitForSelector('.node.success[aria-label^="unit"]');
		await t.page.getByRole('button', {name: 'Play ship'}).click();
		await t.page.waitForSelector('.node.success[aria-label^="ship"]');
		assert.ok(await t.page.evaluate(() => window.same.isConnected), 'the node of the job is the one of before');
	},

	'a manual job is played with variables, a pipeline goes before others': async (t) => {
		const id = await start(t, {OUTCOME: 'manual'});
		await t.open(of(t.data.app, id), '.graph .node');
		await t.page.getByRole('button', {name: 'Play with variables'}).click();
		await t.page.getByLabel('Name of a variable').first().fill('GIVEN');
		await t.page.getByLabel('Its value').first().fill('by a person');
		await t.page.locator('dialog button[type=submit]').click();
		await t.page.waitForSelector('.node.success[aria-label^="ship"]');
		const waiting = await start(t, {OUTCOME: 'waiting'});
		await t.open(of(t.data.app, waiting), '.graph .node');
		await t.page.getByRole('button', {name: 'Priority'}).click();
		await t.page.getByLabel('From -100 to 100').fill('7');
		await t.page.locator('dialog button[type=submit]').click();
		await t.is('.about', 'priority 7');
		await t.api('POST', `/api/v4/projects/${t.data.app_id}/pipelines/${waiting}/cancel`);
	},

	'failed jobs are retried, and a pipeline deleted when that was said twice': async (t) => {
		const id = await start(t, {OUTCOME: 'failed'});
		await t.open(of(t.data.app, id), '.graph');
		await t.is('.pipeline-head .state', 'failed');
		await t.page.getByRole('button', {name: /^Retry failed/}).click();
		await t.is('#notes', 'run again');
		await t.is('.pipeline-head .state', 'failed');
		await t.page.getByRole('button', {name: 'Delete', exact: true}).click();
		await t.page.getByRole('button', {name: /^Delete it with/}).click();
		await t.page.waitForURL('**/-/pipelines');
		await t.page.waitForSelector('.pipelines');
		assert.equal(await t.page.locator(`a[href$="/pipelines/${id}"]`).count(), 0);
	},

	'what a pipeline set off is shown with it, and leads back': async (t) => {
		await t.open(of(t.data.family, t.data.parent), '.graph');
		await t.page.getByRole('link', {name: /team\/family #/}).click();
		await t.is('.about', 'set off by');
	},

	'a pipeline that is not there is said to be so': async (t) => {
		t.refused(404);
		await t.open(of(t.data.app, 99999), '.say.wrong');
	},

	'a running pipeline is canceled': async (t) => {
		const id = await start(t, {OUTCOME: 'waiting'});
		await t.open(of(t.data.app, id), '.graph');
		await t.page.getByRole('button', {name: 'Cancel', exact: true}).click();
		await t.is('.pipeline-head .state', 'canceled');
	},

	'arrow keys go from job to job, and show whom it waits for': async (t) => {
		await t.open(of(t.data.many, t.data.many_pipeline), '.graph .node');
		await t.page.locator('.node[tabindex="0"]').focus();
		for (const key of ['ArrowDown', 'ArrowRight']) await t.page.keyboard.press(key);
		const {name, on} = await t.page.evaluate(() => ({name: document.activeElement.getAttribute('aria-label'),
			on: [...document.querySelectorAll('.node.on')].map((n) => n.getAttribute('aria-label').split(',')[0])}));
		assert.match(name, /^j1_1,/);
		assert.ok(on.includes('j0_1') && on.includes('j0_8') && !on.includes('j0_2') && on.includes('shards 3/100'), on.join());
		await t.page.keyboard.press('Enter');
		await t.page.waitForURL('**/-/jobs/*');
	},

	'a thousand jobs are drawn at once': async (t) => {
		await t.open(of(t.data.many, t.data.many_pipeline), '.graph .node');
		const {nodes, seen, ms, again} = await t.page.evaluate(async (path) => {
			const {Graph} = await import(new URL('lib/graph.js', document.querySelector('script[type="module"]').src));
			const {jobs} = await (await fetch(path)).json();
			const place = document.querySelector('.graph').parentNode;
			const took = async (fn) => {
				await new Promise(requestAnimationFrame);
				const begin = performance.now();
				fn();
				place.getBoundingClientRect(); // laid out, too
				return performance.now() - begin;
			};
			const drawn = [];
			let graph;
			for (let i = 0; i < 5; i++) {
				graph = new Graph((job) => `#${job.id}`);
				drawn.push(await took(() => {
					place.replaceChildren(graph.node);
					graph.update(jobs, []);
				}));
			}
			const seen = graph.node.querySelectorAll('.node .box').length;
			const ended = jobs.map((j) => ({...j, status: 'success', started_at: '2026-01-01T00:00:00Z', finished_at: '2026-01-01T00:01:00Z'}));
			const changed = await took(() => graph.update(ended, []));
			return {seen, nodes: graph.node.querySelectorAll('.node').length, ms: drawn.sort((a, b) => a - b)[2], again: changed};
		}, `/api/pawl/v1/projects/${encodeURIComponent(t.data.many)}/pipelines/${t.data.many_pipeline}/graph`);
		console.log(`a pipeline of ${nodes} jobs: drawn in ${ms.toFixed(0)} ms, all of them changed in ${again.toFixed(0)} ms`);
		assert.equal(nodes, 1000);
		assert.ok(seen > 50 && seen < 1000, `${seen} are drawn before the first frame`);
		await t.page.locator('.graph .node .box').nth(999).waitFor({state: 'attached'});
		assert.ok(ms < 1000, `${ms} ms`); // several times what it takes on two quiet processors
	},
};
