// Run a pipeline by hand: a ref, and what its file asks for.

import {get, getAll, own, post, project} from '../lib/api.js';
import {complain, field, pairs, refField, submit, textInput} from '../lib/forms.js';
import {at, empty, go, h, projectHead, replace} from '../lib/parts.js';

export default async function run({params, query, show, title, isOver}) {
	const p = await get(project(params.project));
	const branches = (await getAll(`${project(p.id)}/repository/branches`)).map((b) => b.name);
	if (isOver()) return undefined;
	title(`Run · ${p.path_with_namespace}`);
	if (branches.length === 0) {
		show(projectHead(p, 'Run'), h('div.panel', null, empty('Nothing to run yet', 'A push with a .gitlab-ci.yml in it comes first.', `git push ${location.origin}/${p.path_with_namespace}.git main`)));
		return undefined;
	}
	const {input: ref, node: refNode} = refField(p, branches, query, () => {
		clearTimeout(timer);
		timer = setTimeout(load, 250);
	});
	const asked = h('div', {'aria-live': 'polite'});
	const free = pairs('More variables', 'a variable', [...query].filter(([k]) => k.startsWith('var[')).map(([k, v]) => [k.slice(4, -1), v]));
	let form = null;
	let loading = null;
	let timer = null;

	const load = async () => {
		loading?.abort();
		const mine = loading = new AbortController();
		asked.setAttribute('aria-busy', 'true');
		try {
			const it = await get(`${own(p.id)}/form?ref=${encodeURIComponent(ref.value.trim())}`, {signal: mine.signal});
			complain(ref, '');
			form = draw(asked, it, p);
		} catch (e) {
			if (e.name === 'AbortError' || isOver()) return;
			form = null;
			replace(asked);
			complain(ref, e.status === 400 ? 'There is no such branch or tag.' : e.message);
		}
		asked.removeAttribute('aria-busy');
	};
	const send = async () => {
		for (const f of form?.inputs ?? []) complain(f.control, '');
		const body = {ref: ref.value.trim(), variables: [...(form?.variables() ?? []), ...free.values()]};
		const inputs = form?.values() ?? {};
		if (inputs === null) return;
		if (Object.keys(inputs).length > 0) body.inputs = inputs;
		try {
			const made = await post(`${project(p.id)}/pipeline`, body);
			go(at(p.path_with_namespace, `/-/pipelines/${made.id}`));
		} catch (e) {
			if (!form || !form.blame(e.message)) throw e;
		}
	};
	await load(); // the form comes whole
	show(projectHead(p, 'Run'), h('div.head', null, h('h1', null, 'Run a pipeline')),
		h('div.panel', null, h('div.inside', null, submit('Run the pipeline', send,
			refNode, asked, free.node))));
	return () => {
		clearTimeout(timer);
		loading?.abort();
	};
}

function draw(node, it, p) {
	const inputs = it.inputs.map(inputField);
	const described = it.variables.map(variableField);
	replace(node,
		!it.has_file && h('p.complaint', null, 'This commit has no pipeline file.'),
		it.errors.length > 0 && h('div.field', null, h('p.complaint', null, 'The pipeline file is not right:'), h('pre.errors', {tabIndex: 0}, it.errors.join('\n')),
			h('p.help', null, h('a', {href: at(p.path_with_namespace, `/-/ci/editor?ref=${encodeURIComponent(it.ref)}`)}, 'Look at it in the editor'))),
		inputs.length > 0 && h('fieldset', null, h('legend', null, 'Inputs'), inputs.map((f) => f.node)),
		described.length > 0 && h('fieldset', null, h('legend', null, 'Variables of the file'), described.map((f) => f.node)));
	return {
		inputs,
		variables: () => described.filter((f) => f.control.value !== f.first).map((f) => ({key: f.key, value: f.control.value})),
		// null: a field has something in it that is no value of its type, and says so
		values() {
			const out = {};
			let wrong = null;
			for (const f of inputs) {
				const v = f.value();
				if (v instanceof Error) {
					complain(f.control, v.message);
					wrong ??= f;
				} else if (v !== undefined) out[f.name] = v;
			}
			wrong?.control.focus();
			return wrong ? null : out;
		},
		// what the server says of an input is said at its field
		blame(message) {
			const rest = [];
			let first = null;
			for (const line of message.split('\n').filter(Boolean)) {
				const m = /`([^`]+)` input: (.*)/.exec(line);
				const f = m && inputs.find((x) => x.name === m[1]);
				if (f) {
					complain(f.control, m[2]);
					first ??= f;
				} else rest.push(line);
			}
			first?.control.focus();
			return first !== null && rest.length === 0;
		},
	};
}

const choice = (options, value) => h('select', null, options.map(([v, text]) => h('option', {value: v, selected: v === value}, text)));

function control(x) {
	const text = x.default === null ? '' : Array.isArray(x.default) ? listText(x.default) : String(x.default);
	const options = Array.isArray(x.options) ? x.options.map(String) : x.type === 'boolean' ? ['true', 'false'] : null;
	if (options) return choice([...(x.default === null ? [['', 'choose…']] : []), ...options.map((o) => [o, o])], text);
	if (x.type === 'array') return h('textarea', {rows: 3, spellcheck: 'false'}, text);
	return textInput({inputMode: x.type === 'number' ? 'decimal' : 'text', value: text});
}

const listText = (list) => (list.every((v) => typeof v === 'string' && !/^\[|\n/.test(v)) ? list.join('\n') : JSON.stringify(list, null, 1));

// undefined: not given. An Error: what is wrong with it.
function valueOf(x, text) {
	if (text === '' && x.type !== 'string') return undefined;
	if (x.type === 'boolean') return text === 'true';
	if (x.type === 'number') return Number.isFinite(Number(text)) ? Number(text) : new Error('This has to be a number.');
	if (x.type !== 'array') return text;
	if (!text.trimStart().startsWith('[')) return text.split('\n').map((l) => l.trim()).filter(Boolean);
	try {
		return JSON.parse(text);
	} catch {
		return new Error('This begins like a list of JSON, but is none.');
	}
}

function inputField(x) {
	const c = control(x);
	const first = c.value;
	const help = [x.description, x.regex && `Has to match ${x.regex}`, x.type === 'array' && 'One value a line, or a list as JSON.', x.by_rules && 'What is allowed depends on the other inputs.'];
	c.required = x.required;
	const node = field(x.required ? `${x.name} (required)` : x.name, c, help.filter(Boolean).join('. ').replace(/\.\. /g, '. '));
	return {name: x.name, node, control: c, value: () => (c.value === first && (x.default !== null || first === '') ? undefined : valueOf(x, c.value))};
}

function variableField(x) {
	const options = Array.isArray(x.options) ? x.options.map(String) : null;
	const c = options ? choice(options.map((o) => [o, o]), x.value ?? '') : textInput({value: x.value ?? ''});
	return {key: x.key, first: c.value, control: c, node: field(x.key, c, x.description)};
}
