// A session by @gitbeaker/rest. usage: node client_gitbeaker.mjs URL TOKEN
import assert from 'node:assert/strict';
import { Gitlab } from '@gitbeaker/rest';

const [host, token] = process.argv.slice(2);
const api = new Gitlab({ host, token });
const path = 'team/app';

async function until(get, wanted, what) {
	let it;
	for (const end = Date.now() + 60000; Date.now() < end;) {
		it = await get();
		if (it.status === wanted) return it;
		await new Promise((go) => setTimeout(go, 100));
	}
	assert.fail(`${what} is ${it.status}, not ${wanted}`);
}

async function refused(status, promise, words) {
	try {
		await promise;
	} catch (e) {
		assert.equal(e.cause?.response?.status, status, e.stack);
		if (words !== undefined) assert.ok(JSON.stringify(e.cause.description).includes(words), e.cause.description);
		return;
	}
	assert.fail(`was not refused with ${status}`);
}

assert.equal((await api.Users.showCurrentUser()).username, 'root');

// projects and branches
const project = await api.Projects.show(path);
assert.equal(project.default_branch, 'main');
assert.deepEqual((await api.Projects.all({ search: 'app', membership: true })).map((p) => p.id), [project.id]);
const second = await api.Projects.create({ name: 'second' });
assert.equal(second.path_with_namespace, 'root/second');
await api.Projects.edit(second.id, { name: 'Second one', description: 'of two' });
assert.deepEqual((await api.Projects.all({ orderBy: 'name', sort: 'asc' })).map((p) => p.name), ['app', 'Second one']);
await refused(400, api.Projects.all({ orderBy: 'odd' }));
assert.deepEqual((await api.Branches.all(path)).map((b) => b.name).sort(), ['main', 'topic/one']);
assert.equal((await api.Branches.show(path, 'topic/one')).name, 'topic/one');
await refused(404, api.Branches.show(path, 'none'));

// variables
const variables = api.ProjectVariables;
await variables.create(path, 'GREETING', 'hello-there', { masked: true, protected: true });
await variables.create(path, 'GREETING', 'elsewhere', { environmentScope: 'review/*' });
assert.equal((await variables.show(path, 'GREETING', { filter: { environment_scope: '*' } })).value, 'hello-there');
await variables.edit(path, 'GREETING', 'hello-again', { filter: { environment_scope: '*' } });
await variables.remove(path, 'GREETING', { filter: { environment_scope: 'review/*' } });
assert.deepEqual((await variables.all(path)).map((v) => [v.key, v.value, v.masked]), [['GREETING', 'hello-again', true]]);
await refused(400, variables.create(path, 'X', 'x', { masked: true }), 'is invalid');

// lint
const content = 'a: {script: [b]}';
const lint = await api.Lint.lint(path, content, { includeJobs: true });
assert.deepEqual([lint.valid, lint.jobs.map((j) => j.name)], [true, ['a']]);
assert.equal((await api.Lint.check(path, { dryRun: true })).valid, true);
assert.equal((await api.Lint.lint(path, 'a: {scirpt: [b]}')).valid, false);

// pipelines and jobs
let pipeline = await api.Pipelines.create(path, 'main', { variables: [{ key: 'EXTRA', value: 'given' }] });
assert.equal(pipeline.source, 'api');
await until(() => api.Pipelines.show(path, pipeline.id), 'success', 'the pipeline');
assert.deepEqual((await api.Pipelines.all(path, { ref: 'main', status: 'success' })).map((p) => p.id), [pipeline.id]);
assert.ok((await api.Pipelines.all(path, { perPage: 1 })).length > 1, 'pages');
const ids = (await api.Pipelines.all(path)).map((p) => p.id);
assert.deepEqual((await api.Pipelines.all(path, { pagination: 'keyset', perPage: 1 })).map((p) => p.id), ids);
assert.deepEqual((await api.Pipelines.all(path, { orderBy: 'updated_at', sort: 'asc' })).at(-1).id, pipeline.id);
await refused(400, api.Pipelines.create(path, 'none'), 'Reference not found');
const jobs = Object.fromEntries((await api.Jobs.all(path, { pipelineId: pipeline.id })).map((j) => [j.name, j]));
assert.deepEqual(Object.keys(jobs).sort(), ['check', 'make', 'ship']);
const log = await api.Jobs.showLog(path, jobs.make.id);
assert.ok(log.includes('greeting=[MASKED]'), log);
const archive = await api.JobArtifacts.downloadArchive(path, { jobId: jobs.make.id });
assert.equal(await archive.slice(0, 2).text(), 'PK');
const file = await api.JobArtifacts.downloadArchive(path, { jobId: jobs.make.id, artifactPath: 'out/deep/a file' });
assert.equal(await file.text(), 'inner\n');
const latest = { job: 'make', ref: 'main' };
assert.equal(await (await api.JobArtifacts.downloadArchive(path, latest)).slice(0, 2).text(), 'PK');
assert.equal(await (await api.JobArtifacts.downloadArchive(path, { ...latest, artifactPath: 'out/deep/a file' })).text(), 'inner\n');
assert.equal((await api.JobArtifacts.keep(path, jobs.make.id)).artifacts_expire_at, null);
await api.Jobs.play(path, jobs.ship.id);
await until(() => api.Jobs.show(path, jobs.ship.id), 'success', 'the played job');
const again = await api.Jobs.retry(path, jobs.make.id);
assert.notEqual(again.id, jobs.make.id);
await until(() => api.Jobs.show(path, again.id), 'success', 'the retried job');
await until(() => api.Pipelines.show(path, pipeline.id), 'success', 'the pipeline again');
await api.JobArtifacts.remove(path, { jobId: again.id });
assert.deepEqual((await api.Jobs.show(path, again.id)).artifacts, []);
assert.ok((await api.Jobs.erase(path, again.id)).erased_at);
await refused(403, api.Jobs.erase(path, again.id), 'not erasable');

// cancel
pipeline = await api.Pipelines.create(path, 'main');
await api.Pipelines.cancel(path, pipeline.id);
await until(() => api.Pipelines.show(path, pipeline.id), 'canceled', 'the canceled pipeline');
await api.Pipelines.retry(path, pipeline.id);
await until(() => api.Pipelines.show(path, pipeline.id), 'success', 'the retried pipeline');

// runners
const runners = await api.Runners.all();
assert.equal(runners.length, 1);
assert.equal((await api.Runners.edit(runners[0].id, { description: 'renamed' })).description, 'renamed');
const details = await api.Runners.show(runners[0].id);
assert.deepEqual([details.description, details.tag_list, details.run_untagged], ['renamed', [], true]);
assert.equal((await api.Runners.all({ projectId: path, status: 'online' })).length, 1);

// who may not
await refused(401, new Gitlab({ host, token: 'glpat-wrong' }).Projects.all());
console.log('gitbeaker met');
