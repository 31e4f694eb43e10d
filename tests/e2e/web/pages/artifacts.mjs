import assert from 'node:assert/strict';

const browse = (d, rest = '') => `/${d.app}/-/jobs/${d.jobs.success.compile}/artifacts/browse${rest}`;

export const pages = [
	{name: 'artifacts', path: (d) => browse(d), ready: '.files'},
	{name: 'artifacts-report', path: (d) => browse(d, '/out/html/index.html'), ready: 'iframe.report', refused: ['Blocked script execution'], check: async (t) => {
		const frame = t.page.frameLocator('iframe.report');
		await frame.locator('h1').filter({hasText: 'Report'}).waitFor();
		assert.equal(await frame.locator('p').innerText(), 'Nothing ran.', 'a script of a report does not run');
		assert.equal(await frame.locator('p').evaluate((p) => getComputedStyle(p).color), 'rgb(1, 2, 3)', 'its styles are there');
	}},
	{name: 'artifacts-none', path: (d) => `/${d.app}/-/jobs/${d.jobs.success.docs}/artifacts/browse`, ready: '.say.wrong', refused: [404], check: ({is}) => is('.say', 'left no artifacts')},
];

export const tests = {
	'an archive is walked through, a text is read, a file is downloaded': async (t) => {
		await t.open(browse(t.data), '.files');
		await t.page.click('a:text("out/")');
		await t.is('.files', 'notes.txt');
		const loading = t.page.waitForEvent('download');
		await t.page.getByRole('link', {name: 'Download notes.txt'}).click();
		assert.equal((await loading).suggestedFilename(), 'notes.txt');
		await t.page.click('a:text-is("notes.txt")');
		await t.is('pre.text', 'some text');
		await t.page.goBack();
		await t.page.click('a:text-is("picture.svg")');
		assert.equal(await (await t.is('img.picture', '')).evaluate(async (i) => (await i.decode(), i.naturalWidth)), 16);
		await t.page.getByRole('link', {name: 'out'}).click();
		await t.page.click('a:text-is("bytes.bin")');
		await t.is('.say', 'No text');
		const all = t.page.waitForEvent('download');
		await t.page.getByRole('link', {name: 'Download all'}).click();
		assert.match((await all).suggestedFilename(), /\.zip$/);
	},

	'names of files are text, whatever they say': async (t) => {
		await t.open(browse(t.data, '/out/evil'), '.files');
		await t.page.click('a:has-text("onerror")');
		await t.is('pre.text', '<script>alert(1)</script>');
	},
};
