// A pipeline file being written: what is wrong with it, and what an event would make of it.

import {get, getAll, own, post, project} from '../lib/api.js';
import {ask as question, field, pairs, refField} from '../lib/forms.js';
import {Graph} from '../lib/graph.js';
import {action, copy, count, duration, h, marked, note, projectHead, replace} from '../lib/parts.js';

const LINE = 20; // px, as app.css has it
const EVENTS = [
	['push', 'push to the branch'], ['tag', 'push of a tag'], ['merge_request_event', 'merge request into the default branch'], ['schedule', 'schedule'],
	['web', 'run by hand'], ['api', 'API'], ['trigger', 'trigger'], ['pipeline', 'pipeline of another project'], ['parent_pipeline', 'child pipeline'],
];
const STATUS = {manual: 'manual', delayed: 'scheduled'};
const WHEN = {on_success: null, manual: 'manual', delayed: 'delayed', always: 'always', on_failure: 'on failure'};

export default async function editor({params, query, show, title, isOver}) {
	const p = await get(project(params.project));
	const branches = (await getAll(`${project(p.id)}/repository/branches`)).map((b) => b.name);
	if (isOver()) return undefined;
	title(`Editor · ${p.path_with_namespace}`);
	const draft = `draft ${p.id}`;
	const {input: ref, node: refNode} = refField(p, branches, query, () => plan());
	const event = h('select', {onchange: () => plan()}, EVENTS.map(([v, text]) => h('option', {value: v}, text)));
	const inputs = pairs('Inputs', 'an input', [], () => plan());
	const variables = pairs('Variables', 'a variable', [], () => plan());
	const text = code(() => {
		sessionStorage.setItem(draft, text.value());
		plan();
	});
	const results = h('div.stack');
	const said = h('p.row.wrap', {role: 'status'});
	const more = h('details', null, h('summary', null, 'Variables and inputs'), inputs.node, variables.node);
	let loading = null;
	let timer = null;

	const ask = async (content) => {
		loading?.abort();
		const mine = loading = new AbortController();
		results.setAttribute('aria-busy', 'true');
		const given = Object.fromEntries(inputs.values().map((v) => [v.key, v.value]));
		const body = {content, ref: ref.value.trim() || undefined, source: event.value === 'tag' ? 'push' : event.value, tag: event.value === 'tag', variables: variables.values()};
		if (Object.keys(given).length > 0) body.inputs = given;
		try {
			const it = await post(`${own(p.id)}/plan`, body, {signal: mine.signal});
			if (isOver()) return undefined;
			answer(it, text, said, results);
			// what is missing is asked for
			if (it.errors.some((e) => / input: required/.test(e.text))) more.open = true;
			return it;
		} catch (e) {
			if (e.name === 'AbortError' || isOver()) return undefined;
			results.says = null;
			replace(said, h('span.complaint', null, e.message));
			return undefined;
		} finally {
			if (mine === loading) results.removeAttribute('aria-busy');
		}
	};
	const plan = () => {
		clearTimeout(timer);
		timer = setTimeout(() => ask(text.value()), 300);
	};
	const load = async () => {
		clearTimeout(timer);
		const it = await ask(undefined);
		if (!it) return;
		text.set(it.content ?? '');
		sessionStorage.removeItem(draft);
		answer(it, text, said, results);
		if (it.content === null) note(`There is no ${it.file} at ${it.ref} yet: write one.`);
	};
	const loadOver = () => {
		if (!sessionStorage.getItem(draft)) return load();
		question('Replace what you wrote?', 'It is kept nowhere else.', 'Load the file', load);
		return undefined;
	};
	show(projectHead(p, 'Editor'), h('div.head', null, h('h1.grow', null, 'Pipeline editor'),
		action('Load the file of the ref', loadOver), action('Copy the text', () => copy(text.value()))),
	h('div.editor', null,
		h('div', null, text.node, h('p.help.small.dim', null, 'What is written here stays in this browser. To have it, commit it.')),
		h('div.stack', null,
			h('div.panel', null, h('div.inside.editor-event', null, refNode, field('Event', event), more)),
			said, results)));
	const kept = sessionStorage.getItem(draft);
	if (kept) {
		text.set(kept);
		await ask(kept);
		if (query.has('ref')) loadOver();
	} else if (branches.length > 0) await load();
	else replace(said, 'Nothing was pushed yet: write a file, or paste one.');
	return () => {
		clearTimeout(timer);
		loading?.abort();
	};
}

// The text with its line numbers, and marks where something is wrong.
function code(changed) {
	const numbers = h('pre.code-numbers', {'aria-hidden': 'true'});
	const marks = h('div.code-marks', {'aria-hidden': 'true'});
	let lines = 0;
	const count = () => {
		const now = area.value.split('\n').length;
		if (now !== lines) numbers.textContent = Array.from({length: now}, (_, i) => i + 1).join('\n');
		lines = now;
	};
	const follow = () => {
		numbers.style.setProperty('transform', `translateY(${-area.scrollTop}px)`);
		marks.style.setProperty('transform', `translateY(${-area.scrollTop}px)`);
	};
	const area = h('textarea', {wrap: 'off', spellcheck: 'false', autocapitalize: 'off', autocomplete: 'off', 'aria-label': 'The pipeline file', placeholder: 'stages: [test]\n\nunit:\n  script:\n    - make check', onscroll: follow, oninput: () => {
		count();
		changed();
	}});
	count();
	return {
		node: h('div.code', null, h('div.code-side', null, numbers), marks, area),
		value: () => area.value,
		set(value) {
			area.value = value;
			count();
		},
		mark(findings) {
			// one for a line; errors come first
			const worst = new Map(findings.filter((f) => f.line > 0).reverse().map((f) => [f.line, f.kind]));
			replace(marks, [...worst].map(([line, kind]) => h(`div.${kind}`, {style: {top: `${(line - 1) * LINE}px`}})));
		},
		go(line, column = 1) {
			const before = area.value.split('\n').slice(0, line - 1).join('\n');
			const at = Math.min(area.value.length, before.length + (line > 1 ? 1 : 0) + Math.max(0, column - 1));
			area.focus();
			area.setSelectionRange(at, at);
			area.scrollTop = Math.max(0, (line - 5) * LINE);
		},
	};
}

function answer(it, text, said, results) {
	const findings = [...it.errors.map((f) => ({...f, kind: 'bad'})), ...it.warnings.map((f) => ({...f, kind: 'warn'}))];
	const {plan} = it;
	text.mark(findings.filter((f) => f.file === it.file));
	const says = JSON.stringify([it.errors, it.warnings, plan]);
	if (results.says === says) return;
	results.says = says;
	const graph = plan?.created ? new Graph((j) => `#planned-${j.index}`) : null;
	replace(said,
		it.valid ? h('span.badge.good', null, '✓ valid') : h('span.badge.bad', null, `✕ ${count(it.errors.length, 'error')}`),
		it.warnings.length > 0 && h('span.badge.warn', null, `△ ${count(it.warnings.length, 'warning')}`),
		plan && h('span', null, plan.created ? `${count(plan.jobs.length, 'job')} in ${count(plan.stages.length, 'stage')}` : 'no pipeline for this event'),
		plan?.created && h('span.small.dim', {title: `plan hash ${plan.plan_hash}`}, 'plan ', h('span.sha', null, plan.plan_hash.slice(0, 8))));
	replace(results,
		findings.length > 0 && section('Findings', h('ul.list', null, findings.map((f) => h('li', null, h(`span.badge.${f.kind}`, null, f.kind === 'bad' ? 'error' : 'warning'),
			h('div.grow', null, place(f, it, text), ' ', f.job && h('strong', null, `${f.job}: `), marked(f.text)))))),
		plan && !plan.created && section('No pipeline', h('div.inside', null, plan.why.text, place(whereOf(plan.why), it, text))),
		graph && h('div.panel', null, graph.node),
		graph && plan.stages.map((stage) => section(stage, h('ul.list', null, plan.jobs.map((j, i) => j.stage === stage && job(j, it, text, `planned-${i}`))))),
		plan?.left_out.length > 0 && section('Left out by this event', h('ul.list', null, plan.left_out.map((j) => job(j, it, text)))));
	if (graph) draw(graph, plan);
}

function draw(graph, {jobs, stages}) {
	const index = new Map(jobs.map((j, i) => [j.name, i]));
	graph.update(jobs.map((j, i) => ({index: i, name: j.name, stage: j.stage, stage_index: stages.indexOf(j.stage), status: STATUS[j.when] ?? 'created', needs: j.needs?.map((n) => index.get(n))})), []);
	graph.node.addEventListener('click', (e) => {
		const a = e.target.closest('a');
		if (!a) return;
		e.preventDefault();
		const row = document.getElementById(a.getAttribute('href').slice(1));
		row.scrollIntoView({block: 'center'});
		row.focus();
	});
}

const section = (name, content) => h('section.panel', null, h('header', null, h('h2', null, name)), content);

// "file:line" of a reason
function whereOf(why) {
	const m = /^(.*):(\d+)$/.exec(why.at ?? '');
	return m ? {file: m[1], line: Number(m[2])} : {file: null, line: 0};
}

// A place: a button that goes there, when it is in the text.
function place(f, it, text) {
	if (!f.file) return null;
	if (f.line <= 0) return h('code', null, f.file);
	const at = `${f.line}${f.column > 0 ? `:${f.column}` : ''}`;
	const label = f.file === it.file ? `line ${at}` : `${f.file}:${at}`;
	return f.file === it.file ? h('button.place', {onclick: () => text.go(f.line, f.column)}, label) : h('code', null, label);
}

function job(j, it, text, id) {
	const values = Object.entries(j.why.values);
	return h('li', {id, tabIndex: id ? -1 : null}, h('div.grow', null,
		h('div.row.wrap', null, h('strong', null, j.name), WHEN[j.when] && h('span.badge', null, WHEN[j.when], j.start_in ? ` ${duration(j.start_in * 1000)}` : ''),
			j.allow_failure && h('span.badge', null, 'may fail'), j.environment && h('span.badge', null, j.environment), j.tag_list?.map((t) => h('span.badge', null, t))),
		h('div.small', null, j.why.text, ' ', place(whereOf(j.why), it, text)),
		values.length > 0 && h('div.small.dim', null, values.map(([k, v], i) => [i > 0 && ', ', h('code', null, v === null ? `${k} is not set` : `${k}=${v}`)])),
		j.needs && h('div.small.dim', null, j.needs.length === 0 ? 'needs nobody: starts at once' : `needs ${j.needs.join(', ')}`)));
}
