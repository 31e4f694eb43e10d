# The pages: plain ES modules and CSS, one line per file. They are compiled into the server.
WEB_FILES =
WEB_FILES += web/app.css
WEB_FILES += web/app.js
WEB_FILES += web/index.html
WEB_FILES += web/lib/api.js
WEB_FILES += web/lib/forms.js
WEB_FILES += web/lib/graph.js
WEB_FILES += web/lib/live-stream.js
WEB_FILES += web/lib/live-worker.js
WEB_FILES += web/lib/log-view.js
WEB_FILES += web/lib/log.js
WEB_FILES += web/lib/parts.js
WEB_FILES += web/pages/job.js
WEB_FILES += web/pages/artifacts.js
WEB_FILES += web/pages/editor.js
WEB_FILES += web/pages/login.js
WEB_FILES += web/pages/pipeline.js
WEB_FILES += web/pages/pipelines.js
WEB_FILES += web/pages/projects.js
WEB_FILES += web/pages/queue.js
WEB_FILES += web/pages/run.js
WEB_FILES += web/pages/settings.js
WEB_FILES += web/pawl.svg

noinst_LIBRARIES += libweb.a
libweb_a_SOURCES = web/files.h
nodist_libweb_a_SOURCES = web/files.c

web/files.c: $(WEB_FILES) build-aux/embed build-aux/shorten
	@mkdir -p web
	$(AM_V_GEN)$(srcdir)/build-aux/embed $(addprefix $(srcdir)/,$(WEB_FILES)) >$@.tmp && mv $@.tmp $@

CLEANFILES += web/files.c
EXTRA_DIST += build-aux/embed build-aux/shorten $(WEB_FILES)
