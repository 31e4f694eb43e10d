// All projects, those where something happened last first.

import {getPage, soon, watch} from '../lib/api.js';
import {at, copyable, duration, fill, h, more, reconcile, replace, since, state, statusOf, took, word} from '../lib/parts.js';

const SHOWN = 50;

function bars(path, pipelines) {
	const longest = Math.max(1, ...pipelines.map(took));
	return h('div.bars', {role: 'group', 'aria-label': 'Last pipelines'}, pipelines.toReversed().map((p) => {
		const said = `#${p.id} ${word(statusOf(p))}${took(p) ? ` in ${duration(took(p))}` : ''}, ${p.ref}`;
		return h(`a.${statusOf(p)}`, {href: at(path, `/-/pipelines/${p.id}`), title: said, style: {height: `${Math.round(20 + 80 * took(p) / longest)}%`}},
			h('span.quiet', null, `pipeline ${said}`));
	}));
}

function fillRow(li, p) {
	const [newest] = p.pipelines;
	const [what, last, now] = li.children.length > 0 ? li.children : [h('div.grow'), h('div.project-bars'), h('div.project-state')];
	if (li.children.length === 0) li.append(what, last, now);
	fill(what, [p.path, p.description, newest?.id], () => [
		h('a.project-name', {href: at(p.path)}, p.path.slice(0, p.path.lastIndexOf('/') + 1), h('strong', null, p.path.slice(p.path.lastIndexOf('/') + 1))),
		h('div.small.dim.row.project-about', null, p.description && h('span.cut', null, p.description),
			h('span.nowrap', null, newest ? ['last pipeline ', since(newest.created_at)] : 'no pipeline yet'))]);
	fill(last, p.pipelines.map((x) => [x.id, statusOf(x), x.finished_at]), () => (newest ? bars(p.path, p.pipelines) : null));
	fill(now, [newest?.id, newest && statusOf(newest)], () => newest && h('a', {href: at(p.path, `/-/pipelines/${newest.id}`)}, state(statusOf(newest))));
	return li;
}

function none(text) {
	if (text) return h('div.say', null, h('h2', null, `No project is called “${text}”`), h('p', null, 'The search looks at groups and names.'));
	return h('div.say', null, h('h2', null, 'No projects yet'),
		h('p', null, 'The first push makes one. In a repository with a .gitlab-ci.yml:'),
		copyable(`git remote add pawl ${location.origin}/GROUP/NAME.git\ngit push pawl HEAD`),
		h('p.small', null, 'git asks for a name and a password: any name, and your access token.'));
}

export default async function projects({query, show, title, isOver}) {
	title('Projects');
	let text = query.get('search') ?? '';
	let pages = 1;
	const list = h('ul.list.panel.projects', {'aria-label': 'Projects'});
	const nothing = h('div.panel', {role: 'status'});
	const draw = async () => {
		const wanted = text;
		const items = [];
		let next = null;
		for (let i = 1; i <= pages && (i === 1 || next); i++) {
			const got = await getPage(`/api/pawl/v1/overview?per_page=${SHOWN}&search=${encodeURIComponent(wanted)}`, i);
			items.push(...got.items);
			({next} = got);
		}
		if (isOver() || wanted !== text) return;
		reconcile(list, items, (p) => p.id, (p) => fillRow(h('li'), p), fillRow);
		list.hidden = items.length === 0;
		nothing.hidden = items.length > 0;
		if (items.length === 0) replace(nothing, none(text));
		field.hidden = items.length === 0 && text === '';
		further.hidden = next === null;
	};
	const further = more(() => {
		pages++;
		return draw();
	});
	const drawSoon = soon(draw, 150);
	const field = h('input', {type: 'search', value: text, placeholder: 'Search projects', 'aria-label': 'Search projects', oninput: () => {
		text = field.value.trim();
		pages = 1;
		history.replaceState({}, '', text ? `/?search=${encodeURIComponent(text)}` : '/');
		drawSoon();
	}});
	await draw();
	show(h('div.head', null, h('h1.grow', null, 'Projects'), field), list, nothing, further);
	return watch('all', soon(draw, 300));
}
