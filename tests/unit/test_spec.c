/* A spec comes out of its text as it went in, and no text brings the reader down. */
#include <check.h>
#include <stdio.h>

#include "runner/supervisor/spec.h"

#define FILE_CONTENT "-----BEGIN\nwith = and \0 inside\n"
#define SECRET "two\nlines\0and a NUL"

static void
fill_cage(struct cage *cage)
{
	struct cage_mount *mount;
	struct cage_service *service;

	strlist_add(&cage->argv, "/usr/bin/crun");
	strlist_add(&cage->argv, "run");
	cage->input = (struct bytes){ "fil\0ter", 7 };
	cage->project_dir = "/builds/group/project";
	cage->files_dir = "/builds/group/project.tmp";
	mount = cage_add_mount(cage, CAGE_MOUNT_OVERLAY, "/state/jobs/17/rootfs");
	strlist_add(&mount->lowers, "/images/layer");
	mount->upper = "/state/jobs/17/root-upper";
	mount->work = "/state/jobs/17/root-work";
	cage_add_mount(cage, CAGE_MOUNT_HIDE, "/sys/fs/cgroup/unified");
	service = cage_add_service(cage, "postgres:15");
	strlist_add(&service->argv, "/usr/bin/crun");
	strlist_add(&service->run, "postgres");
	strlist_add(&service->env, "POSTGRES_PASSWORD=two\nlines");
	strlist_add(&service->health, "pg_isready");
	service->dir = "/";
	service->address = "172.31.255.2";
	strlist_add(&service->ports, "5432");
	cage->service_wait_ms = 30000;
	cage->uplink = "/usr/bin/slirp4netns";
	strlist_add(&cage->locks, "/images/lock");
	strlist_add(&cage->env, "PATH=/bin");
	cage->on_host = cage->makes_group = cage->wants_hello = true;
	cage->open_program = "/usr/bin/crun";
	cage->start_ms = 5000;
	cage->end_ms = 6000;
	cage->gives = true;
	cage->uid = 1000;
	cage->gid = 1001;
}

static void
fill(struct spec *spec)
{
	struct spec_step *step;

	*spec = (struct spec){
		.job_dir = "/state/jobs/17",
		.trace = "/state/logs/17.log",
		.marker = "0123abcd",
		.mode = SPEC_OVERLAY,
		.userns = true,
		.project_dir = "/builds/group/project",
		.upper = "/state/jobs/17/upper",
		.work = "/state/jobs/17/work",
		.timeout_ms = 3600000,
		.grace_ms = 10000,
		.tied = true,
		.collect = true,
		.keep_failed = true,
		.last_line = "all is well\n",
	};
	strlist_add(&spec->lowers, "/layers/top");
	strlist_add(&spec->lowers, "/layers/bottom with space\nand newline");
	strlist_add(&spec->cage.shell, "/bin/bash");
	fill_cage(&spec->cage);
	strlist_add(&spec->env, "A=1");
	strlist_add(&spec->env, "EMPTY=");
	strlist_add(&spec->env, "LINES=one\ntwo 2\nthree");
	spec_add_file(spec, "KEY", FILE_CONTENT, sizeof(FILE_CONTENT) - 1);
	spec_add_mask(spec, SECRET, sizeof(SECRET) - 1);
	step = spec_add_step(spec, "script");
	step->script = (struct bytes){ "set -e\nmake\n", 12 };
	strlist_add(&step->items, "$ make");
	step = spec_add_step(spec, "after_script");
	step->headline = (struct bytes){ "Running after_script\n", 21 };
	step->timeout_ms = 300000;
	step->always = step->on_cancel = step->ignore_failure = step->own_clock = true;
}

static void
write_full(struct buf *out)
{
	struct spec spec;

	fill(&spec);
	spec_write(&spec, out);
	spec_clear(&spec);
}

static int
read_copy(const char *text, size_t len, struct spec *out, struct error *err)
{
	char *copy = xmalloc(len + 1);

	memcpy(copy, text, len);
	copy[len] = '\0';
	return spec_read(copy, len, out, err);
}

START_TEST(text_gives_back_the_spec)
{
	cleanup_buf struct buf text = BUF_INIT, again = BUF_INIT;
	struct error err = ERROR_INIT;
	struct spec got;

	write_full(&text);
	if (read_copy(text.data, text.len, &got, &err) < 0)
		ck_abort_msg("%s", err.msg);
	spec_write(&got, &again);
	ck_assert_uint_eq(again.len, text.len);
	ck_assert_mem_eq(again.data, text.data, text.len);
	ck_assert_str_eq(got.lowers.items[1], "/layers/bottom with space\nand newline");
	ck_assert_str_eq(got.env.items[2], "LINES=one\ntwo 2\nthree");
	ck_assert_str_eq(got.files[0].name, "KEY");
	ck_assert_uint_eq(got.files[0].content.len, sizeof(FILE_CONTENT) - 1);
	ck_assert_mem_eq(got.masks[0].data, SECRET, sizeof(SECRET));
	ck_assert(got.mode == SPEC_OVERLAY && got.userns && got.tied && got.collect &&
	    got.keep_failed);
	ck_assert_str_eq(got.last_line, "all is well\n");
	ck_assert_uint_eq(got.cage.input.len, 7);
	ck_assert_int_eq((int)got.cage.mounts[1].kind, CAGE_MOUNT_HIDE);
	ck_assert_str_eq(
	    got.cage.services[0].env.items[0], "POSTGRES_PASSWORD=two\nlines");
	ck_assert(got.cage.on_host && got.cage.makes_group && got.cage.start_ms == 5000 &&
	    got.cage.end_ms == 6000);
	ck_assert(got.cage.gives && got.cage.uid == 1000 && got.cage.gid == 1001);
	ck_assert(!got.hold && !got.steps[0].always && got.steps[1].own_clock);
	ck_assert_int_eq(got.steps[1].timeout_ms, 300000);
	spec_clear(&got);
}
END_TEST

START_TEST(text_cut_anywhere_is_refused)
{
	cleanup_buf struct buf text = BUF_INIT;

	write_full(&text);
	for (size_t len = 0; len < text.len; len++) {
		struct error err = ERROR_INIT;
		struct spec got;

		ck_assert_msg(read_copy(text.data, len, &got, &err) == ERR_INVALID,
		    "cut at %zu of %zu", len, text.len);
		ck_assert_str_ne(err.msg, "");
		spec_clear(&got);
	}
}
END_TEST

/* Whatever a byte becomes: an answer, and no access to what is not ours. */
START_TEST(changed_byte_is_survived)
{
	static const char bytes[] = "\0\n 9-=\xff";
	cleanup_buf struct buf text = BUF_INIT;

	write_full(&text);
	for (size_t at = 0; at < text.len; at++) {
		for (size_t i = 0; i < sizeof(bytes) - 1; i++) {
			char was = text.data[at];
			struct error err = ERROR_INIT;
			struct spec got;
			int rc;

			text.data[at] = bytes[i];
			rc = read_copy(text.data, text.len, &got, &err);
			ck_assert(rc == 0 || rc == ERR_INVALID);
			spec_clear(&got);
			text.data[at] = was;
		}
	}
}
END_TEST

#define HEAD "v 1\n1\n"
#define WHOLE                                                                            \
	HEAD "job_dir 1\n/\ntrace 2\n/t\nmarker 1\nm\nproject_dir 1\n/\nshell 1\ns\n"

static const struct {
	const char *text, *message;
} refused[] = {
	{ "", "the spec ends inside a record's head" },
	{ "v 1\n2\n", "the spec has version 2, this supervisor knows 1" },
	{ "job_dir 1\n/\n", "the spec does not begin with a version" },
	{ HEAD "colour 3\nred\n", "spec record \"colour\" is not known" },
	{ HEAD "job_dir 99\n/\n", "spec record \"job_dir\" is cut off" },
	{ HEAD "job_dir 99999999999999999999\n/\n",
	    "spec record \"job_dir\": no length" },
	{ HEAD "job_dir -1\n/\n", "spec record \"job_dir\": no length" },
	{ HEAD "job_dir \n/\n", "spec record \"job_dir\": no length" },
	{ HEAD "job_dir 1\n/x\n", "spec record \"job_dir\" does not end where it says" },
	{ HEAD "mode 1\n9\n", "spec record \"mode\" has a wrong value" },
	{ HEAD "timeout_ms 2\n-5\n", "spec record \"timeout_ms\" has a wrong value" },
	{ HEAD "tied 1\n2\n", "spec record \"tied\" has a wrong value" },
	{ HEAD "script 1\nx\n",
	    "spec record \"script\" has a wrong value" }, /* no step */
	{ HEAD "file 3\nKEY\n", "spec record \"file\" has a wrong value" },
	{ HEAD "file 7\n../x=ab\n", "spec record \"file\" has a wrong value" },
	{ HEAD "file 4\n..=x\n", "spec record \"file\" has a wrong value" },
	{ HEAD "end 0\n\n", "the spec lacks job_dir" },
	{ HEAD "job_dir 2\nab\nend 0\n\n", "the spec lacks job_dir" },
	{ HEAD "job_dir 1\n/\nend 0\n\nx", "bytes after the end of the spec" },
	{ HEAD "job_dir 1\n/\ntrace 2\n/t\nmarker 1\nm\nproject_dir 1\n/\nshell 1\ns\n"
	       "mode 1\n2\nend 0\n\n",
	    "the spec lacks lower, upper and work" },
	{ HEAD "mount_source 1\n/\n",
	    "spec record \"mount_source\" has a wrong value" }, /* no mount */
	{ HEAD "service_port 1\n1\n",
	    "spec record \"service_port\" has a wrong value" }, /* no service */
	{ HEAD "mount 2\n/m\nmount_kind 1\n9\n",
	    "spec record \"mount_kind\" has a wrong value" },
	{ WHOLE "cage 1\nc\nend 0\n\n", "the spec lacks inner_dir and inner_files" },
	{ WHOLE "mount 2\n/m\nmount_kind 1\n1\nend 0\n\n",
	    "the spec lacks a mount's parts" },
	{ WHOLE "service 1\ns\nend 0\n\n", "the spec lacks a service's parts" },
};

START_TEST(wrong_text_is_named)
{
	struct error err = ERROR_INIT;
	struct spec got;

	ck_assert_int_eq(
	    read_copy(refused[_i].text, strlen(refused[_i].text), &got, &err),
	    ERR_INVALID);
	ck_assert_str_eq(err.msg, refused[_i].message);
	spec_clear(&got);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("spec");
	TCase *tc = tcase_create("spec");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(tc, text_gives_back_the_spec);
	tcase_add_test(tc, text_cut_anywhere_is_refused);
	tcase_add_test(tc, changed_byte_is_survived);
	tcase_add_loop_test(tc, wrong_text_is_named, 0, ARRAY_LEN(refused));
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
