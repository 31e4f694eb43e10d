import assert from 'node:assert/strict';

export const pages = [
	{name: 'login', also: 'nobody', path: () => '/-/login', ready: '#token'},
	{name: 'not-found', path: () => '/-/no/such/page', ready: '.say.wrong'},
];

async function fresh(t, test) {
	const context = await t.context.browser().newContext();
	const page = await context.newPage();
	await test(page);
	await context.close();
}

export const tests = {
	'one who is not logged in comes back to where he wanted to go': (t) => fresh(t, async (page) => {
		await page.goto(`${t.settings.url}/${t.data.app}`);
		await page.waitForSelector('#token');
		await page.fill('#token', 'wrong');
		await page.keyboard.press('Enter');
		await page.locator('#said').filter({hasText: 'does not know'}).waitFor();
		await page.fill('#token', t.settings.token);
		await page.keyboard.press('Enter');
		await page.waitForURL(`${t.settings.url}/${t.data.app}`);
	}),

	'the keyboard is enough: log in, skip to the content, follow a link, log out': (t) => fresh(t, async (page) => {
		page.setDefaultTimeout(10000);
		await page.goto(`${t.settings.url}/`);
		await page.waitForSelector('#token:focus');
		await page.keyboard.type(t.settings.token);
		await page.keyboard.press('Enter');
		await page.waitForSelector('.list');
		await page.waitForSelector('main:focus'); // not lost with the field that had it
		await page.reload();
		await page.waitForSelector('.list');
		await page.keyboard.press('Tab');
		await page.waitForSelector('.skip:focus');
		const list = await page.$('.list');
		await page.keyboard.press('Enter');
		await page.waitForSelector('main:focus');
		await page.waitForTimeout(300);
		assert.ok(await list.isVisible(), 'the page is not drawn anew');
		await page.getByRole('searchbox').focus();
		await page.keyboard.type('team/app');
		await page.waitForSelector('.list li:only-child');
		for (let i = 0; i < 30; i++) {
			await page.keyboard.press('Tab');
			if (await page.evaluate(() => document.activeElement.pathname === '/team/app')) break;
		}
		const outline = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
		assert.equal(outline, 'solid', 'where the focus is, is seen');
		await page.keyboard.press('Enter');
		await page.waitForURL('**/team/app');
		await page.getByRole('button', {name: 'Log out'}).focus();
		await page.waitForSelector('.pipelines');
		await page.waitForTimeout(300);
		assert.equal(await page.evaluate(() => document.activeElement.textContent), 'Log out', 'the frame stays as it is');
		await page.keyboard.press('Enter');
		await page.waitForURL('**/-/login');
	}),
};
