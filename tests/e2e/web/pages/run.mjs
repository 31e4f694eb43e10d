import assert from 'node:assert/strict';

export const pages = [
	{name: 'run', path: (d) => `/${d.asking}/-/pipelines/new`, ready: 'fieldset select'},
	{name: 'run-none', path: (d) => `/${d.empty}/-/pipelines/new`, ready: '.say'},
	{name: 'run-hostile', path: (d) => `/${d.evil}/-/pipelines/new`, ready: 'button.main'},
];

export const tests = {
	'a pipeline by hand: what is wrong is said at its field, then it runs with what was given': async (t) => {
		const {page} = t;
		t.refused(400);
		await t.open(`/${t.data.asking}/-/pipelines/new?var[EXTRA]=more`, 'fieldset select');
		const run = page.getByRole('button', {name: 'Run the pipeline'});
		await page.getByLabel('count').fill('two');
		await run.click();
		await page.getByText('This has to be a number.').waitFor();
		await page.getByLabel('count').fill('2');
		await page.getByLabel('version').fill('12');
		await run.click();
		await page.getByText('does not match').waitFor();
		await page.getByText('required value has not been provided').waitFor();
		assert.equal(await page.getByLabel('version').getAttribute('aria-invalid'), 'true');
		await page.getByLabel('version').fill('v12');
		await page.getByLabel('sure').selectOption('true');
		await page.getByLabel('target').selectOption('production');
		await page.getByLabel('LEVEL').selectOption('high');
		await run.click();
		await page.waitForURL(/\/-\/pipelines\/\d+$/);
		const id = page.url().split('/').pop();
		const jobs = await t.api('GET', `/api/v4/projects/${t.data.asking_id}/pipelines/${id}/jobs`);
		assert.deepEqual(jobs.map((j) => j.name).sort(), ['to production 1/2', 'to production 2/2']);
		const given = await t.api('GET', `/api/v4/projects/${t.data.asking_id}/pipelines/${id}/variables`);
		assert.deepEqual(given.map((v) => [v.key, v.value]).sort(), [['EXTRA', 'more'], ['LEVEL', 'high']]);
		assert.equal((await t.api('GET', `/api/v4/projects/${t.data.asking_id}/pipelines/${id}`)).source, 'web');
		await t.open(`/${t.data.asking}/-/pipelines/${id}?show=file`, 'td');
		await t.is('tr', 'target');
		await t.is('tr', 'EXTRA');
		await t.page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
		await t.open(`/${t.data.asking}/-/jobs/${jobs[0].id}`, '.head');
		await page.getByRole('button', {name: 'Copy command'}).click();
		await t.is('.note', 'Copied');
		const copied = await page.evaluate(() => navigator.clipboard.readText());
		for (const word of ['-i count=2 ', '-i version=v12 ', '-i target=production ', '-v EXTRA=more ']) assert.ok(copied.includes(word), copied);
	},

	'a ref that is not there is said at once': async (t) => {
		t.refused(400);
		await t.open(`/${t.data.asking}/-/pipelines/new`, 'fieldset select');
		await t.page.getByLabel('Branch or tag').fill('nowhere');
		await t.page.getByText('There is no such branch or tag.').waitFor();
	},
};
