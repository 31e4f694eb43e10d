// A project's pipelines: the newest first, those that are asked for in the address.

import {get, getPage, own, post, project, soon, watch} from '../lib/api.js';
import {action, at, copyable, fill, h, isOver as hasEnded, lastingOf, note, projectHead, reconcile, sha, shape, since, SOURCES, state, statusOf, word} from '../lib/parts.js';

const STATUSES = ['running', 'pending', 'success', 'failed', 'canceled', 'skipped', 'manual', 'scheduled', 'created', 'waiting_for_resource'];
const FILTERS = ['ref', 'status', 'source', 'username'];

// Which pipelines: read from the address, written to it.
function chosen(query) {
	return Object.fromEntries(FILTERS.map((name) => [name, query.get(name) ?? '']).filter(([, value]) => value !== ''));
}

function address(path, filter, page) {
	const text = new URLSearchParams({...filter, ...(page > 1 ? {page} : {})}).toString();
	return at(path, `/-/pipelines${text && `?${text}`}`);
}

function filterForm(filter, changed) {
	const select = (name, label, entries) => h('select', {'aria-label': label, onchange: (e) => changed(name, e.target.value)},
		h('option', {value: ''}, label), entries.map(([value, text]) => h('option', {value, selected: filter[name] === value}, text)));
	const input = (name, label) => h('input', {type: 'search', 'aria-label': label, placeholder: label, value: filter[name] ?? '', size: 14, spellcheck: false,
		oninput: (e) => changed(name, e.target.value.trim())});
	return h('form.row.wrap.filters', {role: 'search', 'aria-label': 'Which pipelines', onsubmit: (e) => e.preventDefault()},
		input('ref', 'Branch or tag'),
		select('status', 'Any state', STATUSES.map((s) => [s, word(s)])),
		select('source', 'Any source', Object.entries(SOURCES)),
		input('username', 'Started by'));
}

function stages(p, x) {
	return x.stages.map((s) => h(`span.state.${statusOf(s)}`, {title: `${s.name}: ${word(statusOf(s))}`},
		shape(statusOf(s)), h('span.quiet', null, `${s.name} ${word(statusOf(s))}`)));
}

function what(p, x) {
	const text = x.name ?? x.commit?.title;
	return [h('a.cut', {href: at(p.path_with_namespace, `/-/pipelines/${x.id}`)}, h('strong', null, `#${x.id}`), text ? ` ${text}` : ''),
		h('div.small.dim.row.wrap.about', null,
			h('span.cut', null, x.tag ? 'tag ' : '', h('a', {href: address(p.path_with_namespace, {ref: x.ref})}, x.ref)), sha(x.sha),
			x.commit?.author_name && h('span.cut', null, x.commit.author_name),
			h('span', null, `${SOURCES[x.source] ?? x.source}${x.user ? `, ${x.user.username}` : ''}`),
			x.yaml_errors && h('span.badge.bad', {title: x.yaml_errors}, 'its file has errors'),
			x.superseded_by && h('a', {href: at(p.path_with_namespace, `/-/pipelines/${x.superseded_by}`)}, `superseded by #${x.superseded_by}`))];
}

// What can be done with it now.
function actions(p, x) {
	const call = (verb) => async () => {
		await post(`${project(p.id)}/pipelines/${x.id}/${verb}`);
		note(`Pipeline #${x.id}: ${verb === 'retry' ? 'failed jobs run again' : 'canceled'}.`);
	};
	if (!hasEnded(x.status) && x.status !== 'manual')
		return action('Cancel', call('cancel'), {'aria-label': `Cancel pipeline ${x.id}`});
	if (['failed', 'canceled', 'warning'].includes(statusOf(x)) && !x.yaml_errors)
		return action('Retry', call('retry'), {'aria-label': `Retry failed jobs of pipeline ${x.id}`});
	return null;
}

const CELLS = ['div.pipeline-state', 'div.grow', 'div.row.pipeline-stages', 'div.small.dim.pipeline-times', 'div.pipeline-action'];

function row(li, p, x) {
	if (li.children.length === 0) li.append(...CELLS.map((name) => h(name)));
	const [now, about, parts, times, act] = li.children;
	fill(now, statusOf(x), () => state(statusOf(x)));
	fill(about, [x.id, x.superseded_by], () => what(p, x));
	fill(parts, x.stages, () => stages(p, x));
	fill(times, [x.started_at, x.finished_at, x.status], () => [lastingOf(x, 'div'), h('div', null, since(x.created_at))]);
	fill(act, [statusOf(x)], () => actions(p, x));
	return li;
}

function none(p, filtered) {
	if (filtered) return h('div.say', null, h('h2', null, 'No such pipeline'), h('p', null, 'None of this project’s fits what is chosen above. ', h('a', {href: at(p.path_with_namespace, '/-/pipelines')}, 'Show all')));
	return h('div.say', null, h('h2', null, 'No pipelines yet'), h('p', null, 'A push of a commit with a .gitlab-ci.yml starts one.'),
		copyable(`git push ${location.origin}/${p.path_with_namespace}.git HEAD:${p.default_branch ?? 'main'}`));
}

function pager(p, filter, page, next) {
	return [page > 1 && h('a.button', {href: address(p.path_with_namespace, filter, page - 1), rel: 'prev'}, 'Newer'),
		next && h('a.button', {href: address(p.path_with_namespace, filter, next), rel: 'next'}, 'Older')];
}

export default async function pipelines({params, query, show, title, isOver}) {
	const p = await get(project(params.project));
	title(`Pipelines · ${p.path_with_namespace}`);
	const filter = chosen(query);
	let page = Math.max(1, Number(query.get('page')) || 1);
	const list = h('ul.list.panel.pipelines', {'aria-label': 'Pipelines'});
	const nothing = h('div.panel');
	const pages = h('nav.row.pager', {'aria-label': 'Pages of the list'});
	const draw = async () => {
		const asked = address(p.path_with_namespace, filter, page);
		const {items, next} = await getPage(`${own(params.project)}/pipelines?${new URLSearchParams({per_page: 30, ...filter})}`, page);
		if (isOver() || asked !== address(p.path_with_namespace, filter, page)) return;
		reconcile(list, items, (x) => x.id, (x) => row(h('li'), p, x), (li, x) => row(li, p, x));
		list.hidden = items.length === 0;
		nothing.hidden = items.length > 0;
		form.hidden = items.length === 0 && page === 1 && Object.keys(filter).length === 0;
		if (items.length === 0) fill(nothing, Object.keys(filter).length, () => none(p, Object.keys(filter).length > 0 || page > 1));
		fill(pages, [filter, page, next], () => pager(p, filter, page, next));
	};
	const drawSoon = soon(draw, 150);
	const form = filterForm(filter, (name, value) => {
		if (value === '') delete filter[name];
		else filter[name] = value;
		page = 1;
		history.replaceState({}, '', address(p.path_with_namespace, filter, page));
		drawSoon();
	});
	await draw();
	show(projectHead(p, 'Pipelines'), h('div.head', null, h('h1.grow', null, 'Pipelines'), form), list, nothing, pages);
	return watch(`project:${p.id}`, soon(draw, 200));
}
