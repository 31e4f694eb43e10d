// One event stream for whatever is wanted. It goes on where it was: after sleep, a lost
// network, or a server that was started again.

const SILENT_MS = 60000; // the server says something every 25 s: who hears nothing has lost it, as after sleep

export class Stream {
	#source = null;
	#topics = '';
	#last = '';
	#timer = null;
	#silence = null;
	#wait = 0;
	#tell;

	constructor(tell) {
		this.#tell = tell;
		self.addEventListener('online', () => this.#again(0));
	}

	want(topics) {
		const now = [...new Set(topics)].sort().map((t) => `of=${encodeURIComponent(t)}`).join('&');
		if (now === this.#topics && this.#source?.readyState === EventSource.OPEN) this.#listens();
		if (now === this.#topics) return;
		this.#topics = now;
		this.#open();
	}

	#listens() {
		this.#tell({type: 'state', state: 'on', topics: this.#topics});
	}

	#open() {
		this.#source?.close();
		this.#source = null;
		clearTimeout(this.#timer);
		clearTimeout(this.#silence);
		if (this.#topics === '') {
			this.#last = '';
			return;
		}
		const source = new EventSource(`/api/pawl/v1/events?${this.#topics}&last_event_id=${encodeURIComponent(this.#last)}`);
		this.#source = source;
		const heard = (e) => {
			if (e?.lastEventId) this.#last = e.lastEventId;
			clearTimeout(this.#silence);
			this.#silence = setTimeout(() => this.#open(), SILENT_MS);
		};
		heard();
		source.addEventListener('alive', heard);
		source.addEventListener('hello', (e) => {
			heard(e);
			this.#wait = 0;
			this.#listens();
		});
		source.addEventListener('change', (e) => {
			heard(e);
			this.#tell({type: 'change', change: JSON.parse(e.data)});
		});
		source.addEventListener('reset', () => this.#tell({type: 'reset'}));
		source.onerror = () => {
			source.close();
			if (source !== this.#source) return;
			this.#tell({type: 'state', state: 'off'});
			this.#again(this.#wait = Math.min(this.#wait * 2 + 500, 10000));
		};
	}

	#again(ms) {
		if (this.#source?.readyState === EventSource.OPEN && ms !== 0) return;
		clearTimeout(this.#timer);
		this.#timer = setTimeout(() => this.#open(), ms * (0.75 + Math.random() / 2));
	}
}
