import assert from 'node:assert/strict';

export const pages = [
	{name: 'settings', path: (d) => `/${d.app}/-/settings/ci_cd`, ready: '.settings'},
	{name: 'settings-hostile', path: (d) => `/${d.evil}/-/settings/ci_cd`, ready: '.settings'},
	{name: 'own-settings', path: () => '/-/settings', ready: '.settings'},
];

const part = (t, name) => t.page.locator(`section[aria-label="${name}"]`);

export const tests = {
	'variables are added, changed and deleted; a value is shown when it is asked for': async (t) => {
		const all = `/api/v4/projects/${t.data.asking_id}/variables`;
		t.refused(400);
		await t.open(`/${t.data.asking}/-/settings/ci_cd`, '.settings');
		const section = part(t, 'Variables');
		await section.getByRole('button', {name: 'Add a variable'}).click();
		await section.getByLabel('Name', {exact: true}).fill('SECRET');
		await section.getByLabel('Value', {exact: true}).fill('short');
		await section.getByLabel('masked').check();
		await section.getByLabel('For environments').fill('review/*');
		await section.getByRole('button', {name: 'Add', exact: true}).click();
		await section.getByText('at least 8 characters').waitFor();
		await section.getByLabel('Value', {exact: true}).fill('<i>longer</i>');
		await section.getByRole('button', {name: 'Add', exact: true}).click();
		const row = section.locator('li', {hasText: 'SECRET'});
		await row.getByText('••••••').waitFor();
		await row.getByRole('button', {name: 'Show'}).click();
		await row.getByText('<i>longer</i>').waitFor();
		const [made] = await t.api('GET', all);
		assert.deepEqual([made.masked, made.environment_scope, made.raw], [true, 'review/*', true]);
		await row.getByRole('button', {name: 'Change'}).click();
		await section.getByLabel('Value', {exact: true}).fill('changed-now');
		await section.getByLabel('For environments').fill('*');
		await section.getByRole('button', {name: 'Save'}).click();
		await row.getByText('review/*').waitFor({state: 'detached'});
		const [now] = await t.api('GET', all);
		assert.deepEqual([now.value, now.masked, now.environment_scope], ['changed-now', true, '*']);
		await row.getByRole('button', {name: 'Delete'}).click();
		await row.getByRole('button', {name: 'Delete SECRET'}).click();
		await row.waitFor({state: 'detached'});
		assert.deepEqual(await t.api('GET', all), []);
	},

	'a project is renamed; branches are protected, and are no longer': async (t) => {
		const base = `/api/v4/projects/${t.data.asking_id}`;
		await t.open(`/${t.data.asking}/-/settings/ci_cd`, '.settings');
		const section = part(t, 'Project');
		await section.getByLabel('Description').fill('It asks');
		await section.getByLabel('Visibility').selectOption('internal');
		await section.getByRole('button', {name: 'Save'}).click();
		await t.is('.note', 'saved');
		const now = await t.api('GET', base);
		assert.deepEqual([now.description, now.visibility, now.default_branch], ['It asks', 'internal', 'main']);
		const refs = part(t, 'Protected branches');
		await refs.getByLabel('Name or pattern').fill('release/*');
		await refs.getByRole('button', {name: 'Protect', exact: true}).click();
		const row = refs.locator('li', {hasText: 'release/*'});
		await row.getByRole('button', {name: 'Unprotect'}).click();
		await row.getByRole('button', {name: 'Unprotect release/*'}).click();
		await row.waitFor({state: 'detached'});
	},

	'a token is made, opens the API, and is ended': async (t) => {
		await t.open('/-/settings', '.settings');
		const section = part(t, 'Access tokens');
		await section.getByText('Make a token').click();
		await section.getByLabel('Name').fill('for a script');
		await section.getByRole('button', {name: 'Make the token'}).click();
		const token = await section.locator('.made pre').innerText();
		const asked = () => fetch(`${t.settings.url}/api/v4/user`, {headers: {'PRIVATE-TOKEN': token}});
		assert.equal((await asked()).status, 200);
		const row = section.locator('li', {hasText: 'for a script'});
		await row.getByRole('button', {name: 'Revoke'}).click();
		await row.getByRole('button', {name: 'Revoke for a script'}).click();
		await row.waitFor({state: 'detached'});
		assert.equal((await asked()).status, 401);
	},
};
