export const pages = [
	{name: 'pipelines', picture: true, path: (d) => `/${d.app}/-/pipelines`, ready: '.list'},
	{name: 'pipelines-none', path: (d) => `/${d.empty}`, ready: '.say'},
	{name: 'pipelines-hostile', path: (d) => `/${d.evil}`, ready: '.list'},
];

export const tests = {
	'pipelines are chosen by state, ref, source and person, and the address says which': async (t) => {
		const {page, data} = t;
		const shown = (id) => page.locator(`.pipelines a[href$="/pipelines/${id}"]`);
		await t.open(`/${data.app}/-/pipelines`, '.pipelines');
		await page.getByLabel('Any state').selectOption('failed');
		await page.waitForURL('**/-/pipelines?status=failed');
		await shown(data.pipelines.success).waitFor({state: 'detached'});
		await shown(data.pipelines.failed).waitFor();
		await page.reload();
		await shown(data.pipelines.failed).waitFor();
		if (await shown(data.pipelines.success).count() > 0) throw new Error('what the address says is forgotten');
		await page.getByLabel('Started by').fill('nobody');
		await t.is('.say', 'No such pipeline');
		await page.getByRole('link', {name: 'Show all'}).click();
		await shown(data.pipelines.success).waitFor();
		await page.getByLabel('Branch or tag').fill('other');
		await t.is('.say', 'No such pipeline');
		await page.getByLabel('Branch or tag').fill('main');
		await page.getByLabel('Any source').selectOption('api');
		await shown(data.pipelines.success).waitFor();
		await page.waitForURL('**/-/pipelines?ref=main&source=api');
	},

	'pipelines are canceled and retried where they are listed': async (t) => {
		const {id} = await t.api('POST', `/api/v4/projects/${t.data.app_id}/pipeline`, {ref: 'main', variables: [{key: 'OUTCOME', value: 'waiting'}]});
		await t.open(`/${t.data.app}/-/pipelines`, '.pipelines');
		await t.page.getByRole('button', {name: `Cancel pipeline ${id}`}).click();
		await t.page.getByRole('button', {name: `Retry failed jobs of pipeline ${id}`}).click();
		await t.page.getByRole('button', {name: `Cancel pipeline ${id}`}).click();
		await t.page.getByRole('button', {name: `Retry failed jobs of pipeline ${id}`}).waitFor();
	},

	'a pipeline appears, and the page goes on when the server was killed': async (t) => {
		await t.open(`/${t.data.app}`, '.list');
		const id = (await t.api('POST', `/api/v4/projects/${t.data.app_id}/pipeline`, {ref: 'main'})).id;
		await t.is('.list li', `#${id}`);
		await t.page.evaluate(() => window.same = true);
		t.refused('net::ERR_'); // whatever it was in the middle of
		await t.ask('kill');
		await t.page.waitForSelector(':root[data-live="off"]');
		await t.ask('start');
		await t.page.waitForSelector(':root[data-live="on"]');
		const next = (await t.api('POST', `/api/v4/projects/${t.data.app_id}/pipeline`, {ref: 'main'})).id;
		await t.is('.list li', `#${next}`);
		if (!(await t.page.evaluate(() => window.same))) throw new Error('the page was loaded anew');
	},

	'an answer that does not begin is asked for again': async (t) => {
		await t.holdTimers();
		await t.open(`/${t.data.app}`, '.list');
		await t.page.waitForSelector(':root[data-live="on"]');
		const dead = '**/api/pawl/v1/projects/*/pipelines?*';
		await t.page.route(dead, () => {}); // as a connection is after sleep
		const asked = t.page.waitForRequest(dead);
		const {id} = await t.api('POST', `/api/v4/projects/${t.data.app_id}/pipeline`, {ref: 'main'});
		await asked;
		await t.page.unroute(dead);
		t.refused('ERR_FAILED', 'ERR_ABORTED');
		await t.page.waitForTimeout(300); // what else was asked for
		await t.later();
		await t.is('.list li', `#${id}`);
	},

	'what keeps the stream is loaded again when that failed': async (t) => {
		await t.page.addInitScript(() => delete window.SharedWorker);
		t.refused('ERR_FAILED');
		let failed = 0;
		await t.page.route('**/live-stream.js*', (route) => (failed++ < 1 ? route.abort() : route.continue()));
		await t.open(`/${t.data.app}`, '.list');
		await t.page.waitForSelector(':root[data-live="off"]');
		await t.page.waitForSelector(':root[data-live="on"]');
		const {id} = await t.api('POST', `/api/v4/projects/${t.data.app_id}/pipeline`, {ref: 'main'});
		await t.is('.list li', `#${id}`);
	},
};
