# Pages for users and for whoever changes pawl; the man pages and the completion are made from
# the command tables.
EXTRA_DIST += docs/architecture.md docs/artifacts-and-caches.md docs/running.md \
	docs/variables.md docs/why.md docs/make-picture
