import assert from 'node:assert/strict';

const TEXT = 'stages: [build, test]\ncompile: {stage: build, script: [x]}\nunit: {stage: test, needs: [compile], script: [x]}\nrelease: {stage: test, script: [x], rules: [{if: $CI_COMMIT_TAG}]}\n';

export const pages = [
	{name: 'editor', path: (d) => `/${d.app}/-/ci/editor`, ready: '.editor .list'},
	{name: 'editor-hostile', path: (d) => `/${d.evil}/-/ci/editor`, ready: '.editor .list'},
	{name: 'editor-none', path: (d) => `/${d.empty}/-/ci/editor`, ready: '.editor', check: ({is}) => is('[role="status"]', 'Nothing was pushed yet')},
];

export const tests = {
	'what is written is judged: mistakes in place, jobs with reasons, another event': async (t) => {
		const {page} = t;
		await t.open(`/${t.data.app}/-/ci/editor`, '.editor .list');
		const text = page.getByLabel('The pipeline file');
		assert.match(await text.inputValue(), /compile:/);
		await text.fill(`${TEXT}wrong: {scirpt: [x]}\n`);
		await t.is('.list', 'did you mean script');
		await page.waitForSelector('.code-marks .bad');
		await page.getByRole('button', {name: 'line 5:9'}).first().click();
		assert.equal(await text.evaluate((a) => a.value.slice(a.selectionStart, a.selectionStart + 6)), 'scirpt');
		await text.fill(TEXT);
		await t.is('[role="status"]', '2 jobs in 2 stages');
		await page.locator('section', {hasText: 'Left out by this event'}).getByText('release').waitFor();
		await page.getByLabel('Event').selectOption('tag');
		await t.is('[role="status"]', '3 jobs in 2 stages');
		await page.locator('.graph a', {hasText: 'release'}).click();
		await page.locator('li:focus', {hasText: 'release'}).waitFor();
		await page.reload(); // what was written is still there
		await page.waitForSelector('.editor .list');
		assert.equal(await text.inputValue(), TEXT);
		await t.open(`/${t.data.app}/-/ci/editor?ref=main`, 'dialog[open]'); // it is not replaced unasked
		await page.getByRole('button', {name: 'Leave it'}).click();
		assert.equal(await text.inputValue(), TEXT);
		await page.getByRole('button', {name: 'Load the file of the ref'}).click();
		await page.getByRole('button', {name: 'Load the file', exact: true}).click();
		await page.locator('section', {hasText: 'Left out by this event'}).getByText('flaky').waitFor();
		assert.match(await text.inputValue(), /flaky/);
	},
};
