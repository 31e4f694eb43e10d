// What forms are made of, and questions in dialogs of the browser's own.

import {post, project} from './api.js';
import {h, note} from './parts.js';

// For a line of text.
export const textInput = (props) => h('input', {type: 'text', autocomplete: 'off', spellcheck: 'false', ...props});

// A branch or tag of a project, which the address may name.
export function refField(p, branches, query, changed) {
	const input = textInput({list: 'refs', value: query.get('ref') ?? p.default_branch ?? branches[0] ?? 'main', oninput: changed});
	return {input, node: [field('Branch or tag', input), h('datalist', {id: 'refs'}, branches.map((b) => h('option', {value: b})))]};
}

// An input with its label above and a word of help below; `wrong` is said in place by complain().
let fields = 0;

export function field(label, input, help) {
	const id = `f${++fields}`;
	input.id = id;
	input.setAttribute('aria-describedby', `${id}-help ${id}-wrong`);
	return h('div.field', null, h('label', {for: id}, label), input, help && h('p.help', {id: `${id}-help`}, help), h('p.complaint', {id: `${id}-wrong`}));
}

export function complain(input, text) {
	input.setAttribute('aria-invalid', text ? 'true' : 'false');
	input.closest('.field').querySelector('.complaint').textContent = text;
}

// A form that is sent once at a time, and says below what was wrong with it.
export function submit(label, fn, ...children) {
	const said = h('p.complaint', {role: 'alert'});
	const button = h('button.main', {type: 'submit'}, label);
	return h('form.form', {noValidate: true, onsubmit: async (e) => {
		e.preventDefault();
		if (button.disabled) return;
		button.disabled = true;
		said.textContent = '';
		try {
			await fn();
		} catch (err) {
			said.textContent = err.message;
		}
		button.disabled = false;
	}}, children, said, h('div.row', null, button));
}

// Names with values, a row each; there is always an empty one. what: "variable".
export function pairs(title, what, given, changed) {
	const rows = h('div.vars', {oninput: () => changed?.()});
	const add = (key = '', value = '') => {
		const name = textInput({value: key, placeholder: 'name', 'aria-label': `Name of ${what}`});
		const row = h('div.row', null, name, h('textarea', {rows: 1, 'aria-label': 'Its value', placeholder: 'value', spellcheck: 'false'}, value),
			h('button.plain', {'aria-label': `Remove this ${what.replace(/^an? /, '')}`, onclick: () => {
				row.remove();
				if (rows.children.length === 0) add();
				changed?.();
			}}, '✕'));
		name.addEventListener('input', () => row === rows.lastElementChild && name.value && add());
		rows.append(row);
	};
	given.forEach(([k, v]) => add(k, v));
	add();
	return {
		node: h('fieldset', null, h('legend', null, title), rows),
		values: () => [...rows.children].map((r) => ({key: r.children[0].value.trim(), value: r.children[1].value})).filter((v) => v.key !== ''),
	};
}

// A question that is asked before something is done: fn is done when the answer is yes; what goes wrong is told, and the dialog stays.
export function ask(title, content, button, fn, {danger = false} = {}) {
	const dialog = h('dialog', {'aria-label': title});
	const yes = h(danger ? 'button.danger' : 'button.main', {type: 'submit'}, button);
	const form = h('form', {method: 'dialog', onsubmit: async (e) => {
		e.preventDefault();
		yes.disabled = true;
		try {
			await fn();
			dialog.close();
		} catch (error) {
			note(error.message, 'bad');
		}
		yes.disabled = false;
	}}, h('h2', null, title), h('div', null, content),
	h('div.row.wrap', null, yes, h('button', {onclick: () => dialog.close()}, 'Leave it')));
	dialog.append(form);
	dialog.addEventListener('close', () => dialog.remove());
	document.body.append(dialog);
	dialog.showModal();
	return dialog;
}

// Plays one of these manual jobs of a project, with variables of its own; then done().
export function playWith(p, jobs, done) {
	const which = h('select', null, jobs.map((j) => h('option', {value: j.id}, j.name)));
	const vars = pairs('Variables', 'a variable', []);
	ask(jobs.length > 1 ? 'Play a job' : `Play ${jobs[0].name}`, [jobs.length > 1 && field('Job', which), vars.node], 'Play', async () => {
		await post(`${project(p.id)}/jobs/${which.value}/play`, {job_variables_attributes: vars.values()});
		await done?.();
	});
}
