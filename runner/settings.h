/*
 * What a runner is told: by a YAML file, the command line and the environment. The file
 * is checked, with line numbers:
 *
 *   concurrent: 4                # jobs at the same time
 *   name: builder-1
 *   state: /var/lib/pawl-runner
 *   executor: auto               # or container, custom, docker, sandbox, shell
 *   runtime: /usr/bin/crun       # of containers; or runc
 *   pull_policy: always          # or if-not-present, never
 *   privileged: false
 *   volumes: [/certs/client]
 *   limits: {memory: 2g, cpus: 1.5, pids: 4096}   # of each job
 *   custom: {run_exec: /opt/driver/run}       # of the executor custom
 *   docker: {host: unix:///run/docker.sock}    # of the executor docker
 *   network: host                # or none: jobs in a sandbox reach nothing
 *   log_format: text             # or json
 *   layers:                      # what is kept for later jobs, above all trees and
 * caches high_gb: 50                # when it is more, the longest unused goes low_gb: 40
 * # until it is this much days: 30                   # unused for so long it goes in any
 * case servers:
 *     - url: https://ci.example.org
 *       token_file: /etc/pawl/runner-token    # or token: glrt-…
 */
#ifndef RUNNER_SETTINGS_H
#define RUNNER_SETTINGS_H

#include "executors/limits.h"
#include "pipelines/diag.h"
#include "runner/layer_gc.h"

#define SETTINGS_MAX_BYTES ((size_t)1 << 20)
#define SETTINGS_MAX_CONCURRENT 1000

struct runner_server {
	const char *url, *token; /* after settings_complete() both are there */
	const char *token_file;
	const char *unix_socket; /* instead of the URL's host and port */
	const char *repos_dir;   /* the server's repositories, on this machine */
	const char *ca_file, *cert_file, *key_file;
	struct mark at; /* where the file speaks of it */
};

struct runner_settings {
	struct arena *arena; /* the caller's; strings live in it */
	int64_t concurrent;  /* 0: not said */
	const char *name, *state_dir, *executor;
	const char *log_format; /* of log_formats; NULL: not said */
	bool offline;           /* jobs in a cage have no network */
	bool privileged;        /* containers may do what root may */
	const char **volumes;   /* of containers, executors/volume.h */
	size_t volume_count;
	const char *runtime, *pull_policy;                          /* NULL: not said */
	const char *docker_host, *docker_cert_dir, *docker_network; /* NULL: not said */
	const struct custom_settings
	    *custom;                /* executors/custom/custom.h; NULL: not said */
	struct layer_limits layers; /* 0: not said */
	struct limits limits;       /* of each job */
	struct cache_remote *cache; /* runner/cache_remote.h; NULL: not said */
	/* executors/container/image_store.h; NULL: not said */
	const struct image_registries *images;
	struct runner_server *servers;
	size_t server_count, server_cap;
};

/* Findings go to diags; out gets what could be read. file is the name in findings. */
void settings_read(const char *text, size_t len, const char *file,
    struct runner_settings *out, struct diags *diags);

/* A server more. */
struct runner_server *settings_add_server(struct runner_settings *s);

/*
 * What is missing gets its usual value: concurrent is the number of processors, name the
 * machine's, the state folder ${XDG_STATE_HOME:-~/.local/state}/pawl-runner, or
 * /var/lib/pawl-runner for root; a token comes from its file or from
 * $PAWL_RUNNER_TOKEN. ERR_INVALID names what is wrong.
 */
MUST_CHECK int settings_complete(struct runner_settings *s, struct error *err);

/* The one of log_formats that is this word; NULL: none is. */
const char *settings_log_format(const char *word);

/* A server as the file has it. */
void settings_write_server(const struct runner_server *server, struct buf *out);

#endif
