export const pages = [
	{name: 'queue', path: () => '/-/queue', ready: '.list', check: async ({is}) => {
		await is('.list', 'nobody');
		await is('.queue-why.never', 'no-such-runner');
	}},
	{name: 'queue-none', also: 'nothing', path: () => '/-/queue', ready: '.say'},
];

export const tests = {
	'a job that waits appears by itself, says why, and goes': async (t) => {
		await t.open('/-/queue', '.list');
		const more = t.page.getByRole('button', {name: 'Show more'});
		// the newest come last; the button goes with the last of them
		while (await more.isVisible()) await more.click({timeout: 1000}).catch(() => {});
		const made = await t.api('POST', `/api/v4/projects/${t.data.app_id}/pipeline`, {ref: 'main', variables: [{key: 'OUTCOME', value: 'waiting'}]});
		await t.is('.list', `#${made.id}`);
		await t.api('POST', `/api/v4/projects/${t.data.app_id}/pipelines/${made.id}/cancel`);
		await t.page.locator('.list', {hasNotText: `#${made.id}`}).waitFor();
	},

	'that a runner came or went is seen at the jobs that wait for it': async (t) => {
		await t.open('/-/queue', '.list');
		await t.page.waitForSelector(':root[data-live="on"]');
		const {id, token} = await t.api('POST', '/api/v4/user/runners', {runner_type: 'instance_type', paused: true, tag_list: 'no-such-runner'});
		await t.api('POST', '/api/v4/runners/verify', {token});
		await t.page.locator('.queue-why', {hasText: `paused: runner ${id}`}).first().waitFor();
		const one = await t.context.newPage();
		await one.goto(new URL(await t.page.locator('li', {hasText: 'paused: runner'}).locator('a').first().getAttribute('href'), t.settings.url).href);
		await one.locator('.why', {hasText: 'paused'}).waitFor();
		await one.waitForSelector(':root[data-live="on"]');
		await t.api('DELETE', `/api/v4/runners/${id}`);
		await one.locator('.why', {hasText: 'No online runner'}).waitFor();
		await one.close();
		await t.page.locator('.queue-why', {hasText: 'paused'}).first().waitFor({state: 'detached'});
	},
};
