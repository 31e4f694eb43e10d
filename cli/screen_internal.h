/* What the screen's files share; nobody else includes this. */
#ifndef CLI_SCREEN_INTERNAL_H
#define CLI_SCREEN_INTERNAL_H

#include "base/map.h"
#include "cli/lines.h"
#include "cli/screen.h"

#define SCREEN_NAME_MAX 32   /* columns; longer names push the text */
#define SCREEN_TAIL 10       /* last lines kept per job, for the report on a failure */
#define SCREEN_TAIL_MAX 2000 /* bytes of each */

struct shown_job {
	struct screen *screen;
	int64_t id;
	char *name;
	int color;
	struct lines lines;
	struct buf tail[SCREEN_TAIL];
	size_t tail_count; /* lines so far */
	bool tail_frozen;  /* what follows is the runner's, not the script's */
	enum status status;
	int64_t started_us;
};

struct screen {
	struct screen_options options;
	size_t width; /* of job names */
	bool utf8, broken;
	int64_t now_us;
	struct shown_job **jobs;
	size_t count, cap;
	struct map jobs_by_id;
	size_t live_lines; /* drawn below, to be erased before the next line */
	struct screen_artifact {
		char *job, *text;
	} * artifacts; /* for the summary */
	size_t artifact_count, artifact_cap;
	struct buf out;
};

struct shown_job *screen_find(const struct screen *s, int64_t id);
void screen_erase_live(struct screen *s);
void screen_color(struct screen *s, int code); /* SGR; nothing without colours */
void screen_prefix(struct screen *s, const struct shown_job *job);
const char *screen_status_word(const struct screen_job *job);
int screen_status_color(const struct screen_job *job);
void screen_duration(int64_t us, char *out, size_t size); /* "0.12 s", "1 m 05 s" */

/* screen_json.c */
void screen_json_line(
    struct screen *s, const struct shown_job *job, const char *line, size_t len);
void screen_json_job(struct screen *s, const struct screen_job *job);
void screen_json_message(struct screen *s, const char *text);
void screen_json_started(struct screen *s, int64_t id, const char *name, const char *ref,
    const char *sha, const char *plan_hash, size_t job_count);
void screen_json_finished(
    struct screen *s, int64_t id, enum status status, bool warnings, int64_t duration_us);
void screen_json_artifacts(
    struct screen *s, const char *job, const char *path, size_t files, int64_t bytes);

#endif
