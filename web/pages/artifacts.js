// What a job left, folder by folder, and each file as far as a browser can show it.

import {get, getText, own, project} from '../lib/api.js';
import {at, bytes, count, crumbs, empty, h, projectHead} from '../lib/parts.js';

const MAX_TEXT = 1 << 20;
const PICTURE = /\.(png|jpe?g|gif|webp|svg)$/i;

// "a/b c" as a part of an address.
const parts = (path) => path.split('/').map(encodeURIComponent).join('/');

export default async function artifacts({params, show, title, isOver}) {
	const p = await get(project(params.project));
	const path = params.path ?? '';
	const call = `jobs/${params.id}`;
	const [job, it] = await Promise.all([get(`${project(p.id)}/${call}`), get(`${own(p.id)}/${call}/files?path=${encodeURIComponent(path)}`).catch((e) => {
		if (e.status === 404) e.message = path ? 'The archive of this job has no such file.' : 'This job left no artifacts, or they were kept long enough.';
		throw e;
	})]);
	const here = at(p.path_with_namespace, `/-/${call}/artifacts/browse`);
	const file = (rest) => `${project(p.id)}/${call}/artifacts/${parts(rest)}`;
	const names = it.path === '' ? [] : it.path.split('/');
	const body = it.type === 'folder' ? folder(it, here, file) : await preview(it, names.at(-1), file(it.path));
	if (isOver()) return;
	title(`${names.at(-1) ?? 'Artifacts'} · ${job.name}`);
	show(projectHead(p, 'Artifacts', [`#${job.pipeline.id}`, `pipelines/${job.pipeline.id}`], [job.name, call]), h('div.head', null, h('h1.grow', null, 'Artifacts of ', h('a', {href: at(p.path_with_namespace, `/-/${call}`)}, job.name)),
		it.type === 'file' && h('a.button.main', {href: file(it.path), download: names.at(-1)}, 'Download'),
		h('a.button', {href: `${project(p.id)}/${call}/artifacts`, download: job.artifacts_file?.filename ?? 'artifacts.zip'}, 'Download all')),
	h('section.panel', null, h('header', null, crumbs([job.artifacts_file?.filename ?? 'archive', here], ...names.map((n, i) => [n, i < names.length - 1 && `${here}/${parts(names.slice(0, i + 1).join('/'))}`])),
		h('span.small.dim', null, it.type === 'folder' ? `${count(it.files, 'file')}, ${bytes(it.size)}` : bytes(it.size))), body));
}

function folder(it, here, file) {
	if (it.entries.length === 0) return empty('This folder is empty', 'The job kept the folder, and nothing in it.');
	const rest = (e) => (it.path ? `${it.path}/${e.name}` : e.name);
	return [h('ul.list.files', null, it.entries.map((e) => h('li', null,
		h('span.mono.dim', {'aria-hidden': 'true'}, e.type === 'folder' ? '▸' : e.type === 'link' ? '→' : ' '),
		e.type === 'link' ? h('span.grow', null, e.name, h('span.dim', null, ' (link)')) : h('a.grow', {href: `${here}/${parts(rest(e))}`}, e.name, e.type === 'folder' && '/'),
		e.type === 'folder' && h('span.small.dim', null, count(e.files, 'file')),
		e.type !== 'link' && h('span.small.dim.nowrap', null, bytes(e.size)),
		e.type === 'file' && h('a.small', {href: file(rest(e)), download: e.name, 'aria-label': `Download ${e.name}`}, 'Download')))),
	it.cut && h('p.inside.dim', null, 'There is more in this folder than is shown here.')];
}

async function preview(it, name, href) {
	if (it.type === 'link') return empty('A link', 'It points to another file; archives keep it as it is.');
	if (PICTURE.test(name)) return h('div.inside', null, h('img.picture', {src: href, alt: name}));
	if (/\.html?$/i.test(name)) return h('iframe.report', {src: href, title: name, sandbox: 'allow-same-origin'});
	if (it.size > MAX_TEXT) return empty('Too large to be shown here', `It has ${bytes(it.size)}; download it to read it.`);
	const text = await getText(href);
	if (text.includes('\0')) return empty('No text', 'This kind of file cannot be shown here; download it.');
	return text === '' ? empty('An empty file', 'There is nothing in it.') : h('pre.text', {tabIndex: 0, role: 'region', 'aria-label': name}, text);
}
