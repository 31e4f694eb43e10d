// A token of this server opens a session of the browser.

import {logIn, session} from '../lib/api.js';
import {go, h} from '../lib/parts.js';

export default function login({query, show, title}) {
	const to = query.get('to') ?? '/';
	const where = to.startsWith('/') && !to.startsWith('//') ? to : '/';
	if (session.username) {
		go(where, {replace: true});
		return;
	}
	title('Log in');
	const said = h('p', {role: 'alert', id: 'said', class: 'help'});
	const input = h('input', {id: 'token', type: 'password', autocomplete: 'current-password', required: true, 'aria-describedby': 'said', spellcheck: false});
	const button = h('button.main', {type: 'submit'}, 'Log in');
	show(h('form.form.panel', {style: {margin: '8vh auto 0'}, onsubmit: async (e) => {
		e.preventDefault();
		button.disabled = true;
		said.textContent = '';
		try {
			await logIn(input.value.trim());
			go(where, {replace: true});
		} catch (err) {
			said.textContent = err.status === 401 ? 'This server does not know that token, or it has ended.' : err.message;
			input.select();
		}
		button.disabled = false;
	}}, h('div.inside', null,
		h('h1', {style: {'margin-bottom': 'var(--s4)'}}, 'Log in'),
		h('div.field', null, h('label', {for: 'token'}, 'Access token'), input,
			h('p.help', null, 'The server shows one when it is started for the first time; ', h('code', null, 'pawl server --new-token'), ' makes another.'), said),
		button)));
	input.focus();
}
