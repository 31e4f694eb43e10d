export const pages = [
	{name: 'projects', path: () => '/', ready: '.list'},
	{name: 'projects-found', picture: true, path: () => '/?search=team', ready: '.list'},
	{name: 'projects-none', also: 'nothing', path: () => '/', ready: '.say'},
];

export const tests = {
	'projects are searched, and the address says for what': async (t) => {
		await t.open('/', '.projects');
		await t.page.getByLabel('Search projects').fill('EMPTY');
		await t.page.locator(`.projects a[href="/${t.data.app}"]`).waitFor({state: 'detached'});
		await t.is('.projects', t.data.empty);
		await t.page.waitForURL('**/?search=EMPTY');
		await t.page.getByLabel('Search projects').fill('no such thing');
		await t.is('.say', 'No project is called');
		await t.page.getByLabel('Search projects').fill('');
		await t.is('.projects', t.data.app);
	},

	'a project that is made and pushed to appears by itself': async (t) => {
		await t.open('/', '.list');
		await t.api('POST', '/api/v4/projects', {name: 'newcomer', namespace_path: 'team'});
		await t.ask('commit', 'team/newcomer', {'.gitlab-ci.yml': 'a: {script: [echo]}\n'});
		await t.is('.list', 'team/newcomer');
	},
};
