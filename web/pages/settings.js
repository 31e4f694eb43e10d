// Settings: of a project; or one's own, and what holds on the server.

import {del, get, getAll, post, project, put, session} from '../lib/api.js';
import {field, submit, textInput} from '../lib/forms.js';
import {copyable, fill, h, note, projectHead, reconcile, replace, since, twice} from '../lib/parts.js';

export default (view) => (view.params.project ? ofProject(view) : own(view));

// ---- a project's

async function ofProject({params, show, title, isOver}) {
	const p = await get(project(params.project));
	const base = project(p.id);
	const [branches, server, ...sections] = await Promise.all([
		getAll(`${base}/repository/branches`), get('/api/pawl/v1/settings'),
		variables('Variables', `${base}/variables`, {scopes: true}),
		refs('Protected branches', `${base}/protected_branches`, 'main, release/*'), refs('Protected tags', `${base}/protected_tags`, 'v*'),
		tokens('Access tokens', 'for this project alone', {lists: `${base}/access_tokens`, makes: `${base}/access_tokens`, ends: (t) => `${base}/access_tokens/${t.id}`}),
	]);
	if (isOver()) return;
	title(`Settings · ${p.path_with_namespace}`);
	show(projectHead(p, 'Settings'), h('div.head', null, h('h1', null, 'Settings')), h('div.stack.settings', null,
		general(p, branches.map((b) => b.name)), sections, kept(p, server)));
}

function general(p, branches) {
	const name = textInput({value: p.name, maxLength: 255});
	const description = h('textarea', {rows: 2}, p.description ?? '');
	const branch = h('select', {disabled: branches.length === 0}, [...new Set([p.default_branch, ...branches])].filter(Boolean).map((b) => h('option', {value: b, selected: b === p.default_branch}, b)));
	const file = textInput({value: p.ci_config_path, placeholder: '.gitlab-ci.yml', maxLength: 255});
	const visibility = h('select', null, ['private', 'internal', 'public'].map((v) => h('option', {value: v, selected: v === p.visibility}, v)));
	return section('Project', p.path_with_namespace, h('div.inside', null, submit('Save', async () => {
		await put(project(p.id), {name: name.value, description: description.value, ci_config_path: file.value.trim(), visibility: visibility.value,
			...(branch.value && branch.value !== p.default_branch && {default_branch: branch.value})});
		p.default_branch = branch.value;
		note('The settings are saved.');
	}, field('Name', name), field('Description', description), field('Default branch', branch, branches.length === 0 ? 'The first push makes one.' : null),
	field('Pipeline file', file), field('Visibility', visibility, 'What jobs see as CI_PROJECT_VISIBILITY.'))));
}

async function refs(name, path, example) {
	const again = async () => rows.update(await getAll(path));
	const rows = list(await getAll(path), (r) => r.name, (r) => [h('code.grow', null, r.name), h('div.row', null,
		twice('Unprotect', `Unprotect ${r.name}`, async () => {
			await del(`${path}/${encodeURIComponent(r.name)}`);
			await again();
		}))], 'None are protected.');
	const pattern = textInput();
	return section(name, 'protected variables and runners are for these', rows.node, h('div.inside', null, submit('Protect', async () => {
		await post(path, {name: pattern.value.trim()});
		pattern.value = '';
		await again();
	}, field('Name or pattern', pattern, `Such as ${example}`))));
}

function kept(p, {keep}) {
	const days = h('input', {type: 'number', min: 1, max: 3650, value: p.ci_delete_pipelines_in_seconds ? Math.round(p.ci_delete_pipelines_in_seconds / 86400) : ''});
	return section('How long things are kept', null,
		h('div.inside', null, submit('Save', async () => {
			await put(project(p.id), {ci_delete_pipelines_in_seconds: days.value * 86400});
			note('Saved: what is older goes within minutes.');
		}, field('Days that ended pipelines stay, with jobs and logs', days, `Without a number as long as the server keeps them: ${span(keep.pipelines, 'for ever')}.`))),
		facts(['Artifacts without expire_in', span(keep.artifacts, 'for ever')]));
}

// ---- one's own

const UNITS = [[2 ** 30, 'GiB'], [2 ** 20, 'MiB'], [2 ** 10, 'KiB'], [1, 'bytes']];
const TOKENS = '/api/v4/personal_access_tokens';

async function own({show, title, isOver}) {
	title('Settings');
	const [server, version, mine, global] = await Promise.all([
		get('/api/pawl/v1/settings'), get('/api/v4/version'),
		tokens('Access tokens', 'they open the API and git in your name; each “browser” is where you are logged in', {lists: TOKENS, makes: '/api/v4/user/personal_access_tokens', ends: (t) => `${TOKENS}/${t.id}`}),
		session.is_admin ? variables('Variables of all projects', '/api/v4/admin/ci/variables', {scopes: false}) : null,
	]);
	if (isOver()) return;
	show(h('div.head', null, h('h1', null, 'Settings')), h('div.stack.settings', null,
		section('You', null, facts(['Name', session.name ?? session.username], ['Login', session.username], ['Rights', session.is_admin ? 'administrator' : 'user'])),
		mine, global, serverSection(server, version)));
}

function serverSection({limits, keep}, {version}) {
	// exact, as the file has them
	const size = (n) => {
		const [unit, word] = UNITS.find(([u]) => n % u === 0);
		return n === 0 ? 'no limit' : `${n / unit} ${word}`;
	};
	const many = (n) => (n === 0 ? 'no limit' : n);
	return section('This server', 'set in its settings file', facts(
		['Version', version], ['Jobs at once', many(limits.jobs)], ['Jobs of a project at once', many(limits.project_jobs)],
		['Time of a job', span(limits.timeout, 'no limit')], ['One upload of artifacts', size(limits.artifact_size)], ['One log', size(limits.log_size)],
		['Pipelines, jobs, logs are kept', span(keep.pipelines, 'for ever')], ['Artifacts without expire_in are kept', span(keep.artifacts, 'for ever')]));
}

// ---- sections

function section(name, help, ...content) {
	return h('section.panel', {'aria-label': name}, h('header', null, h('h2', null, name), help && h('span.small.dim', null, help)), content);
}

const check = (label, on) => {
	const input = h('input', {type: 'checkbox', checked: on});
	return {input, node: h('label.check', null, input, label)};
};

// A list with a form below that adds to it. open: the button that shows the form.
function list(rows, keyOf, draw, none) {
	const ul = h('ul.list');
	const nothing = h('p.inside.dim', null, none);
	const update = (now) => {
		nothing.hidden = now.length > 0;
		reconcile(ul, now, keyOf, (x) => fill(h('li'), x, () => draw(x)), (li, x) => fill(li, x, () => draw(x)));
	};
	update(rows);
	return {node: [ul, nothing], update};
}

// ---- variables

// base: the calls of these variables; scopes: whether they may be for some environments only
async function variables(title, base, {scopes}) {
	const of = (v) => `${base}/${encodeURIComponent(v.key)}${scopes ? `?filter[environment_scope]=${encodeURIComponent(v.environment_scope)}` : ''}`;
	const again = async () => rows.update(await getAll(base));
	const edited = h('div');
	const edit = (v) => {
		replace(edited, form(v));
		edited.querySelector(v ? 'textarea' : 'input').focus();
	};
	const close = () => {
		replace(edited);
		opener.focus();
	};
	const opener = h('button', {onclick: () => edit(null)}, 'Add a variable');
	const form = (v) => {
		const key = textInput({value: v?.key ?? '', disabled: v !== null});
		const value = h('textarea', {rows: 2, spellcheck: 'false', placeholder: v?.hidden ? 'unchanged' : ''}, v?.value ?? '');
		const scope = textInput({value: v?.environment_scope ?? '*'});
		const description = textInput({value: v?.description ?? '', maxLength: 255});
		const masked = check('masked: hidden in logs; that takes 8 characters or more, in one line, without blanks', v?.masked ?? false);
		const hidden = check('hidden: shown to nobody any more, here neither', v?.hidden ?? false);
		const guarded = check('protected: for protected branches and tags only', v?.protected ?? false);
		const file = check('file: jobs get the path of a file with this in it', v?.variable_type === 'file');
		const expand = check('expanded: $NAME in it stands for another variable', !(v?.raw ?? true));
		const send = async () => {
			const body = {masked: masked.input.checked, protected: guarded.input.checked, variable_type: file.input.checked ? 'file' : 'env_var',
				raw: !expand.input.checked, description: description.value, ...(scopes && {environment_scope: scope.value.trim() || '*'})};
			if (!v?.hidden || value.value !== '') body.value = value.value;
			if (v) await put(of(v), body);
			else await post(base, {...body, key: key.value.trim(), ...(hidden.input.checked && {masked_and_hidden: true})});
			note(`${v ? v.key : key.value.trim()} is saved.`);
			close();
			await again();
		};
		const node = submit(v ? 'Save' : 'Add', send, h('h3', null, v ? `Change ${v.key}` : 'A new variable'),
			field('Name', key), field('Value', value), masked.node, !v && scopes && hidden.node, guarded.node, file.node, expand.node,
			scopes && field('For environments', scope, '* is every one; review/* is those that begin so.'), field('Description', description));
		node.lastElementChild.append(h('button.plain', {onclick: close}, 'Leave it'));
		return h('div.edited', null, node);
	};
	const draw = (v) => {
		const shown = h('code.value', null, v.hidden ? 'hidden' : '••••••');
		const flags = [v.variable_type === 'file' && 'file', v.masked && 'masked', v.protected && 'protected', !v.raw && 'expanded', scopes && v.environment_scope !== '*' && v.environment_scope];
		const eye = h('button.plain', {'aria-pressed': 'false', 'aria-label': `Show the value of ${v.key}`, onclick: () => {
			const on = eye.getAttribute('aria-pressed') === 'false';
			eye.setAttribute('aria-pressed', String(on));
			eye.textContent = on ? 'Hide' : 'Show';
			shown.textContent = on ? v.value : '••••••';
		}}, 'Show');
		return [h('div.grow', null, h('div.row.wrap', null, h('strong.mono', null, v.key), flags.filter(Boolean).map((f) => h('span.badge', null, f))),
			v.description && h('div.small.dim', null, v.description), shown),
		h('div.row.wrap', null, !v.hidden && eye, h('button', {'aria-label': `Change ${v.key}`, onclick: () => edit(v)}, 'Change'),
			twice('Delete', `Delete ${v.key}`, async () => {
				await del(of(v));
				note(`${v.key} is deleted.`);
				await again();
			}))];
	};
	const rows = list(await getAll(base), (v) => `${v.key} ${v.environment_scope}`, draw, 'There are none.');
	return section(title, 'what jobs get in their environment, besides what is in the file', rows.node, edited, h('div.inside', null, opener));
}

// ---- tokens

const BROWSER = 'browser'; // as the server names what a log-in makes
const SCOPES = [['api', 'everything'], ['read_api', 'look at everything'], ['read_repository', 'git fetch'], ['write_repository', 'git push']];

// lists, makes: calls; ends(token): the call that ends it
async function tokens(title, help, {lists, makes, ends}) {
	// where one is logged in comes last
	const all = async () => (await getAll(lists)).filter((t) => t.active).sort((a, b) => (a.name === BROWSER) - (b.name === BROWSER) || b.id - a.id);
	const again = async () => rows.update(await all());
	const draw = (t) => [h('div.grow', null, h('div.row.wrap', null, h('strong', null, t.name), t.scopes.map((s) => h('span.badge', null, s))),
		h('div.small.dim', null, 'made ', since(t.created_at), t.last_used_at ? [', last used ', since(t.last_used_at)] : ', never used', t.expires_at && `, ends ${t.expires_at}`)),
	h('div.row', null, twice('Revoke', `Revoke ${t.name}`, async () => {
		await del(ends(t));
		note(`${t.name} opens nothing any more.`);
		await again();
	}))];
	const rows = list(await all(), (t) => t.id, draw, 'There are none.');
	const name = textInput({maxLength: 255});
	const until = h('input', {type: 'date'});
	const scopes = SCOPES.map(([scope, text]) => ({scope, ...check(`${scope}: ${text}`, scope === 'read_api')}));
	const made = h('div', {'aria-live': 'polite'});
	const send = async () => {
		const it = await post(makes, {name: name.value.trim(), scopes: scopes.filter((s) => s.input.checked).map((s) => s.scope), ...(until.value && {expires_at: until.value})});
		replace(made, h('div.made', null, h('p', null, h('strong', null, `${it.name} is made.`), ' It is shown now and never again:'), copyable(it.token)));
		name.value = '';
		await again();
	};
	return section(title, help, rows.node, h('details.inside', null, h('summary', null, 'Make a token'), submit('Make the token', send, field('Name', name, 'What it is for.'),
		h('fieldset', null, h('legend', null, 'What it may do'), scopes.map((s) => s.node)), field('Ends after', until, 'Without a day it does not end.')), made));
}

// ---- what holds on the server

const SPANS = [[86400, 'day'], [3600, 'hour'], [60, 'minute'], [1, 'second']];

function span(seconds, none) {
	if (seconds === 0) return none;
	const [unit, word] = SPANS.find(([u]) => seconds % u === 0);
	return `${seconds / unit} ${word}${seconds === unit ? '' : 's'}`;
}

function facts(...pairs) {
	return h('div.inside', null, h('dl.facts', null, pairs.map(([name, value]) => [h('dt', null, name), h('dd', null, value)])));
}
