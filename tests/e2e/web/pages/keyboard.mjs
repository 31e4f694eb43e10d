import assert from 'node:assert/strict';

// By Tab, to what is called so; where one is, one is told.
async function reach(t, name, key = 'Enter') {
	for (let i = 0; i < 150; i++) {
		await t.page.keyboard.press('Tab');
		const at = await t.page.evaluate(() => {
			const e = document.activeElement;
			return e.getAttribute('aria-label') ?? (e.labels?.[0] ?? e).textContent.trim();
		});
		if (typeof name === 'string' ? at === name : name.test(at)) {
			if (key) await t.page.keyboard.press(key);
			return;
		}
	}
	assert.fail(`${name} is not reached by Tab on ${t.page.url()}`);
}

export const tests = {
	'a pipeline is run, looked at, canceled and deleted without a mouse': async (t) => {
		const {page, data} = t;
		await t.open('/', '.list');
		await reach(t, data.app);
		await page.waitForSelector('.pipelines');
		await reach(t, 'Run');
		await page.getByLabel('Branch or tag').waitFor();
		await reach(t, 'MODE', null);
		await page.keyboard.press('ArrowDown'); // full
		await reach(t, 'Name of a variable', null);
		await page.keyboard.type('OUTCOME');
		await page.keyboard.press('Tab');
		await page.keyboard.type('waiting');
		await reach(t, 'Run the pipeline');
		await page.waitForURL(/\/-\/pipelines\/\d+$/);
		const id = page.url().split('/').pop();
		const given = await t.api('GET', `/api/v4/projects/${data.app_id}/pipelines/${id}/variables`);
		assert.deepEqual(given.map((v) => `${v.key}=${v.value}`).sort(), ['MODE=full', 'OUTCOME=waiting']);
		await page.waitForSelector('.graph .node');
		await reach(t, /^compile,/, null);
		await page.keyboard.press('ArrowRight');
		await page.keyboard.press('Enter');
		await page.waitForURL('**/-/jobs/*');
		await page.waitForSelector('.job');
		assert.equal(await page.evaluate(() => document.activeElement.id), 'main', 'reading goes on where the page begins');
		await page.goBack(); // a key of the browser's own
		await page.waitForSelector('.graph .node');
		await reach(t, 'Cancel');
		await t.is('.pipeline-head .state', 'canceled');
		await reach(t, 'Delete', null);
		await page.keyboard.press('Enter');
		await page.getByRole('button', {name: /^Delete it with/}).waitFor();
		await page.keyboard.press('Enter');
		await page.waitForURL('**/-/pipelines');
	},

	'a question is answered, and left, without a mouse': async (t) => {
		const {page, data} = t;
		await t.open(`/${data.logs.path}/-/jobs/${data.logs.jobs.colours.id}`, '.ln .tx');
		const opened = () => page.locator('dialog[open]').count();
		await reach(t, 'Erase…');
		assert.equal(await opened(), 1);
		await page.keyboard.press('Escape');
		assert.equal(await opened(), 0);
		assert.equal(await page.evaluate(() => document.activeElement.textContent), 'Erase…', 'one is where one was');
		await page.keyboard.press('Enter');
		await reach(t, 'Leave it');
		assert.equal(await opened(), 0);
	},
};
