import assert from 'node:assert/strict';

const links = (header) => [...header.matchAll(/<([^>]+)>/g)].map((m) => m[1]);

// What a page asks for where it was told nothing ahead, and what it would have been told.
async function visit(t, path, ready) {
	const asked = [];
	let ahead = null;
	await t.page.route((url) => url.pathname + url.search === path, async (route) => {
		const reply = await route.fetch();
		const {link, ...headers} = reply.headers();
		ahead = links(link);
		await route.fulfill({response: reply, headers});
	});
	t.page.on('request', (r) => asked.push(r.url().slice(new URL(r.url()).origin.length)));
	await t.open(path, ready);
	t.page.removeAllListeners('request');
	await t.page.unrouteAll();
	return {asked, ahead};
}

export const tests = {
	'what is announced with a page is what it asks for': async (t) => {
		const {data} = t;
		const [pipeline] = await t.api('GET', `/api/v4/projects/${data.app_id}/pipelines`);
		const [job] = await t.api('GET', `/api/v4/projects/${data.app_id}/pipelines/${pipeline.id}/jobs`);
		for (const [path, ready, calls] of [
			['/', '.list', 1], ['/-/queue', '.head', 0], ['/-/settings', '.head', 0],
			[`/${data.app}`, '.list', 2], [`/${data.app}/-/pipelines/`, '.list', 2],
			[`/${data.app}/-/pipelines?status=failed`, '.head', 0],
			[`/${data.app}/-/pipelines/${pipeline.id}`, '.graph .node', 3],
			[`/${data.app}/-/jobs/${job.id}`, '.job', 2], [`/${data.app}/-/ci/editor`, '.head', 1], [`/${data.app}/-/settings/ci_cd`, '.head', 0],
		]) {
			const {asked, ahead} = await visit(t, path, ready);
			for (const one of ahead) assert.ok(asked.includes(one), `${path}: ${one} is announced, and asked for are only\n${asked.join('\n')}`);
			assert.equal(ahead.filter((x) => x.startsWith('/api/')).length, calls, path);
			const later = asked.filter((x) => x.startsWith('/-/assets/') && /\/(pages|log|log-view|graph|forms)/.test(x) && !ahead.includes(x));
			assert.deepEqual(later, [], `${path} is made of more than was announced`);
		}
	},

	'who is not logged in is told of no calls': async (t) => {
		const reply = await fetch(`${t.settings.url}/`, {headers: {Accept: 'text/html'}});
		assert.ok(!reply.headers.get('Link').includes('/api/'), reply.headers.get('Link'));
	},
};
