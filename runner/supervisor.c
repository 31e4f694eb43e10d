/* Starting pawl-supervise and speaking with it. */
#include "runner/supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

#include "base/descriptors.h"
#include "runner/job_file.h"
#include "runner/launcher.h"
#include "runner/supervisor/wire.h"
#include "runner/sweep.h"

struct packet {
	size_t len;
	struct wire_message message; /* only len bytes of it are allocated */
};

struct supervisor {
	uv_loop_t *loop;
	struct launcher *launcher;
	struct supervisor_events events;
	uv_poll_t talk, death;
	uv_timer_t later;
	int handles; /* that are not closed yet */
	bool has_handles, is_over, is_released, is_tied, is_adopted;
	int socket, pidfd;
	pid_t pid;
	int exit_status; /* of the supervisor, as wait() gives it */

	char *marker, *trace, *job_dir;
	uint64_t trace_bytes, told_bytes;
	bool has_result;
	struct wire_result result;
	struct error error; /* why there is no result */

	struct packet **unsent;
	size_t unsent_count, unsent_cap;
};

struct supervisor *
supervisor_new(struct uv_loop_s *loop, struct launcher *launcher,
    const struct supervisor_events *events)
{
	struct supervisor *s = xcalloc(1, sizeof(*s));

	s->loop = loop;
	s->launcher = launcher;
	s->events = *events;
	s->socket = s->pidfd = -1;
	return s;
}

static void on_closed(uv_handle_t *handle);

/* The job goes on without us; the supervisor reads the end of its socket. */
static void
leave(struct supervisor *s)
{
	uv_handle_t *const handles[] = { (uv_handle_t *)&s->talk,
		(uv_handle_t *)&s->death, (uv_handle_t *)&s->later };

	s->is_over = true;
	for (size_t i = 0; i < ARRAY_LEN(handles); i++)
		if (handles[i]->data != NULL && !uv_is_closing(handles[i]))
			uv_close(handles[i], on_closed);
}

void
supervisor_free(struct supervisor *s)
{
	if (s == NULL)
		return;
	s->is_released = true;
	if (s->has_handles && !s->is_over)
		leave(s);
	if (s->has_handles)
		return; /* on_closed() comes back to it */
	for (size_t i = 0; i < s->unsent_count; i++)
		free(s->unsent[i]);
	free(s->unsent);
	free(s->marker);
	free(s->job_dir);
	free(s->trace);
	free(s);
}

/* ---- the end --------------------------------------------------------------- */

static const enum reason reasons[] = {
	[WIRE_SUCCESS] = REASON_NONE,
	[WIRE_SCRIPT_FAILURE] = REASON_SCRIPT_FAILURE,
	[WIRE_TIMEOUT] = REASON_JOB_EXECUTION_TIMEOUT,
	[WIRE_CANCELED] = REASON_JOB_CANCELED,
	[WIRE_SYSTEM_FAILURE] = REASON_RUNNER_SYSTEM_FAILURE,
	[WIRE_WORKSPACE_FAILURE] = REASON_RUNNER_SYSTEM_FAILURE,
};

static struct supervisor_result
translate_result(const struct supervisor *s)
{
	const struct wire_result *w = &s->result;
	struct supervisor_result r = {
		.reason = w->verdict < WIRE_VERDICT_COUNT ? reasons[w->verdict]
							  : REASON_UNKNOWN_FAILURE,
		.exit_code = w->exit_code,
		.signal = w->signal,
		.step = w->step,
		.item = w->item,
		.workspace_failed = w->verdict == WIRE_WORKSPACE_FAILURE,
		.tidies_up = s->is_tied && w->verdict != WIRE_WORKSPACE_FAILURE,
		.kept = w->kept != 0,
		.trace_bytes = s->trace_bytes,
		.trace_crc32 = w->trace_crc32,
		.started_us = w->started_us,
		.finished_us = w->finished_us,
		.duration_us = w->duration_us,
		.cpu_us = w->cpu_us,
		.peak_rss_bytes = w->peak_rss_bytes,
		.read_bytes = w->read_bytes,
		.written_bytes = w->written_bytes,
	};

	(void)snprintf(r.message, sizeof(r.message), "%.*s", (int)sizeof(w->message) - 1,
	    w->message);
	return r;
}

static uint64_t
trace_size(const struct supervisor *s)
{
	struct stat st;

	return s->trace != NULL && stat(s->trace, &st) == 0 ? (uint64_t)st.st_size : 0;
}

/* One that ended while we knocked never heard us; its file says how the job ended. */
static bool
read_outcome(const struct supervisor *s, struct supervisor_result *r)
{
	struct job_outcome outcome;
	struct error ignored = ERROR_INIT;

	if (!s->is_adopted || job_outcome_read(s->job_dir, &outcome, &ignored) < 0)
		return false;
	*r = (struct supervisor_result){ .reason = outcome.reason,
		.exit_code = outcome.exit_code,
		.step = -1,
		.item = -1,
		.trace_bytes = trace_size(s),
		.cpu_us = outcome.usage.cpu_us,
		.peak_rss_bytes = outcome.usage.peak_bytes,
		.read_bytes = outcome.usage.read_bytes,
		.written_bytes = outcome.usage.written_bytes };
	memcpy(r->message, outcome.message, sizeof(r->message));
	return true;
}

/* The supervisor is gone without a word: what it would have tidied up is our work. */
static void
clean_up_after(struct supervisor *s, struct supervisor_result *r)
{
	if (s->error.code == 0 && WIFSIGNALED(s->exit_status))
		error_set(&s->error, ERR_FOREIGN,
		    "the supervisor of the job was ended by "
		    "signal %d",
		    WTERMSIG(s->exit_status));
	else if (s->error.code == 0)
		error_set(&s->error, ERR_FOREIGN,
		    "the supervisor of the job ended without a result (status %d)",
		    WEXITSTATUS(s->exit_status));
	if (s->marker != NULL)
		sweep_processes(s->job_dir, s->marker);
	*r = (struct supervisor_result){
		.reason = REASON_RUNNER_SYSTEM_FAILURE,
		.step = -1,
		.item = -1,
		.trace_bytes = trace_size(s),
	};
	(void)snprintf(r->message, sizeof(r->message), "%.500s", s->error.msg);
}

/* Once; s is still there afterwards, for its handles. */
static void
report_done(struct supervisor *s)
{
	struct supervisor_result r;

	if (s->is_over)
		return;
	r = translate_result(s);
	s->is_over = true;
	if (!s->has_result && !read_outcome(s, &r))
		clean_up_after(s, &r);
	if (s->events.on_done != NULL)
		s->events.on_done(s, &r, s->events.data);
}

static void
on_closed(uv_handle_t *handle)
{
	struct supervisor *s = handle->data;

	if (--s->handles > 0)
		return;
	cleanup_close_fd(&s->socket);
	cleanup_close_fd(&s->pidfd);
	s->socket = s->pidfd = -1;
	report_done(s);
	s->has_handles = false;
	if (s->is_released)
		supervisor_free(s);
}

static void
on_death(uv_poll_t *poll, int status, int events)
{
	struct supervisor *s = poll->data;

	(void)status;
	(void)events;
	if (waitpid(s->pid, &s->exit_status, WNOHANG) == 0)
		return;
	uv_close((uv_handle_t *)&s->death, on_closed);
}

/* ---- words from the supervisor --------------------------------------------- */

static void
tell_trace(struct supervisor *s)
{
	if (s->trace_bytes == s->told_bytes)
		return;
	s->told_bytes = s->trace_bytes;
	if (s->events.on_trace != NULL)
		s->events.on_trace(s, s->trace_bytes, s->events.data);
}

static void
on_message(struct supervisor *s, const struct wire_message *m, int fd)
{
	cleanup_close int workspace = fd;
	struct supervisor_result so_far;

	s->trace_bytes = m->head.trace_bytes;
	if (m->head.type != WIRE_TRACE)
		tell_trace(s);
	switch (m->head.type) {
	case WIRE_STEP:
		if (s->events.on_step != NULL)
			s->events.on_step(s, m->head.number, s->events.data);
		break;
	case WIRE_READY:
		if (s->events.on_ready != NULL)
			s->events.on_ready(s, take_fd(&workspace), s->events.data);
		break;
	case WIRE_COLLECT:
		s->result = m->body.result;
		so_far = translate_result(s);
		if (s->events.on_collect != NULL)
			s->events.on_collect(
			    s, take_fd(&workspace), &so_far, s->events.data);
		break;
	case WIRE_RESULT:
		s->result = m->body.result;
		s->has_result = true;
		break;
	default:
		break; /* WIRE_TRACE: told after the last of them */
	}
}

static size_t
message_size(uint16_t type)
{
	return sizeof(struct wire_header) +
	    (type == WIRE_COLLECT || type == WIRE_RESULT ? sizeof(struct wire_result)
							 : 0);
}

/* One message; 0 at the end, -1 when there is none now. */
static int
receive(struct supervisor *s)
{
	struct wire_message m;
	int fd;
	ssize_t n = descriptors_receive(
	    s->socket, &m, sizeof(m.head) + sizeof(m.body.result), &fd, 1, MSG_DONTWAIT);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? -1 : 0;
	if (n == 0)
		return 0;
	if ((size_t)n >= sizeof(m.head) && m.head.version == WIRE_VERSION &&
	    (size_t)n >= message_size(m.head.type))
		on_message(s, &m, fd);
	else
		cleanup_close_fd(&fd);
	return 1;
}

static void on_talk(uv_poll_t *poll, int status, int events);

/* ---- words to the supervisor ----------------------------------------------- */

static void
watch_socket(struct supervisor *s)
{
	int events = UV_READABLE | (s->unsent_count > 0 ? UV_WRITABLE : 0);

	if (!uv_is_closing((uv_handle_t *)&s->talk))
		uv_poll_start(&s->talk, events, on_talk);
}

static void
send_unsent(struct supervisor *s)
{
	size_t done = 0;

	for (; done < s->unsent_count; done++) {
		struct packet *p = s->unsent[done];

		if (send(s->socket, &p->message, p->len, MSG_DONTWAIT | MSG_NOSIGNAL) <
			0 &&
		    (errno == EAGAIN || errno == ENOBUFS || errno == EINTR))
			break;
		free(p); /* sent, or nobody is there: the end of the socket tells */
	}
	s->unsent_count -= done;
	memmove(s->unsent, s->unsent + done, s->unsent_count * sizeof(struct packet *));
}

static void
tell(struct supervisor *s, enum wire_type type, const char *text, size_t len)
{
	struct packet *p;

	if (s->socket < 0)
		return; /* not started, or over */
	p = xcalloc(1, offsetof(struct packet, message.body) + len);
	p->len = sizeof(p->message.head) + len;
	p->message.head =
	    (struct wire_header){ .version = WIRE_VERSION, .type = (uint16_t)type };
	if (len > 0)
		memcpy(p->message.body.text, text, len);
	GROW(s->unsent, s->unsent_count, s->unsent_cap);
	s->unsent[s->unsent_count++] = p;
	send_unsent(s);
	if (s->unsent_count > 0)
		watch_socket(s);
}

static void
on_talk(uv_poll_t *poll, int status, int events)
{
	struct supervisor *s = poll->data;
	int more = 1;

	if (status == 0 && (events & UV_WRITABLE) != 0) {
		send_unsent(s);
		watch_socket(s);
	}
	while (more > 0)
		more = receive(s);
	tell_trace(s);
	if (s->has_result)
		report_done(s); /* its last breath need not be waited for */
	if ((more == 0 || s->has_result) && !uv_is_closing((uv_handle_t *)poll))
		uv_close((uv_handle_t *)poll, on_closed);
	/* one that is kept outlives us */
	if (s->has_result && s->result.kept != 0 &&
	    !uv_is_closing((uv_handle_t *)&s->death))
		uv_close((uv_handle_t *)&s->death, on_closed);
}

void
supervisor_log(struct supervisor *s, const char *text, size_t len)
{
	while (len > 0) {
		size_t n = len < WIRE_TEXT_MAX ? len : WIRE_TEXT_MAX;

		tell(s, WIRE_LOG, text, n);
		text += n;
		len -= n;
	}
}

void
supervisor_begin(struct supervisor *s)
{
	tell(s, WIRE_START, NULL, 0);
}

void
supervisor_finish(struct supervisor *s)
{
	tell(s, WIRE_FINISH, NULL, 0);
}

void
supervisor_cancel(struct supervisor *s, bool force)
{
	tell(s, force ? WIRE_KILL : WIRE_CANCEL, NULL, 0);
}

/* ---- the beginning --------------------------------------------------------- */

/* The spec as a file in memory that nobody can change any more. */
static int
spec_file(const struct spec *spec, struct error *err)
{
	cleanup_close int fd = memfd_create("spec", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	cleanup_buf struct buf text = BUF_INIT;

	spec_write(spec, &text);
	for (size_t done = 0; fd >= 0 && done < text.len;) {
		ssize_t n = write(fd, text.data + done, text.len - done);

		if (n < 0)
			return error_errno(err, "cannot hold the job's spec in memory");
		done += (size_t)n;
	}
	explicit_bzero(text.data, text.len); /* it holds secrets */
	if (fd < 0 ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0)
		return error_errno(err, "cannot hold the job's spec in memory");
	return take_fd(&fd);
}

static int
launch(struct supervisor *s, const struct spec *spec, int lock_fd, struct error *err)
{
	cleanup_close int spec_fd = spec_file(spec, err), theirs = -1;
	struct launch_files files = {
		.spec = spec_fd, .lock = lock_fd, .program = spec->cage.program
	};
	int pair[2], rc;

	if (spec_fd < 0)
		return spec_fd;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return error_errno(err, "cannot create a socket");
	s->socket = pair[0];
	files.socket = theirs = pair[1];
	rc = launcher_start(s->launcher, spec->marker, &files, &s->pid, err);
	if (rc < 0)
		return rc;
	s->pidfd = (int)syscall(SYS_pidfd_open, s->pid, 0);
	if (s->pidfd < 0) {
		rc = error_errno(err, "cannot watch the supervisor");
		kill(s->pid, SIGKILL);
		waitpid(s->pid, &s->exit_status, 0);
		return rc;
	}
	return 0;
}

static void
on_later(uv_timer_t *timer)
{
	uv_close((uv_handle_t *)timer, on_closed);
}

static void
watch(struct supervisor *s)
{
	s->has_handles = true;
	s->handles = 2;
	s->talk.data = s->death.data = s;
	uv_poll_init(s->loop, &s->talk, s->socket);
	uv_poll_init(s->loop, &s->death, s->pidfd);
	uv_poll_start(&s->talk, UV_READABLE, on_talk);
	uv_poll_start(&s->death, UV_READABLE, on_death);
}

void
supervisor_start(struct supervisor *s, const struct spec *spec, int lock_fd)
{
	s->marker = xstrdup(spec->marker);
	s->job_dir = xstrdup(spec->job_dir);
	s->trace = xstrdup(spec->trace);
	s->is_tied = spec->tied;
	s->has_handles = true;
	if (launch(s, spec, lock_fd, &s->error) < 0) {
		/* told from the loop, never from inside this call */
		s->handles = 1;
		s->later.data = s;
		uv_timer_init(s->loop, &s->later);
		uv_timer_start(&s->later, on_later, 0, 0);
		return;
	}
	watch(s);
}

/* ---- taking over ----------------------------------------------------------- */

int
supervisor_knock(const char *job_dir, struct error *err)
{
	cleanup_close int dir = open(job_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	cleanup_close int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	struct sockaddr_un at = { .sun_family = AF_UNIX };

	(void)snprintf(at.sun_path, sizeof(at.sun_path), "/proc/self/fd/%d/%s", dir,
	    SPEC_SOCKET_NAME);
	if (dir < 0 || fd < 0)
		return error_errno(err, "cannot look into %s", job_dir);
	if (connect(fd, (const struct sockaddr *)&at, sizeof(at)) < 0)
		return error_set(err, ERR_MISSING, "no supervisor listens in %s: %s",
		    job_dir, strerror(errno));
	return take_fd(&fd);
}

/* The kernel tells whom the socket belongs to: a number in a file may be somebody else's.
 */
static int
pidfd_of(int socket, pid_t *pid, struct error *err)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);
	int fd;

	if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0)
		return error_errno(err, "cannot tell who the supervisor is");
	fd = (int)syscall(SYS_pidfd_open, peer.pid, 0);
	if (fd < 0 && errno == ESRCH)
		return error_set(err, ERR_MISSING, "the supervisor has just ended");
	if (fd < 0)
		return error_errno(err, "cannot watch the supervisor");
	*pid = peer.pid;
	return fd;
}

int
supervisor_adopt(struct supervisor *s, const char *job_dir, const char *marker,
    const char *trace, struct error *err)
{
	cleanup_close int socket = supervisor_knock(job_dir, err), pidfd = -1;

	if (socket < 0)
		return socket;
	pidfd = pidfd_of(socket, &s->pid, err);
	if (pidfd < 0)
		return pidfd;
	s->socket = take_fd(&socket);
	s->pidfd = take_fd(&pidfd);
	s->marker = xstrdup(marker);
	s->job_dir = xstrdup(job_dir);
	s->trace = xstrdup(trace);
	s->is_adopted = true;
	watch(s);
	return 0;
}
