// One pipeline: what became of it, its jobs as a graph and as a list, its tests, what it was made from.

import {del, get, getPage, graphOf, own, post, project, put, soon, watch} from '../lib/api.js';
import {ask as question, field, playWith} from '../lib/forms.js';
import {criticalPath, Graph} from '../lib/graph.js';
import {action, at, copy, duration, empty, fill, go, h, isOver as hasEnded, jobWord, lasting, lastingOf, more as moreOf, note, projectHead, reconcile, replace, sha, shape, since, SOURCES, state, statusOf, took, twice, word} from '../lib/parts.js';

const TABS = [['', 'Graph'], ['jobs', 'Jobs'], ['tests', 'Tests'], ['file', 'File and variables']];
const MANUAL_SHOWN = 8;

const jobAddress = (p, job) => at(p.path_with_namespace, `/-/jobs/${job.id}`);
const call = (p, job, verb) => post(`${project(p.id)}/jobs/${job.id}/${verb}`);

// ---- what it is

function linked(text, x) {
	return h('span.row', null, text, h('a.row', {href: at(x.project, `/-/pipelines/${x.pipeline}`)}, state(x.status, {quiet: true}), `${x.project} #${x.pipeline}`));
}

function facts(p, x, commit) {
	const path = p.path_with_namespace;
	return [h('span', null, h('span.quiet', null, 'Pipeline '), `#${x.id}`),
		h('a', {href: at(path, `/-/pipelines?ref=${encodeURIComponent(x.ref)}`)}, x.tag ? `tag ${x.ref}` : x.ref), sha(x.sha),
		commit && h('span', null, commit.author_name), h('span', null, `${SOURCES[x.source] ?? x.source}${x.user ? `, started by ${x.user.username}` : ''}`), since(x.created_at)];
}

function more(p, x, graph) {
	const down = graph.jobs.filter((j) => j.downstream);
	return [x.plan_hash && h('span', {title: 'What was compiled for it: the same hash is the same plan'}, 'plan ', h('button.plain.small', {title: 'Copy the hash of the plan', onclick: () => copy(x.plan_hash)}, sha(x.plan_hash))),
		x.priority !== 0 && h('span', null, `priority ${x.priority}`),
		x.superseded_by && h('span', null, 'superseded by ', h('a', {href: at(p.path_with_namespace, `/-/pipelines/${x.superseded_by}`)}, `#${x.superseded_by}`)),
		graph.upstream && linked('set off by', graph.upstream),
		down.map((j) => linked(`${j.name} set off`, j.downstream))];
}

// ---- what can be done with it

function possible(x, {jobs}) {
	return {
		failed: jobs.filter((j) => ['failed', 'canceled'].includes(j.status)).length,
		open: !hasEnded(x.status) && jobs.some((j) => !hasEnded(j.status) && j.status !== 'manual'),
		atRest: hasEnded(x.status) || x.status === 'manual',
	};
}

function actions(p, x, {failed, open, atRest}, leave) {
	const base = `${project(p.id)}/pipelines/${x.id}`;
	return [
		failed > 0 && action(`Retry failed (${failed})`, async () => {
			await post(`${base}/retry`);
			note('Jobs that failed run again.');
		}),
		open && action('Cancel', async () => {
			await post(`${base}/cancel`);
			note('Canceled.');
		}),
		open && h('button', {onclick: () => prioritize(p, x)}, 'Priority…'),
		atRest && twice('Delete', 'Delete it with its logs and artifacts', async () => {
			await leave(() => del(base));
			note(`Pipeline #${x.id} is deleted.`);
			go(at(p.path_with_namespace, '/-/pipelines'));
		})];
}

// Among those of its project that wait for a runner.
function prioritize(p, x) {
	const input = h('input', {type: 'number', min: -100, max: 100, value: x.priority});
	question('Priority', field('From -100 to 100', input, 'Jobs of pipelines with more go before the other jobs of this project.'), 'Set it', async () => {
		await put(`${own(p.id)}/pipelines/${x.id}/priority`, {priority: Number(input.value)});
		x.priority = Number(input.value);
	});
}

function manual(p, jobs) {
	const some = jobs.filter((j) => j.status === 'manual');
	if (some.length === 0) return null;
	return h('div.row.wrap.panel.plays', {role: 'group', 'aria-label': 'Jobs that wait for a person'}, h('strong', null, 'Waits for you:'),
		some.slice(0, MANUAL_SHOWN).map((j) => action(`Play ${j.name}`, () => call(p, j, 'play'))),
		h('button', {onclick: () => playWith(p, some)}, 'Play with variables…'),
		some.length > MANUAL_SHOWN && h('a', {href: '?show=jobs'}, `and ${some.length - MANUAL_SHOWN} more`));
}

// ---- jobs as a list

function jobAction(p, j) {
	if (j.status === 'manual') return action('Play', () => call(p, j, 'play'), {'aria-label': `Play ${j.name}`});
	if (!hasEnded(j.status)) return action('Cancel', () => call(p, j, 'cancel'), {'aria-label': `Cancel ${j.name}`});
	if (j.status !== 'skipped' && !j.downstream) return action('Retry', () => call(p, j, 'retry'), {'aria-label': `Retry ${j.name}`});
	return null;
}

const JOB_CELLS = ['div.job-state', 'div.grow', 'div.small.dim.nowrap', 'div.pipeline-action'];

function jobRow(li, p, j, jobs) {
	if (li.children.length === 0) li.append(...JOB_CELLS.map((name) => h(name)));
	const [now, about, times, act] = li.children;
	const status = statusOf(j);
	fill(now, status, () => state(status, {says: jobWord(j)}));
	fill(about, [j.id, j.reason, j.downstream?.status], () => [h('a.job-name', {href: jobAddress(p, j)}, j.name),
		h('div.small.dim', null, [
			j.reason_text, j.attempt > 1 && `try ${j.attempt}`,
			j.needs?.length > 0 && `needs ${j.needs.map((i) => jobs.get(i)?.name).filter(Boolean).join(', ')}`,
		].filter(Boolean).join(' · ')), j.downstream && linked('', j.downstream)]);
	fill(times, [j.started_at, j.finished_at, status], () => (j.started_at ? lasting(j.started_at, j.finished_at) : status === 'scheduled' && `at ${new Date(j.scheduled_at).toLocaleString()}`));
	fill(act, [j.id, j.status], () => jobAction(p, j));
	return li;
}

function stageSection(section, p, stage, jobs) {
	if (section.children.length === 0) section.append(h('h2.above', null, stage.name), h('ul.list.panel', {'aria-label': `Jobs of ${stage.name}`}));
	reconcile(section.lastElementChild, stage.jobs, (j) => j.index, (j) => jobRow(h('li'), p, j, jobs), (li, j) => jobRow(li, p, j, jobs));
	return section;
}

function jobList(p) {
	const node = h('div.stack');
	return {node, update({jobs}) {
		const all = new Map(jobs.map((j) => [j.index, j]));
		const list = [];
		for (const j of jobs) (list[j.stage_index] ??= {index: j.stage_index, name: j.stage, jobs: []}).jobs.push(j);
		reconcile(node, list.filter(Boolean), (s) => s.index, (s) => stageSection(h('section'), p, s, all), (n, s) => stageSection(n, p, s, all));
	}};
}

// ---- jobs as a graph

function pathWords(p, chain) {
	if (chain.length === 0) return null;
	const ran = chain.reduce((sum, j) => sum + took(j), 0);
	const all = Date.parse(chain.at(-1).finished_at) - Date.parse(chain[0].started_at);
	return [h('h2.path-title', null, 'Critical path'), h('ol.row.wrap.path', null, chain.map((j) => h('li', null, h('a', {href: jobAddress(p, j)}, j.name), ' ', h('span.dim', null, duration(took(j)))))),
		h('p.small.dim', null, `What ended last, and what it waited for. They ran for ${duration(ran)}`, all - ran > 50 ? `, and waited for ${duration(all - ran)}.` : '.')];
}

function graphView(p) {
	const graph = new Graph((job) => jobAddress(p, job));
	const words = h('div.path-words');
	return {node: h('div', null, h('div.panel', null, graph.node), words), update({jobs}) {
		const chain = jobs.some((j) => ['running', 'pending'].includes(j.status)) ? [] : criticalPath(jobs);
		graph.update(jobs, chain);
		fill(words, chain.map((j) => [j.id, j.finished_at]), () => pathWords(p, chain));
	}};
}

// ---- what it was made from

function table(name, rows) {
	return h('div.panel.scroll', {tabIndex: 0}, h('table', null, h('thead', null, h('tr', null, h('th', null, name), h('th', null, 'Value'))), h('tbody', null, rows.map(([key, value]) =>
		h('tr', null, h('td.mono', null, key), h('td.mono', null, typeof value === 'string' ? value : JSON.stringify(value)))))));
}

function fileView(p, x, file) {
	const variables = h('div');
	getPage(`${project(p.id)}/pipelines/${x.id}/variables`).then(({items}) => replace(variables, items.length === 0
		? h('p.dim', null, 'It was started without variables of its own.')
		: table('Variable', items.map((v) => [v.key, v.value]))), (e) => replace(variables, h('p.dim', null, e.message)));
	const text = file?.text;
	const node = h('div.stack', null,
		h('section', null, h('h2.above', null, file?.path ?? 'File'), file?.generated && h('p.dim', null, 'A job of the upstream pipeline made this file.'),
			text ? h('div.panel.source', {tabIndex: 0, role: 'region', 'aria-label': `Text of ${file.path}`}, h('pre', null, text.replace(/\n$/, '').split('\n').map((l) => h('span', null, `${l}\n`))))
				: h('p.dim', null, file?.why_not ?? 'What it was made from is not kept.')),
		file?.inputs && h('section', null, h('h2.above', null, 'Inputs'), table('Input', Object.entries(file.inputs))),
		h('section', null, h('h2.above', null, 'Variables'), variables),
		file?.commit && h('section', null, h('h2.above', null, 'Commit'), h('pre.panel.message', null, file.commit.message)));
	return {node, update() {}};
}

function noJobs(x) {
	const why = x.yaml_errors ? 'Its file has errors, so no plan was made. They are above.' : 'No job was made for it: the commit or the push asked for none, or the rules of its file left none.';
	return {node: h('div.panel', null, h('div.say', null, h('h2', null, 'No jobs'), h('p', null, why), h('p', null, h('a', {href: '?show=file'}, 'The file it was made from')))), update() {}};
}

// ---- its tests: those that failed first, with what became of each before

const PER_PAGE = 50;
const WORDS = {failed: 'failed', error: 'error', skipped: 'skipped', success: 'passed'};
const mark = (status) => (status === 'error' ? 'failed' : status);

function result(status) {
	return h(`span.state.${mark(status)}`, null, shape(mark(status)), h('span', null, WORDS[status] ?? status));
}

async function history(p, t) {
	const which = new URLSearchParams({suite: t.suite ?? '', classname: t.classname ?? '', name: t.name});
	const past = await get(`${own(p.id)}/tests/history?${which}`);
	const failed = past.filter((r) => mark(r.status) === 'failed').length;
	const longest = Math.max(0.001, ...past.map((r) => r.execution_time));
	return [h('h4', null, `Its last ${past.length === 1 ? 'result' : `${past.length} results`}: ${failed === 0 ? 'none failed' : `${failed} failed`}`),
		h('div.bars', {role: 'group', 'aria-label': 'The oldest first'}, past.toReversed().map((r) => {
			const said = `#${r.pipeline} ${r.ref}: ${WORDS[r.status] ?? r.status} in ${duration(r.execution_time * 1000)}`;
			return h(`a.${mark(r.status)}`, {href: at(p.path_with_namespace, `/-/pipelines/${r.pipeline}?show=tests`), title: said, style: {height: `${Math.round(20 + 80 * r.execution_time / longest)}%`}}, h('span.quiet', null, said));
		})), past.length > 0 && h('p.small.dim', null, 'The newest ', since(past[0].finished_at))];
}

// What is said of a test when it is opened.
function details(p, t) {
	const past = h('div.test-past');
	history(p, t).then((nodes) => past.replaceChildren(...nodes.filter(Boolean)), (e) => past.replaceChildren(e.message));
	return [t.file && h('p.small', null, 'In ', h('code', null, t.file)),
		t.output && h('pre.test-output', {tabIndex: 0}, t.output), t.output_is_cut && h('p.small.dim', null, 'Its output is longer; the report that the job uploaded has all of it.'),
		past, h('p.small', null, h('a', {href: at(p.path_with_namespace, `/-/jobs/${t.job}`)}, 'The job that ran it'))];
}

function testRow(li, p, t) {
	fill(li, [t.status, t.job, t.number], () => {
		const box = h('details', {ontoggle: () => {
			if (box.open) fill(inside, t, () => details(p, t));
		}}, h('summary.row', null, h('span.test-state', null, result(t.status)),
			h('span.grow', null, h('span', null, t.name), h('span.small.dim.test-class', null, [t.suite, t.classname].filter(Boolean).join(' · '))), h('span.small.dim.nowrap', null, duration(t.execution_time * 1000))));
		const inside = h('div.test-inside');
		box.append(inside);
		return box;
	});
	return li;
}

function sums(tests) {
	const n = tests.total;
	return [h('span.row.wrap.about', null, n.failed > 0 && h('span.row', null, state('failed', {quiet: true}), `${n.failed} failed`), n.error > 0 && h('span.row', null, state('failed', {quiet: true}), `${n.error} with errors`),
		h('span.row', null, state('success', {quiet: true}), `${n.success} passed`), n.skipped > 0 && h('span.row', null, state('skipped', {quiet: true}), `${n.skipped} skipped`), h('span.dim', null, `in ${duration(n.time * 1000)}`)),
	tests.test_suites.filter((s) => s.suite_error).map((s) => h('p.complaint', null, `The report of ${s.name} could not be read: ${s.suite_error}`))];
}

function testsView(p, x) {
	const wanted = {status: '', search: ''};
	let pages = 1;
	let summary = '';
	const head = h('div.stack.grow');
	const list = h('ul.list.panel.tests', {'aria-label': 'Tests'});
	const none = h('div.panel');
	const draw = async () => {
		const asked = new URLSearchParams(wanted).toString();
		const items = [];
		let next = 1;
		for (let i = 1; i <= pages && next; i++) {
			const got = await getPage(`${own(p.id)}/pipelines/${x.id}/tests?per_page=${PER_PAGE}&${asked}`, i);
			items.push(...got.items);
			({next} = got);
		}
		if (asked !== new URLSearchParams(wanted).toString()) return;
		reconcile(list, items, (t) => `${t.job} ${t.number}`, (t) => testRow(h('li'), p, t), (li, t) => testRow(li, p, t));
		further.hidden = !next;
		list.hidden = items.length === 0;
		none.hidden = items.length > 0;
		if (items.length === 0) fill(none, asked === 'status=&search=', () => (asked === 'status=&search='
			? h('div.say', null, h('h2', null, 'No tests yet'), h('p', null, 'Jobs that upload a JUnit report have them here, those that failed first:'), h('pre', null, 'artifacts:\n  reports:\n    junit: report.xml'))
			: h('div.say', null, h('h2', null, 'No such test'))));
		filters.hidden = items.length === 0 && asked === 'status=&search=';
	};
	const drawSoon = soon(draw, 150);
	const further = moreOf(() => {
		pages++;
		return draw();
	});
	const change = (name) => (e) => {
		wanted[name] = e.target.value.trim();
		pages = 1;
		drawSoon();
	};
	const filters = h('form.row.wrap.filters', {role: 'search', 'aria-label': 'Which tests', onsubmit: (e) => e.preventDefault()},
		h('input', {type: 'search', placeholder: 'Search tests', 'aria-label': 'Search tests', oninput: change('search')}),
		h('select', {'aria-label': 'Any result', onchange: change('status')}, h('option', {value: ''}, 'Any result'), Object.entries(WORDS).map(([value, text]) => h('option', {value}, text))));
	return {node: h('div', null, h('div.head', null, head, filters), list, none, further), update(graph, now, all) {
		fill(head, all, () => (all.total.count > 0 || all.test_suites.length > 0 ? sums(all) : null));
		const says = JSON.stringify(all);
		if (says !== summary) drawSoon();
		summary = says;
	}};
}

function viewOf(name, p, x, graph, file) {
	if (name === 'file') return fileView(p, x, file);
	if (name === 'tests') return testsView(p, x);
	if (graph.jobs.length === 0) return noJobs(x);
	return name === 'jobs' ? jobList(p) : graphView(p);
}

function tabs(current, graph, tests) {
	const count = {jobs: graph.jobs.length, tests: tests?.total.count};
	return h('nav.tabs', {'aria-label': 'Of this pipeline'}, TABS.map(([name, text]) => h('a', {href: name ? `?show=${name}` : location.pathname, 'aria-current': name === current ? 'page' : null},
		text, count[name] > 0 && h('span.badge', null, String(count[name])), name === 'tests' && tests?.total.failed + tests?.total.error > 0 && h('span.badge.bad', null, `${tests.total.failed + tests.total.error} failed`))));
}

// Also those it set off, whose states are shown with it.
function watchAll(id, changed) {
	const ends = new Map([[id, watch(`pipeline:${id}`, changed)]]);
	return {also(ids) {
		for (const i of ids) if (!ends.has(i)) ends.set(i, watch(`pipeline:${i}`, changed));
	}, end() {
		for (const end of ends.values()) end();
	}};
}

export default async function pipeline({params, query, show, title, isOver}) {
	const base = `${project(params.project)}/pipelines/${params.id}`;
	const mine = `${own(params.project)}/pipelines/${params.id}`;
	const current = TABS.some(([name]) => name === query.get('show')) ? query.get('show') : '';
	const jobs = graphOf(`${mine}/graph`);
	const ask = () => Promise.all([get(base), jobs.get(), get(`${base}/test_report_summary`)]);
	const [p, file, first] = await Promise.all([get(project(params.project)), get(`${mine}/file`).catch(() => null), ask()]);
	const commit = file?.commit;
	const text = first[0].name ?? commit?.message.split('\n')[0] ?? `Pipeline #${params.id}`;
	const parts = {now: h('span.row'), facts: h('div.row.wrap.about'), more: h('div.row.wrap.small.dim.about'), actions: h('div.row.wrap'), tabs: h('div'), errors: h('div'), manual: h('div')};
	let view = null;
	let shown = '';
	let isGone = false;
	// what is deleted is not asked for any more
	const leave = async (fn) => {
		isGone = true;
		try {
			await fn();
		} catch (e) {
			isGone = false;
			throw e;
		}
	};
	const body = h('div');
	const update = async ([x, graph, tests]) => {
		x.warnings = graph.jobs.some((j) => statusOf(j) === 'warning');
		title(`#${x.id} ${word(statusOf(x))} · ${p.path_with_namespace}`);
		fill(parts.now, [statusOf(x), x.started_at, x.finished_at], () => [state(statusOf(x)), lastingOf(x, 'span.dim')]);
		fill(parts.facts, [x.id], () => facts(p, x, commit));
		fill(parts.more, [x.priority, x.superseded_by, graph.upstream, graph.jobs.map((j) => j.downstream)], () => more(p, x, graph));
		const can = possible(x, graph);
		fill(parts.actions, can, () => actions(p, x, can, leave));
		fill(parts.errors, x.yaml_errors, () => x.yaml_errors && h('div.panel.errors', {role: 'alert'}, h('h2', null, 'Its file has errors'), h('pre', null, x.yaml_errors),
			h('a.button', {href: at(p.path_with_namespace, `/-/ci/editor?ref=${encodeURIComponent(x.ref)}`)}, 'Mend it in the editor')));
		fill(parts.manual, graph.jobs.filter((j) => j.status === 'manual').map((j) => j.id), () => manual(p, graph.jobs));
		fill(parts.tabs, [graph.jobs.length, tests.total], () => tabs(current, graph, tests));
		const wanted = `${current} ${graph.jobs.length > 0}`;
		if (wanted !== shown) {
			view = viewOf(current, p, x, graph, file);
			shown = wanted;
			body.replaceChildren(view.node);
		}
		return [graph, x, tests];
	};
	const now = await update(first);
	show(projectHead(p, `#${params.id}`), h('div.head', null, h('div.grow', null, h('h1', null, text), h('div.row.wrap.pipeline-head', null, parts.now, parts.facts), parts.more), parts.actions),
		parts.errors, parts.manual, parts.tabs, body);
	view.update(...now);
	const again = soon(async () => {
		if (isGone) return;
		try {
			const got = await ask();
			if (isOver() || isGone) return;
			view.update(...await update(got));
			watching.also(got[1].jobs.filter((j) => j.downstream).map((j) => j.downstream.pipeline));
		} catch (e) {
			if (e.status !== 404) throw e;
			isGone = true;
			show(projectHead(p, `#${params.id}`), h('div.panel', null, empty('It was deleted', 'This pipeline was there until just now. Somebody, or the time that pipelines are kept for, took it away.')));
		}
	}, 200);
	const watching = watchAll(first[0].id, (change) => {
		jobs.hear(change);
		again();
	});
	watching.also(first[1].jobs.filter((j) => j.downstream).map((j) => j.downstream.pipeline));
	return watching.end;
}
