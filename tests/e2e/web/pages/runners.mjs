import assert from 'node:assert/strict';

export const pages = [
	{name: 'runners', path: () => '/-/runners', ready: '.list li'},
	{name: 'runners-none', also: 'nothing', path: () => '/-/runners', ready: '.say'},
];

export const tests = {
	'a runner that went silent is said to be offline, and nobody is asked all the time': async ({page, open, is, holdTimers, later}) => {
		let asked = 0;
		let answered = 0;
		let silent = false;
		await page.route('**/api/v4/runners?*', async (route) => {
			asked++;
			const response = await route.fetch();
			const rows = await response.json();
			await route.fulfill({response, json: silent ? rows.map((x) => ({...x, online: false, status: 'offline'})) : rows});
			answered++;
		});
		await holdTimers();
		await open('/-/runners', '.list');
		await is('.list li', 'online');
		while (answered < 2) await page.waitForTimeout(20); // once more when the stream has begun
		await is('.list li', 'online');
		silent = true;
		await later();
		await page.locator('.list li', {hasText: 'online'}).first().waitFor({state: 'detached'});
		for (let before = 0; before < asked; await page.waitForTimeout(1200)) before = asked; // what was asked for meanwhile is over
		const after = asked;
		await later();
		await page.waitForTimeout(100);
		assert.equal(asked, after);
	},

	'a runner is made, paused, and deleted': async (t) => {
		const {page} = t;
		await t.open('/-/runners', '.list');
		await page.getByLabel('Description').fill('<b>big</b> box');
		await page.getByLabel('Tags', {exact: true}).fill('gpu, large');
		await page.getByRole('button', {name: 'Make the runner'}).click();
		const token = await page.locator('.made pre').first().innerText();
		assert.match(token, /^glrt-/);
		await t.api('POST', '/api/v4/runners/verify', {token});
		const row = page.locator('.list li', {hasText: '<b>big</b> box'});
		await row.getByText('large').waitFor();
		await row.getByRole('button', {name: 'Pause'}).click();
		await row.getByText('paused').waitFor();
		await row.getByRole('button', {name: 'Delete'}).click();
		await row.getByRole('button', {name: /and its token/}).click();
		await row.waitFor({state: 'detached'});
	},
};
