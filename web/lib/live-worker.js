// Keeps the one stream of all tabs, and passes on to each what it has asked for.

import {Stream} from './live-stream.js';

const ports = new Map();
let state = 'off';

const stream = new Stream((message) => {
	if (message.type === 'state') state = message.state;
	for (const port of ports.keys()) port.postMessage(message);
});

function wanted() {
	stream.want([...ports.values()].flat());
}

self.onconnect = (e) => {
	const port = e.ports[0];
	ports.set(port, []);
	port.onmessage = (m) => {
		ports.set(port, m.data.topics);
		if (m.data.topics.length > 0) port.postMessage({type: 'state', state});
		wanted();
	};
};
