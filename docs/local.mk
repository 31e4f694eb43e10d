# Pages for users and for whoever changes pawl; the man pages and the completion are made from
# the command tables.
EXTRA_DIST += docs/architecture.md docs/artifacts-and-caches.md docs/executors.md docs/hook.md docs/image-builds.md docs/rest.md docs/run.svg docs/runner.md \
	docs/running.md docs/server.md docs/server-settings.md docs/service.md docs/sources.md docs/variables.md docs/web.md docs/why.md docs/make-picture docs/make-web-pictures \
	docs/web-job.jpg docs/web-pipeline-whole.jpg docs/web-pipelines.jpg docs/web-projects-found.jpg

# one page per command, and pawl(1); a test compares the list with the tables
MAN_PAGES = docs/pawl.1 docs/pawl-artifacts.1 docs/pawl-cancel.1 docs/pawl-expr.1 \
	docs/pawl-graph.1 docs/pawl-hook.1 docs/pawl-lint.1 docs/pawl-list.1 \
	docs/pawl-login.1 docs/pawl-logs.1 docs/pawl-play.1 docs/pawl-retry.1 docs/pawl-run.1 docs/pawl-runner.1 \
	docs/pawl-server.1 docs/pawl-shell.1 docs/pawl-show.1 docs/pawl-status.1 docs/pawl-trigger.1 \
	docs/pawl-why.1
nodist_man_MANS = $(MAN_PAGES)
CLEANFILES += $(MAN_PAGES) docs/pawl.bash

$(MAN_PAGES): pawl$(EXEEXT)
	@mkdir -p docs
	$(AM_V_GEN)name=$(@F); name=$${name%.1}; command=$${name#pawl}; \
	./pawl$(EXEEXT) help --man $${command#-} >$@.tmp && mv $@.tmp $@

completiondir = $(datadir)/bash-completion/completions
nodist_completion_DATA = docs/pawl.bash

docs/pawl.bash: pawl$(EXEEXT)
	@mkdir -p docs
	$(AM_V_GEN)./pawl$(EXEEXT) help --completion >$@.tmp && mv $@.tmp $@

# bash-completion looks a file up by the command's name
install-data-hook:
	cd "$(DESTDIR)$(completiondir)" && mv -f pawl.bash pawl

uninstall-hook:
	rm -f "$(DESTDIR)$(completiondir)/pawl"
