// One job: how it is, why, its log, what it used and left.

import {get, getText, graphOf, own, post, project, soon, watch} from '../lib/api.js';
import {ask, playWith} from '../lib/forms.js';
import {Log} from '../lib/log.js';
import {action, at, bytes, copy, duration, empty, go, h, isOver as ended, jobWord, lasting, marked, note, projectHead, reconcile, replace, sha, since, SOURCES, state, statusOf, svg} from '../lib/parts.js';

const CAUSES = {person: 'somebody wanted it again', file: 'its retry: in the file', system: "the runner's system failed"};

const quoted = (text) => (/^[\w./:@%+=-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);

// ---- what it used, drawn along the time it took: protocol/usage.h, runner/supervisor/recorder.h

const WIDE = 300;
const HIGH = 40;

// Rates between samples for what is summed up, the value itself for memory.
function samples(text) {
	const rows = text.split('\n').filter((l) => /^\d/.test(l)).map((l) => l.split(' ').map(Number));
	let before = [0, 0, 0, 0, 0];
	return rows.filter((r) => r.length >= 5 && r.every(Number.isFinite)).map((r) => {
		const s = Math.max(0.001, (r[0] - before[0]) / 1000);
		const rate = (i) => Math.max(0, r[i] - before[i]) / s;
		const out = {ms: r[0], memory: r[1], cpu: rate(2) / 1e6, io: rate(3) + rate(4)};
		before = r;
		return out;
	});
}

const CHARTS = [
	['cpu', 'CPU', (v) => `${Number(v.toFixed(v < 10 ? 2 : 0))} cores`],
	['memory', 'Memory', bytes],
	['io', 'Disk', (v) => `${bytes(Math.round(v))}/s`],
];

function area(rows, key, most, end) {
	const x = (ms) => (ms / end * WIDE).toFixed(1);
	const y = (v) => (HIGH - v / most * (HIGH - 2)).toFixed(1);
	const line = rows.map((r) => `L${x(r.ms)} ${y(r[key])}`).join('');
	return `M0 ${key === 'memory' ? y(rows[0].memory) : HIGH}${line}V${HIGH}H0Z`;
}

// bands: sections of the log as [{from, to, title}] in ms since the job began; onpick(ms).
function charts(text, bands, onpick) {
	const rows = samples(text);
	if (rows.length < 2) return null;
	const end = rows.at(-1).ms;
	const x = (ms) => (ms / end * WIDE).toFixed(1);
	const drawn = CHARTS.map(([key, name, say]) => {
		const most = Math.max(...rows.map((r) => r[key]));
		const now = h('span.dim', null, `at most ${say(most)}`);
		const mark = svg('line', {y1: '0', y2: String(HIGH), stroke: 'var(--text)', 'stroke-width': '1', visibility: 'hidden', 'vector-effect': 'non-scaling-stroke'});
		const image = svg('svg', {viewBox: `0 0 ${WIDE} ${HIGH}`, preserveAspectRatio: 'none', role: 'img', 'aria-label': `${name}: at most ${say(most)}`},
			bands.map((b, i) => svg('rect', {x: x(Math.max(0, b.from)), y: '0', width: x(Math.max(0, Math.min(end, b.to) - Math.max(0, b.from))), height: String(HIGH), fill: i % 2 ? 'none' : 'var(--sunk)'}, svg('title', {}, b.title))),
			svg('path', {d: area(rows, key, most || 1, end), fill: 'color-mix(in srgb, var(--run) 30%, transparent)', stroke: 'var(--run)', 'stroke-width': '1', 'vector-effect': 'non-scaling-stroke'}), mark);
		return {name, key, say, most, now, mark, image};
	});
	const point = (ms) => {
		const r = rows.find((s) => s.ms >= ms) ?? rows.at(-1);
		for (const d of drawn) {
			d.now.textContent = `${d.say(r[d.key])} at ${duration(r.ms)}`;
			d.mark.setAttribute('x1', x(r.ms));
			d.mark.setAttribute('x2', x(r.ms));
			d.mark.setAttribute('visibility', 'visible');
		}
	};
	const away = () => {
		for (const d of drawn) {
			d.now.textContent = `at most ${d.say(d.most)}`;
			d.mark.setAttribute('visibility', 'hidden');
		}
	};
	const at = (e) => (e.offsetX / e.currentTarget.clientWidth) * end;
	for (const d of drawn) {
		d.image.addEventListener('pointermove', (e) => point(at(e)));
		d.image.addEventListener('pointerleave', away);
		d.image.addEventListener('click', (e) => onpick(at(e)));
	}
	return h('div.charts', null, drawn.map((d) => h('div', null, h('div.row.small', null, h('strong.grow', null, d.name), d.now), d.image)),
		h('div.row.small.dim', null, h('span.grow', null, '0'), duration(end)));
}

// ---- its page

class Page {
	constructor(view, p, job) {
		Object.assign(this, {view, p, job});
		this.path = p.path_with_namespace;
		this.call = `${project(p.id)}/jobs/${job.id}`;
		this.own = `${own(p.id)}/jobs/${job.id}`;
		this.graph = graphOf(`${own(p.id)}/pipelines/${job.pipeline.id}/graph`);
		this.head = h('div.head');
		this.why = h('div.job-why');
		this.facts = h('dl.facts.inside');
		this.used = h('section.panel', {hidden: true, 'aria-label': 'What it used'});
		this.left = h('section.panel', {hidden: true, 'aria-label': 'Artifacts'});
		this.tries = h('section.panel', {hidden: true, 'aria-label': 'Other tries'});
		this.others = h('ul.job-list');
		this.main = h('div.job-main', null, this.why);
		this.samples = null;
	}

	show() {
		this.fill();
		this.view.show(projectHead(this.p, this.job.name, [`#${this.job.pipeline.id}`, `pipelines/${this.job.pipeline.id}`]), this.head, h('div.job', null, this.main,
			h('aside.stack', {'aria-label': 'About the job'}, h('section.panel', {'aria-label': 'Facts'}, this.facts), this.used, this.left, this.tries,
				h('section.panel', {'aria-label': 'Jobs of this pipeline'}, h('header', null, h('h2', null, 'Pipeline'), this.link(`pipelines/${this.job.pipeline.id}`, `#${this.job.pipeline.id}`)), this.others))));
	}

	link(rest, ...text) {
		return h('a', {href: at(this.path, `/-/${rest}`)}, ...text);
	}

	get status() {
		return statusOf(this.job);
	}

	// All that a change of the job may change.
	fill() {
		const key = JSON.stringify(this.job);
		if (key === this.filled) return;
		this.filled = key;
		this.view.title(`${jobWord(this.job)}: ${this.job.name} #${this.job.id} · ${this.path}`);
		const held = document.activeElement?.closest?.('.head') === this.head && this.head.contains(document.activeElement) ? document.activeElement.textContent : null;
		replace(this.head, h('div.grow', null, h('div.row.wrap', null, state(this.status, {says: jobWord(this.job)}), h('h1', null, this.job.name)),
			h('div.dim.row.wrap', null, h('span', null, `stage ${this.job.stage}`), this.job.attempt > 1 && h('span', null, `try ${this.job.attempt}`),
				this.job.started_at && h('span', null, lasting(this.job.started_at, this.job.finished_at)))),
		h('div.row.wrap', null, this.actions()));
		[...this.head.querySelectorAll('button')].find((b) => b.textContent === held)?.focus();
		replace(this.why, this.reason());
		this.fillFacts();
		this.fillArtifacts();
		this.placeLog();
	}

	/* ---- why it is as it is ---- */

	reason() {
		const j = this.job;
		const lines = [];
		if (j.status === 'manual') lines.push('It waits for somebody to start it.');
		else if (j.waits?.until) lines.push(`It starts at ${new Date(j.waits.until).toLocaleString()}.`);
		else {
			const text = j.waits && j.waits.code !== 'none' ? j.waits.text : j.reason_text;
			if (text) lines.push(`${text[0].toUpperCase()}${text.slice(1)}.`);
		}
		if (j.status === 'failed' && j.exit_code > 0) lines.push(`Exit code ${j.exit_code}.`);
		if (j.message && !lines.includes(j.message)) lines.push(j.message);
		if (lines.length === 0) return null;
		const about = j.waits?.job ?? (['prior_failed', 'prior_skipped'].includes(j.reason) ? j.because : undefined);
		return h(`div.why.${this.status}`, {role: 'status'}, lines.map((l) => h('p', null, marked(l))),
			about && h('p', null, this.link(`jobs/${about}`, `See job ${about}`)),
			j.reason === 'superseded' && j.because && h('p', null, this.link(`pipelines/${j.because}`, `See pipeline ${j.because}`)),
			j.downstream_pipeline && h('p', null, h('a', {href: new URL(j.downstream_pipeline.web_url).pathname}, `See the downstream pipeline ${j.downstream_pipeline.id}`)));
	}

	/* ---- facts ---- */

	fillFacts() {
		const j = this.job;
		const by = this.pipeline?.user;
		const fact = (name, ...value) => value[0] !== null && value[0] !== undefined && value[0] !== '' && value[0] !== false && [h('dt', null, name), h('dd', null, value)];
		replace(this.facts, fact('Commit', h('span', null, sha(j.pipeline.sha), ' on ', j.ref)),
			fact('Started by', [by ? `${by.name || by.username}, ` : '', SOURCES[j.pipeline.source] ?? j.pipeline.source]),
			fact('Queued', j.queued_at && h('span', null, since(j.queued_at), j.started_at ? [', waited ', lasting(j.queued_at, j.started_at)] : '')),
			fact('Started', j.started_at && since(j.started_at)),
			fact('Again because', j.attempt > 1 && CAUSES[j.cause]),
			fact('Runner', j.runner && `#${j.runner.id} ${j.runner.description ?? ''}`),
			fact('Tags', j.tag_list?.join(', ')),
			fact('Image', j.image_digest && h('span.mono.small', null, j.image_digest)),
			fact('Environment', j.environment?.name),
			fact('Coverage', j.coverage !== null && `${j.coverage} %`),
			fact('Used', j.usage && `${bytes(j.usage.peak_bytes)} memory, ${duration(j.usage.cpu_us / 1000)} of CPU`),
			fact('Erased', j.erased_at && since(j.erased_at)));
	}

	fillArtifacts() {
		const all = this.job.artifacts ?? [];
		this.left.hidden = all.length === 0;
		const archive = all.find((a) => a.file_type === 'archive');
		replace(this.left, h('header', null, h('h2', null, 'Artifacts')), h('ul.job-list', null, all.map((a) => h('li', null,
			h('a.grow', {href: `${this.call}/artifacts${a.file_type === 'archive' ? '' : `?file_type=${encodeURIComponent(a.file_type)}`}`, download: a.filename}, a.filename),
			a.file_type === 'archive' ? this.link(`jobs/${this.job.id}/artifacts/browse`, 'Browse') : h('span.small.dim', null, a.file_type), h('span.small.dim.nowrap', null, bytes(a.size))))),
		archive && this.job.artifacts_expire_at && h('p.small.dim.inside', null, `Kept until ${new Date(this.job.artifacts_expire_at).toLocaleString()}.`));
	}

	/* ---- log ---- */

	placeLog() {
		const j = this.job;
		const wants = j.started_at !== null && !j.erased_at;
		if (wants && !this.log) {
			this.log = new Log({base: `${this.own}/log`, raw: `${this.call}/trace`, name: `${j.name.replace(/[^\w.-]+/g, '-')}-${j.id}.log`});
			this.log.onoutline = () => this.drawUsed();
			replace(this.main, this.why, this.log.node);
			this.log.open(j.status === 'running' || j.status === 'failed').catch((e) => e.name !== 'AbortError' && note(e.message, 'bad'));
		} else if (!wants) {
			this.log?.end();
			this.log = null;
			replace(this.main, this.why, h('div.panel', null, j.erased_at ? empty('The log was erased', 'Its artifacts went with it. Run the job again to have both anew.')
				: ended(j.status) ? empty('There is no log', 'The job did not run.') : empty('Nothing to read yet', 'The log appears here as soon as a runner has taken the job.')));
		}
		if (ended(j.status) && j.usage && this.samples === null) this.loadUsage();
	}

	async loadUsage() {
		this.samples = '';
		try {
			this.samples = await getText(`${this.own}/usage`);
			this.drawUsed();
		} catch { /* then it is not drawn */ }
	}

	// Over the sections of the log; what is pointed at there leads to its lines.
	drawUsed() {
		if (!this.samples || this.view.isOver()) return;
		const begin = Date.parse(this.job.started_at);
		const sections = (this.log?.folds.sections ?? []).filter((s) => s.end !== null && s.end > s.start);
		const bands = sections.map((s) => ({from: s.start * 1000 - begin, to: s.end * 1000 - begin, title: s.title || s.name}));
		const drawn = charts(this.samples, bands, (ms) => {
			const s = sections.findLast((x) => x.start * 1000 - begin <= ms);
			if (s) this.log.view.toLine(s.first);
		});
		this.used.hidden = drawn === null;
		if (drawn) replace(this.used, h('header', null, h('h2', null, 'Resources')), h('div.inside', null, drawn));
	}

	/* ---- what can be done ---- */

	actions() {
		const j = this.job;
		const act = (what) => async () => {
			const now = await post(`${this.call}/${what}`);
			if (now.id !== j.id) go(at(this.path, `/-/jobs/${now.id}`));
			else await this.reload();
		};
		const done = ended(j.status);
		return [
			j.status === 'manual' && action('Play', act('play'), {class: 'main'}),
			j.status === 'manual' && h('button', {onclick: () => playWith(this.p, [j], () => this.reload())}, 'Play with variables…'),
			j.status === 'scheduled' && action('Start now', act('play'), {class: 'main'}),
			!done && j.status !== 'manual' && action('Cancel', act('cancel'), {class: 'danger'}),
			done && j.status !== 'skipped' && action('Retry', act('retry')),
			action('Copy command', () => this.copyCommand(), {title: 'The command that runs this job on your machine'}),
			done && j.started_at && !j.erased_at && h('button', {onclick: () => this.erase()}, 'Erase…'),
		];
	}

	erase() {
		ask(`Erase job ${this.job.id}?`, h('p', null, 'Its log and its artifacts are deleted. Nobody can bring them back.'), 'Erase', async () => {
			await post(`${this.call}/erase`);
			await this.reload();
		}, {danger: true});
	}

	// Of the same commit and file, for the same event, with what it was started with: the same plan.
	async copyCommand() {
		const j = this.job;
		const [vars, file] = await Promise.all([`${project(this.p.id)}/pipelines/${j.pipeline.id}/variables`, `${own(this.p.id)}/pipelines/${j.pipeline.id}/file`].map((x) => get(x).catch(() => [])));
		const given = [...vars.map((v) => ['-v', v.key, v.value]), ...Object.entries(file.inputs ?? {}).map((x) => ['-i', ...x])];
		const words = ['pawl', 'run', ...(file.text && !file.generated && file.path !== '.gitlab-ci.yml' ? ['-f', file.path] : []), '--ref', j.ref, '--event', j.pipeline.source,
			...given.flatMap(([option, name, value]) => [option, `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`]), '--', j.name];
		await copy(`git checkout ${j.pipeline.sha} && ${words.map(quoted).join(' ')}${this.pipeline?.plan_hash ? `  # plan ${this.pipeline.plan_hash}` : ''}\n`);
	}

	/* ---- around it ---- */

	async reload() {
		const job = await get(this.call);
		if (this.view.isOver()) return;
		this.job = job;
		this.fill();
		await this.log?.grow();
	}

	async loadAround() {
		const [graph, pipeline, tries] = await Promise.all([
			this.graph.get(), get(`${project(this.p.id)}/pipelines/${this.job.pipeline.id}`), get(`${this.own}/tries`)]);
		if (this.view.isOver()) return;
		this.pipeline = pipeline;
		this.fillFacts();
		this.tries.hidden = tries.length < 2;
		replace(this.tries, h('header', null, h('h2', null, 'Tries')), h('ul.job-list', null, tries.map((t) => h('li', null, state(statusOf(t), {quiet: true}),
			h('a.grow', {href: at(this.path, `/-/jobs/${t.id}`), 'aria-current': t.id === this.job.id ? 'page' : null}, `try ${t.attempt}`),
			h('span.small.dim', null, lasting(t.started_at, t.started_at && (t.finished_at ?? null)))))));
		const jobs = graph.jobs.toSorted((a, b) => a.stage_index - b.stage_index || a.index - b.index);
		const rows = jobs.flatMap((j, i) => (j.stage === jobs[i - 1]?.stage ? [j] : [{stage: j.stage}, j]));
		const isNew = this.others.childElementCount === 0;
		reconcile(this.others, rows, (j) => j.id ?? `stage ${j.stage}`, (j) => this.other(h('li'), j), (li, j) => this.other(li, j));
		const mine = this.others.querySelector('[aria-current]')?.parentNode;
		if (isNew && mine) this.others.scrollTop = mine.offsetTop - this.others.offsetTop - this.others.clientHeight / 2;
	}

	other(li, j) {
		const key = JSON.stringify([j.status, j.started_at, j.finished_at]);
		if (li.dataset.shown === key) return li;
		li.dataset.shown = key;
		if (!j.id) return replace(li, h('span.small.dim.cut', null, j.stage));
		return replace(li, state(statusOf(j), {quiet: true}), h('a.cut.grow', {href: at(this.path, `/-/jobs/${j.id}`), 'aria-current': j.id === this.job.id ? 'page' : null, title: `${j.stage}: ${j.name}`}, j.name),
			h('span.small.dim', null, j.started_at && lasting(j.started_at, j.finished_at)));
	}
}

export default async function job(view) {
	const base = project(view.params.project);
	const page = new Page(view, ...await Promise.all([get(base), get(`${base}/jobs/${view.params.id}`)]));
	if (view.isOver()) return undefined;
	page.show();
	const around = soon(() => page.loadAround(), 200);
	const reload = soon(() => page.reload(), 30);
	// the log first: what stands beside it is work, too
	setTimeout(() => page.loadAround().catch(around), 50);
	const ends = [
		watch(`job:${page.job.id}`, (change) => (change?.log_bytes ? page.log?.grow() : reload())),
		watch(`pipeline:${page.job.pipeline.id}`, (change) => {
			if (change?.log_bytes) return;
			page.graph.hear(change);
			around();
		}),
		// what it waits for may be a runner
		watch('runners', soon(() => page.job.status === 'pending' && page.reload(), 1000)),
	];
	return () => {
		for (const end of ends) end();
		page.log?.end();
	};
}
