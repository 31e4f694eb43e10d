// What waits, and why; and the runners, for administrators.

import {del, getAll, getPage, post, put, soon, watch} from '../lib/api.js';
import {field, submit, textInput} from '../lib/forms.js';
import {action, at, copyable, empty, h, lasting, marked, more, note, reconcile, replace, since, state, twice} from '../lib/parts.js';

export default (view) => (location.pathname === '/-/queue' ? queue(view) : runners(view));

// ---- the queue

const PER_PAGE = 50;

async function queue({show, title, isOver}) {
	title('Queue');
	const list = h('ul.list.panel.pipelines');
	const total = h('p.dim', {'aria-live': 'polite'});
	const next = more(() => {
		wanted += PER_PAGE;
		return draw();
	});
	let wanted = PER_PAGE;
	const draw = async () => {
		const rows = [];
		let page = {next: 1};
		do {
			page = await getPage(`/api/pawl/v1/queue?per_page=${PER_PAGE}`, page.next);
			rows.push(...page.items);
		} while (page.next && rows.length < wanted);
		if (isOver()) return;
		total.textContent = page.total === null ? 'more than 10,000 jobs wait' : page.total === 1 ? 'One job waits.' : `${page.total} jobs wait, the oldest first.`;
		next.hidden = !page.next;
		reconcile(list, rows, (x) => x.id, (x) => waiting(h('li'), x), waiting);
		if (rows.length === 0) show(h('div.head', null, h('h1', null, 'Queue')), h('div.panel', null, empty('Nothing waits', 'Every job that could run has a runner. New ones show up here as soon as they wait.')));
		else if (!list.isConnected) show(h('div.head', null, h('div.grow', null, h('h1', null, 'Queue'), total)), list, next);
	};
	const drawSoon = soon(draw, 1000);
	await draw();
	let silence;
	return endAll(() => clearTimeout(silence), watch('all', drawSoon), watch('runners', () => {
		clearTimeout(silence);
		silence = setTimeout(drawSoon, SILENT_MS); // who falls silent does not say so
		drawSoon();
	}));
}

const endAll = (...ends) => () => {
	for (const end of ends) end();
};

function waiting(li, x) {
	const key = JSON.stringify([x.status, x.waits]);
	if (li.dataset.shown === key) return li;
	li.dataset.shown = key;
	const path = x.project.path_with_namespace;
	const w = x.waits;
	li.replaceChildren(h('div.pipeline-state', null, state(x.status)), h('div.grow', null,
		h('div.row.wrap', null, h('a', {href: at(path, `/-/jobs/${x.id}`)}, h('strong', null, x.name)),
			x.tag_list.map((t) => h('span.badge', null, t)), x.resource_group && h('span.badge', {title: 'resource group'}, x.resource_group)),
		h('div.small.dim', null, h('a', {href: at(path)}, path), ' · ', h('a', {href: at(path, `/-/pipelines/${x.pipeline.id}`)}, `#${x.pipeline.id}`), ' · ', x.pipeline.ref),
		w && h(`div.queue-why${w.never ? '.never' : ''}`, null, w.code === 'time' && w.until ? `starts at ${new Date(w.until).toLocaleString()}` : marked(w.text))),
	h('div.small.dim.pipeline-times', null, h('div', null, lasting(x.since)), w?.position && h('div', {title: 'Among the jobs that the same runners could take'}, `place ${w.position} of ${w.queued}`)));
	return li;
}

// ---- the runners

const SILENT_MS = 121000; // a runner that is online says something each minute; else it is taken for offline after two
const STATUS = {online: ['good', '● online'], offline: ['', '○ offline'], never_contacted: ['warn', '◌ never seen']};

async function runners({show, title, isOver}) {
	title('Runners');
	let silence;
	const list = h('ul.list.panel.pipelines');
	const none = h('div.panel', {hidden: true}, empty('No runners yet', 'A runner takes jobs and runs them. Make one here, and start it where the jobs are to run.'));
	const draw = async () => {
		const rows = await getAll('/api/v4/runners');
		if (isOver()) return;
		clearTimeout(silence);
		silence = rows.some((x) => x.online) && setTimeout(drawSoon, SILENT_MS);
		none.hidden = rows.length > 0;
		list.hidden = rows.length === 0;
		reconcile(list, rows, (x) => x.id, (x) => runner(h('li'), x, draw), (li, x) => runner(li, x, draw));
		if (!list.isConnected) show(h('div.head', null, h('h1.grow', null, 'Runners')), h('div.stack', null, list, none, maker(draw)));
	};
	const drawSoon = soon(draw, 1000);
	await draw();
	return endAll(() => clearTimeout(silence), watch('all', drawSoon), watch('runners', drawSoon));
}

function runner(li, x, again) {
	const key = JSON.stringify({...x, contacted_at: Date.parse(x.contacted_at) / 60000 | 0});
	if (li.dataset.shown === key) return li;
	li.dataset.shown = key;
	const [kind, text] = STATUS[x.status];
	const name = x.description || `runner ${x.id}`;
	const facts = [`#${x.id}`, x.runner_type.replace('_type', ''), x.version && `version ${x.version}`, x.platform && `${x.platform}/${x.architecture}`, x.limit && `at most ${x.limit} at once`,
		x.access_level === 'ref_protected' && 'protected refs only', x.run_untagged ? null : 'tagged jobs only'];
	li.replaceChildren(h('div.pipeline-state', null, h(`span.badge${x.paused ? '.warn' : kind && `.${kind}`}`, null, x.paused ? '‖ paused' : text)),
		h('div.grow', null,
			h('div.row.wrap', null, h('strong', null, name), x.tag_list.map((t) => h('span.badge', null, t))),
			h('div.small.dim', null, facts.filter(Boolean).join(' · '))),
		h('div.small.dim.pipeline-times', null, h('div', null, x.running_jobs ? `${x.running_jobs} running` : 'idle'),
			x.contacted_at && h('div', {title: 'Its last word'}, since(x.contacted_at))),
		h('div.row.pipeline-action', null,
			action(x.paused ? 'Resume' : 'Pause', async () => {
				await put(`/api/v4/runners/${x.id}`, {paused: !x.paused});
				await again();
			}, {'aria-label': `${x.paused ? 'Resume' : 'Pause'} ${name}`}),
			twice('Delete', `Delete ${name} and its token`, async () => {
				await del(`/api/v4/runners/${x.id}`);
				note(`${name} is deleted. Jobs it runs now go on to their end.`);
				await again();
			})));
	return li;
}

function maker(again) {
	const description = textInput({maxLength: 200});
	const tags = textInput();
	const untagged = h('input', {type: 'checkbox', checked: true});
	const careful = h('input', {type: 'checkbox'});
	const made = h('div', {'aria-live': 'polite'});
	const send = async () => {
		const {id, token} = await post('/api/v4/user/runners', {runner_type: 'instance_type', description: description.value.trim(), tag_list: tags.value,
			run_untagged: untagged.checked, access_level: careful.checked ? 'ref_protected' : 'not_protected'});
		replace(made, h('div.made', null, h('p', null, h('strong', null, `Runner ${id} is made.`), ' This is its token; it is shown now and never again:'),
			copyable(token), h('p', null, 'Write it to a file there, and start the runner:'),
			copyable(`pawl runner register --url ${location.origin} --token-file runner-token\npawl runner run`)));
		description.value = tags.value = '';
		await again();
	};
	return h('section.panel', {'aria-labelledby': 'new-runner'}, h('header', null, h('h2', {id: 'new-runner'}, 'New runner')), h('div.inside', null,
		submit('Make the runner', send,
			field('Description', description), field('Tags', tags, 'With commas between them. It takes jobs all of whose tags it has.'),
			h('label.check', null, untagged, 'takes jobs without tags, too'), h('label.check', null, careful, 'takes jobs of protected branches and tags only')), made));
}
