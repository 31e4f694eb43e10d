/*
 * The services of a job: containers of their own, started before its first step and gone
 * with it. What they say is kept in memory, its end at least, for who asks why one does
 * not answer.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runner/supervisor/usage.h"

#define STEP_MAIN 0
#define STEP_HEALTH 1
#define TAIL_KEPT ((size_t)4096)
#define LINE_MAX_SHOWN ((size_t)16384)
#define LOOK_EVERY_MS 20
#define END_LIMIT_MS 10000
#define YELLOW "\033[0;33m"
#define PLAIN "\033[0;m"

static const struct cage_service *
what(const struct supervision *s, size_t i)
{
	return &s->spec.cage.services[i];
}

/* ---- what they say --------------------------------------------------------- */

/* Whole lines: what was printed piece by piece may be a secret that is to be masked. */
static void
show(struct supervision *s, size_t i, const char *text, size_t len)
{
	struct buf *line = &s->services[i].line;
	cleanup_buf struct buf lines = BUF_INIT;

	for (const char *at = text, *end = text + len; at < end;) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		size_t n = newline == NULL ? (size_t)(end - at) : (size_t)(newline - at);

		buf_add(line, at, n);
		at += n + 1;
		if (newline == NULL && line->len < LINE_MAX_SHOWN)
			break;
		buf_printf(&lines, "[service:%s] ", what(s, i)->name);
		buf_add(&lines, line->data, line->len);
		buf_add_char(&lines, '\n');
		buf_reset(line);
	}
	if (lines.len == 0)
		return;
	trace_add(&s->trace, lines.data, lines.len);
	supervision_tell(s, WIRE_TRACE);
}

static void
show_rest(struct supervision *s, size_t i)
{
	if (s->services[i].line.len > 0)
		show(s, i, "\n", 1);
}

void
services_read(struct supervision *s, size_t i)
{
	struct service *service = &s->services[i];
	char piece[4096];
	ssize_t n = read(service->output, piece, sizeof(piece));

	if (n <= 0) {
		if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
			show_rest(s, i);
			close(take_fd(&service->output));
		}
		return;
	}
	if (s->spec.cage.shows_services)
		show(s, i, piece, (size_t)n);
	buf_add(&service->tail, piece, (size_t)n);
	if (service->tail.len > 2 * TAIL_KEPT) {
		size_t gone = service->tail.len - TAIL_KEPT;

		memmove(service->tail.data, service->tail.data + gone, TAIL_KEPT);
		service->tail.len = TAIL_KEPT;
	}
}

/* ---- starting them --------------------------------------------------------- */

/* Where it belongs: in its own network, or, on_host, wherever its program puts it. */
static int
start_there(
    struct supervision *s, size_t i, const struct cage_start *how, struct error *err)
{
	struct cage_process *process = &s->services[i].process;

	if (s->spec.cage.on_host)
		return cage_process_start(process, how, err) < 0
		    ? err->code
		    : cage_say_hello(s, process, err);
	if (network_go(s->network.services[i], err) < 0 ||
	    cage_process_start(process, how, err) < 0)
		return err->code;
	return network_go(s->network.home, err);
}

static int
start(struct supervision *s, size_t i, struct error *err)
{
	struct service *service = &s->services[i];
	char **env = cage_environment(s);
	struct cage_start how = { .argv = &what(s, i)->argv,
		.open_program = s->spec.cage.open_program,
		.env = env,
		.input = what(s, i)->input,
		.group = usage_group(s) };
	int fds[2], rc;

	if (pipe2(fds, O_CLOEXEC) < 0) {
		supervision_free_strings(env);
		return error_errno(err, "cannot create a pipe");
	}
	service->output = fds[0];
	(void)fcntl(fds[0], F_SETFL, O_NONBLOCK);
	how.output = fds[1];
	rc = start_there(s, i, &how, err);
	close(fds[1]);
	supervision_free_strings(env);
	return rc;
}

static char **
list_argv(const struct strlist *list)
{
	char **argv = xcalloc(list->count + 1, sizeof(*argv));

	for (size_t k = 0; k < list->count; k++)
		argv[k] = xstrdup(list->items[k]);
	return argv;
}

/* The job's variables, without what its own image brought, and the service's. */
static char **
environment(const struct supervision *s, size_t i)
{
	const struct strlist *job = &s->spec.env, *own = &what(s, i)->env;
	char **env = xcalloc(job->count + own->count + 1, sizeof(*env));
	size_t n = 0;

	for (size_t k = 0; k < own->count; k++)
		env[n++] = xstrdup(own->items[k]);
	for (size_t k = 0; k < job->count; k++)
		if (!strlist_has(&s->spec.cage.env, job->items[k]) &&
		    !strlist_names(own, job->items[k]))
			env[n++] = xstrdup(job->items[k]);
	return env;
}

static int
run(struct supervision *s, size_t i, uint32_t number, const struct strlist *list,
    struct error *err)
{
	char **argv = list_argv(list), **env = environment(s, i);
	struct cage_run how = { .type = INIT_RUN,
		.number = number,
		.name = what(s, i)->name,
		.dir = what(s, i)->dir,
		.argv = argv,
		.env = env,
		.script = -1 };
	int rc = cage_process_run(&s->services[i].process, &how, err);

	supervision_free_strings(argv);
	supervision_free_strings(env);
	return rc;
}

/* ---- are they ready -------------------------------------------------------- */

static bool
answers(const struct cage_service *service, const char *port)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)strtoul(port, NULL, 10)) };
	cleanup_close int fd =
	    socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct pollfd wait = { .fd = fd, .events = POLLOUT };
	int failed = 0;
	socklen_t len = sizeof(failed);

	if (fd < 0 || inet_pton(AF_INET, service->address, &to.sin_addr) != 1)
		return false;
	if (connect(fd, (const struct sockaddr *)&to, sizeof(to)) == 0)
		return true;
	return errno == EINPROGRESS && poll(&wait, 1, LOOK_EVERY_MS) == 1 &&
	    getsockopt(fd, SOL_SOCKET, SO_ERROR, &failed, &len) == 0 && failed == 0;
}

/* GitLab's runner takes any of the exposed ports for a sign, too. */
static bool
one_answers(const struct cage_service *service)
{
	for (size_t i = 0; i < service->ports.count; i++)
		if (answers(service, service->ports.items[i]))
			return true;
	return service->ports.count == 0;
}

/* One look; a health check is started, and asked for its end the next time. */
static bool
is_ready(struct supervision *s, size_t i)
{
	struct service *service = &s->services[i];
	struct cage_step *health = &service->process.steps[STEP_HEALTH];
	struct error ignored = ERROR_INIT;

	if (what(s, i)->health.count == 0)
		return one_answers(what(s, i));
	if (health->runs)
		return false;
	if (service->asked && health->failed == 0 && health->status == 0)
		return true;
	service->asked = run(s, i, STEP_HEALTH, &what(s, i)->health, &ignored) == 0;
	return false;
}

static bool
has_ended(const struct service *service)
{
	return service->process.pid == 0 || !service->process.steps[STEP_MAIN].runs;
}

static void
look(struct supervision *s, size_t i)
{
	struct service *service = &s->services[i];
	struct error err = ERROR_INIT;

	if (service->state == SERVICE_STARTS && service->process.stands)
		service->state = run(s, i, STEP_MAIN, &what(s, i)->run, &err) < 0
		    ? SERVICE_FAILED
		    : SERVICE_RUNS;
	if (service->state == SERVICE_STARTS && service->process.pid == 0)
		service->state = SERVICE_FAILED;
	if (service->state != SERVICE_RUNS)
		return;
	if (has_ended(service))
		service->state = SERVICE_FAILED;
	else if (is_ready(s, i))
		service->state = SERVICE_READY;
}

static void
describe_end(const struct service *service, char *out, size_t size)
{
	const struct cage_step *step = &service->process.steps[STEP_MAIN];

	if (!service->process.stands)
		(void)snprintf(out, size, "its container could not be started");
	else if (step->failed != 0 && strchr(step->text, ' ') != NULL)
		(void)snprintf(out, size, "%s", step->text);
	else if (step->failed != 0)
		(void)snprintf(
		    out, size, "cannot start %s: %s", step->text, strerror(step->failed));
	else if (step->was_cut)
		(void)snprintf(out, size, "its container ended");
	else if (WIFSIGNALED(step->status))
		(void)snprintf(
		    out, size, "it was ended by signal %d", WTERMSIG(step->status));
	else
		(void)snprintf(
		    out, size, "it ended with exit code %d", WEXITSTATUS(step->status));
}

static void
describe_silence(
    const struct cage_service *service, int64_t waited_s, char *out, size_t size)
{
	cleanup_buf struct buf ports = BUF_INIT;

	for (size_t k = 0; k < service->ports.count; k++)
		buf_printf(&ports, "%s%s", k > 0 ? ", " : "", service->ports.items[k]);
	if (ports.len == 0)
		(void)snprintf(out, size,
		    "its health check did not pass within %" PRId64 " s", waited_s);
	else if (service->ports.count == 1)
		(void)snprintf(out, size,
		    "its port %s did not answer within %" PRId64 " s", buf_str(&ports),
		    waited_s);
	else
		(void)snprintf(out, size,
		    "none of its ports %.200s answered within %" PRId64 " s",
		    buf_str(&ports), waited_s);
}

static void
warn(struct supervision *s, size_t i)
{
	struct service *service = &s->services[i];
	char why[400];

	if (service->state == SERVICE_FAILED)
		describe_end(service, why, sizeof(why));
	else
		describe_silence(
		    what(s, i), s->spec.cage.service_wait_ms / 1000, why, sizeof(why));
	trace_printf(&s->trace,
	    YELLOW "WARNING: service %s probably did not start properly: %s" PLAIN
		   "\nThe last it said:\n",
	    what(s, i)->name, why);
	if (service->tail.len > 0)
		trace_add(&s->trace, service->tail.data, service->tail.len);
	trace_printf(
	    &s->trace, "%s\n", service->tail.len == 0 ? "(nothing)" : "--------");
	supervision_tell(s, WIRE_TRACE);
}

static bool
is_settled(const struct service *service)
{
	return service->state == SERVICE_READY || service->state == SERVICE_FAILED;
}

static void
wait_for_all(struct supervision *s)
{
	size_t count = s->spec.cage.service_count;
	int64_t until_ms = supervision_now_ms() + s->spec.cage.service_wait_ms;

	for (;;) {
		size_t settled = 0;

		for (size_t i = 0; i < count; i++) {
			look(s, i);
			settled += is_settled(&s->services[i]);
		}
		if (settled == count || s->killed || s->canceled ||
		    supervision_now_ms() >= until_ms)
			break;
		supervision_pump(s, supervision_now_ms() + LOOK_EVERY_MS);
	}
	for (size_t i = 0; i < count && !s->canceled; i++)
		if (s->services[i].state != SERVICE_READY)
			warn(s, i);
}

int
services_start(struct supervision *s, struct error *err)
{
	size_t count = s->spec.cage.service_count;

	if (count == 0)
		return 0;
	s->services = xcalloc(count, sizeof(*s->services));
	s->service_count = count;
	for (size_t i = 0; i < count; i++)
		s->services[i] =
		    (struct service){ .process = CAGE_PROCESS_INIT, .output = -1 };
	for (size_t i = 0; i < count; i++) {
		trace_printf(&s->trace, "Starting service %s...\n", what(s, i)->name);
		if (start(s, i, err) < 0)
			return error_wrap(err, "service %s", what(s, i)->name);
	}
	trace_printf(&s->trace,
	    "Waiting for services to be up and running (timeout %" PRId64
	    " seconds)...\n",
	    s->spec.cage.service_wait_ms / 1000);
	supervision_tell(s, WIRE_TRACE);
	wait_for_all(s);
	return 0;
}

/* ---- their end ------------------------------------------------------------- */

void
services_end(struct supervision *s)
{
	int64_t limit_ms = s->spec.cage.end_ms > 0 ? s->spec.cage.end_ms : END_LIMIT_MS;
	int64_t until_ms = supervision_now_ms() + limit_ms;
	size_t left = s->service_count;

	for (size_t i = 0; i < s->service_count; i++) {
		usage_forget(s, &s->services[i].process);
		cage_process_close(&s->services[i].process);
	}
	while (left > 0 && supervision_now_ms() < until_ms) {
		left = 0;
		for (size_t i = 0; i < s->service_count; i++)
			left += s->services[i].process.pid != 0;
		if (left > 0)
			supervision_pump(s, until_ms);
	}
	for (size_t i = 0; i < s->service_count; i++) {
		if (s->services[i].process.pid != 0)
			kill(s->services[i].process.pid, SIGKILL);
		cleanup_close_fd(&s->services[i].output);
		show_rest(s, i);
		buf_clear(&s->services[i].line);
		buf_clear(&s->services[i].tail);
	}
	s->service_count = 0;
	free(take(s->services));
}
