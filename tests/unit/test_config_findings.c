/*
 * What is said about a pipeline that is wrong: each text gives exactly these findings.
 * JOB stands for a complete job, so that a row shows only what it is about.
 */
#include <check.h>

#include "base/str.h"
#include "tests/unit/built.h"

#define JOB "j: {script: x}\n"

struct row {
	const char *yaml, *want;
};

static const struct row top[] = {
	{ "[a]",
	    "ci.yml:1:1: error: a pipeline must be a map of jobs and keywords, not a list\n" },
	{ "image: alpine",
	    "ci.yml:1:1: error: there is no job; add one, such as `build:` with a `script:`\n" },
	{ ".hidden: 5\n" JOB, "" },
	{ JOB "varaibles: {A: b}",
	    "ci.yml:2:1: error: `varaibles` is neither a keyword of the top level nor a job; did you mean `variables`?\n" },
	{ JOB "lines: [a, b]",
	    "ci.yml:2:1: error: `lines` is neither a keyword of the top level nor a job; a job is a map with `script`, `run` or `trigger`, and this is a list; if it is for anchors, extends or !reference, name it `.lines`\n" },
	{ "jjjj:\n",
	    "ci.yml:1:1: error: `jjjj` is neither a keyword of the top level nor a job; nothing is under it: indent the job's keywords below its name\n" },
	{ "defaults: {image: x}",
	    "ci.yml:1:1: error: job \"defaults\": there is nothing to run; add `script`, `run` or `trigger`; did you mean `default`?\n" },
	{ "j: {extends: [.unknown]}", "" }, /* said by whoever resolves extends */
	{ "script: [make]\n" JOB,
	    "ci.yml:1:1: error: `script` is neither a keyword of the top level nor a job; it is a keyword of jobs: put it under a job's name\n" },
	{ JOB "stages: []", "ci.yml:2:9: error: stages must not be empty\n" },
	{ JOB "stages: [1, test]",
	    "ci.yml:2:10: error: stages must be a list of strings, but an entry is an integer; put it in quotes\n" },
	{ JOB "stages: test",
	    "ci.yml:2:9: error: stages must be a list of strings, not a string; write it as a list: [\"test\"]\n" },
	{ JOB "default: {script: x}",
	    "ci.yml:2:11: error: default must not have `script`; it may have after_script, artifacts, before_script, cache, hooks, id_tokens, identity, image, interruptible, retry, services, tags or timeout\n" },
	{ JOB "default: {imgae: x}",
	    "ci.yml:2:11: error: default has the unknown key `imgae`; did you mean `image`?\n" },
	{ JOB "default: {image: a}\nimage: b",
	    "ci.yml:3:1: error: `image` is given under `default` and at the top level; keep the one under `default`\n" },
	{ JOB "default:\nimage:\nstages:\nvariables:\nworkflow:",
	    "" }, /* null: not given */
	{ JOB "workflow: {rules: [{if: $A, when: manual}]}",
	    "ci.yml:2:35: error: workflow:rules:when has the unknown value \"manual\"; it may be always or never\n" },
	{ JOB "workflow: {auto_cancel: {on_new_commit: all}}",
	    "ci.yml:2:41: error: workflow:auto_cancel:on_new_commit has the unknown value \"all\"; it may be conservative, interruptible or none\n" },
	{ JOB "spec: {inputs: {a: {}}}",
	    "ci.yml:2:1: error: `spec` must stand in a header of its own: put a line `---` between it and the rest of the file\n" },
};

static const struct row jobs[] = {
	{ "j: {scirpt: x}",
	    "ci.yml:1:5: error: job \"j\": unknown keyword `scirpt`; did you mean `script`?\n" },
	{ "j: {script: x, Before-Script: y}",
	    "ci.yml:1:16: error: job \"j\": unknown keyword `Before-Script`; did you mean `before_script`?\n" },
	{ "j: {script: x, zzzz: y}",
	    "ci.yml:1:16: error: job \"j\": unknown keyword `zzzz`; a job has no such keyword\n" },
	{ "j: {script: x, stages: y}",
	    "ci.yml:1:16: error: job \"j\": `stages` belongs to the top level of the file, not into a job; did you mean `stage`?\n" },
	{ "j: {stage: test}",
	    "ci.yml:1:1: error: job \"j\": there is nothing to run; add `script`, `run` or `trigger`\n" },
	{ "j: {}",
	    "ci.yml:1:1: error: job \"j\": there is nothing to run; add `script`, `run` or `trigger`\n" },
	{ "j: {script: }",
	    "ci.yml:1:1: error: job \"j\": there is nothing to run; add `script`, `run` or `trigger`\n" },
	{ "j: {script: []}",
	    "ci.yml:1:13: error: job \"j\": script must not be empty; a job needs a command to run\n" },
	{ "j: {script: \"\"}",
	    "ci.yml:1:13: error: job \"j\": script must not be empty; a job needs a command to run\n" },
	{ "j: {script: [[]]}",
	    "ci.yml:1:13: error: job \"j\": script must not be empty; a job needs a command to run\n" },
	{ "j: {script: [\"\"]}", "" }, /* real projects have it, and GitLab runs it */
	{ "j: {script: x, before_script: []}", "" },
	{ "j: {script: [\"a: b\", {c: d}]}",
	    "ci.yml:1:22: error: job \"j\": script has a line that YAML reads as a map, because of the `: ` in it; put the line in quotes\n" },
	{ "j: {script: [a, 5, yes]}",
	    "ci.yml:1:17: error: job \"j\": script has a line that YAML reads as an integer; put it in quotes\n"
	    "ci.yml:1:20: error: job \"j\": script has a line that YAML reads as a boolean; put it in quotes\n" },
	{ "j: {script: [[[[[[[[[[a]]]]]]]]]]}", "" },
	{ "j: {script: [[[[[[[[[[[a]]]]]]]]]]]}",
	    "ci.yml:1:23: error: job \"j\": script has lists nested more than 10 levels deep\n" },
	{ "j: {script: x, run: [{name: a, script: b}]}",
	    "ci.yml:1:16: error: job \"j\": `run` cannot be used together with `script`, `before_script` or `after_script`; keep one of them\n"
	    "ci.yml:1:21: warning: job \"j\": this job has `run:` steps, which pawl does not run; say the same as a `script:`\n" },
	{ "j: {script: x, trigger: a/b}",
	    "ci.yml:1:5: error: job \"j\": `script` and `trigger` exclude each other: a trigger job starts a pipeline and runs nothing itself; remove one\n" },
	{ "j: {trigger: a/b, when: delayed}",
	    "ci.yml:1:19: error: job \"j\": a trigger job must not be delayed\n"
	    "ci.yml:1:19: error: job \"j\": `when: delayed` needs `start_in`; say how long to wait, such as start_in: \"30 minutes\"\n" },
	{ "j: {script: x, when: never}",
	    "ci.yml:1:22: error: job \"j\": when has the unknown value \"never\"; it may be on_success, on_failure, always, manual or delayed\n" },
	{ "j: {script: x, when: on_sucess}",
	    "ci.yml:1:22: error: job \"j\": when has the unknown value \"on_sucess\"; did you mean `on_success`?\n" },
	{ "j: {script: x, when: delayed, start_in: 8 days}",
	    "ci.yml:1:41: error: job \"j\": start_in is \"8 days\", at most 1 week is allowed\n" },
	{ "j: {script: x, start_in: 1 day}",
	    "ci.yml:1:16: error: job \"j\": `start_in` needs `when: delayed`; add it, or remove `start_in`\n" },
	{ "j: {script: x, rules: [{when: always}], start_in: 1 day}\nworkflow: {rules: [{when: always}]}",
	    "ci.yml:1:41: error: job \"j\": `start_in` cannot be used together with `rules`; put it into the rule with `when: delayed`\n" },
	{ "j: {script: x, tags: linux}",
	    "ci.yml:1:22: error: job \"j\": tags must be a list of strings, not a string; write it as a list: [\"linux\"]\n" },
	{ "j: {script: x, tags: [], needs: [], dependencies: [], artifacts: {paths: []}}",
	    "" },
	{ "j: {script: x, retry: 3}",
	    "ci.yml:1:23: error: job \"j\": retry is 3, it must be 0 to 2\n" },
	{ "j: {script: x, retry: two}",
	    "ci.yml:1:23: error: job \"j\": retry must be a whole number or a map with `max`, not a string\n" },
	{ "j: {script: x, retry: {max: 1, when: script_failed}}",
	    "ci.yml:1:38: error: job \"j\": retry:when has the unknown value \"script_failed\"; did you mean `script_failure`?\n" },
	{ "j: {script: x, timeout: 3600}",
	    "ci.yml:1:25: error: job \"j\": timeout must be a duration such as \"90 minutes\", not an integer; write the number with its unit\n" },
	{ "j: {script: x, timeout: soon}",
	    "ci.yml:1:25: error: job \"j\": timeout must be a duration such as \"1h 30m\" or \"2 days\", not \"soon\"\n" },
	{ "j: {script: x, allow_failure: \"yes\"}",
	    "ci.yml:1:31: error: job \"j\": allow_failure must be true or false, or a map with `exit_codes`, not a string; leave out the quotes\n" },
	{ "j: {script: x, allow_failure: yes}", "" },
	{ "j: {script: x, allow_failure: {exit_codes: a}}",
	    "ci.yml:1:44: error: job \"j\": allow_failure:exit_codes must be a whole number or a list of them, not a string\n" },
	{ "j: {script: x, interruptible: 1}",
	    "ci.yml:1:31: error: job \"j\": interruptible must be true or false, not an integer\n" },
	{ "j: {script: x, coverage: \"\\\\d+%\"}",
	    "ci.yml:1:26: error: job \"j\": coverage must be a regular expression between slashes, such as '/Total: (\\d+%)/', not \"\\d+%\"\n" },
	{ "j: {script: x, resource_group: /a}",
	    "ci.yml:1:32: error: job \"j\": resource_group must not start or end with `/`\n" },
	{ "j: {script: x, inherit: {default: [imag]}}",
	    "ci.yml:1:36: error: job \"j\": inherit:default has the unknown value \"imag\"; did you mean `image`?\n" },
	{ "j: {script: x, variables: [a]}",
	    "ci.yml:1:27: error: job \"j\": variables must be a map of names and values, not a list\n" },
	{ "j: {script: x, variables: {A: [b]}}",
	    "ci.yml:1:31: error: job \"j\": variables:A must be a string or number, not a list\n" },
	{ "j: {script: x, variables: {A: {value: b, description: c}}}",
	    "ci.yml:1:42: error: job \"j\": variables:A has the unknown key `description`; it may have value or expand\n" },
	{ "j: {script: x, variables: {A-B: c}}",
	    "ci.yml:1:28: warning: job \"j\": variables:A-B: a variable's name should have letters, digits and _ only; shells cannot read this one\n" },
	{ "j: {script: x}\nvariables: {A: {value: a, options: [b, c]}}",
	    "ci.yml:2:24: error: variables:A has the value \"a\", which is not among its `options`\n" },
};

static const struct row results[] = {
	{ "j: {script: x, image: 3.9}",
	    "ci.yml:1:23: error: job \"j\": image must be an image name or a map with `name`, not a number; put it in quotes\n" },
	{ "j: {script: x, image: {entrypoint: [\"\"]}}",
	    "ci.yml:1:23: error: job \"j\": image lacks `name`, which is required\n" },
	{ "j: {script: x, services: postgres}",
	    "ci.yml:1:26: error: job \"j\": services must be a list of images, not a string; write it as a list: [\"postgres\"]\n" },
	{ "j: {script: x, artifacts: [dist/]}",
	    "ci.yml:1:27: error: job \"j\": artifacts must be a map, not a list; put what to keep under `paths:`\n" },
	{ "j: {script: x, artifacts: {paths: dist/}}",
	    "ci.yml:1:35: error: job \"j\": artifacts:paths must be a list of strings, not a string; write it as a list: [\"dist/\"]\n" },
	{ "j: {script: x, artifacts: {reports: {junti: a.xml}}}",
	    "ci.yml:1:38: error: job \"j\": artifacts:reports has the unknown report type `junti`; did you mean `junit`?\n" },
	{ "j: {script: x, artifacts: {expire_in: 5}}",
	    "ci.yml:1:39: error: job \"j\": artifacts:expire_in must be a duration such as \"90 minutes\", not an integer; write the number with its unit\n" },
	{ "j: {script: x, artifacts: {expire_in: never}}", "" },
	{ "j: {script: x, artifacts: {expose_as: a}}",
	    "ci.yml:1:27: error: job \"j\": artifacts has `expose_as` but no `paths` to expose\n" },
	{ "j: {script: x, artifacts: {expose_as: \"a/b\", paths: [c]}}",
	    "ci.yml:1:39: error: job \"j\": artifacts has the title \"a/b\"; `expose_as` may have 100 letters, digits, `-`, `_` and spaces\n" },
	{ "j: {script: x, artifacts: {public: true, access: all}}",
	    "ci.yml:1:27: error: job \"j\": artifacts has both `public` and `access`; keep one, `access` is the newer\n" },
	{ "j: {script: x, cache: {key: a/b}}",
	    "ci.yml:1:29: error: job \"j\": cache:key is \"a/b\"; a key must not contain `/`: use `-` or $CI_COMMIT_REF_SLUG\n" },
	{ "j: {script: x, cache: {key: .%2E}}",
	    "ci.yml:1:29: error: job \"j\": cache:key is \".%2E\"; a key must not consist of dots only\n" },
	{ "j: {script: x, cache: {key: {prefix: a}}}",
	    "ci.yml:1:29: error: job \"j\": cache:key lacks `files`, a list of the files whose content makes the key\n" },
	{ "j: {script: x, cache: {policy: $P}}", "" },
	{ "j: {script: x, cache: [[{paths: [a]}], [[{paths: [b]}]]]}", "" },
	{ "j: {script: x, cache: [{}, {}, {}, {}, {}]}",
	    "ci.yml:1:23: error: job \"j\": cache has 5 caches, at most 4 are allowed\n" },
	{ "j: {script: x, environment: {url: a}}",
	    "ci.yml:1:29: error: job \"j\": environment lacks `name`, which is required\n"
	    "ci.yml:1:35: warning: job \"j\": environment:url should start with http:// or https://\n" },
	{ "j: {script: x, environment: \"a#b\"}",
	    "ci.yml:1:29: error: job \"j\": environment is \"a#b\"; a name has letters, digits, spaces, `-`, `_`, `/`, `.` and variables only\n" },
	{ "j: {script: x, environment: {name: a, action: halt}}",
	    "ci.yml:1:47: error: job \"j\": environment:action has the unknown value \"halt\"; it may be start, prepare, stop, verify or access\n" },
	{ "j: {script: x, release: {tag_name: v1}}",
	    "ci.yml:1:25: error: job \"j\": release lacks `description`, which is required\n"
	    "ci.yml:1:25: warning: job \"j\": this job has `release:`, and pawl makes no releases; make it in the `script:`\n" },
	{ "j: {script: x, id_tokens: {T: {}}}",
	    "ci.yml:1:27: warning: job \"j\": this job has `id_tokens:`, which pawl does not issue, so their variables would be missing; inherit:default leaves out those of `default`\n"
	    "ci.yml:1:31: error: job \"j\": id_tokens:T lacks `aud`, which is required\n" },
	{ "j: {script: x, inputs: {a: {type: number, default: b}}}",
	    "ci.yml:1:52: error: job \"j\": inputs:a has a default that is a string, but its type is number\n" },
	{ "j: {script: x, inputs: {a: {}}}",
	    "ci.yml:1:28: error: job \"j\": inputs:a must have a `default`\n" },
};

static const struct row triggers[] = {
	{ "j: {trigger: slug}",
	    "ci.yml:1:14: error: job \"j\": trigger must be a project such as group/project or a variable, not \"slug\"\n" },
	{ "j: {trigger: {strategy: depend}}",
	    "ci.yml:1:14: error: job \"j\": trigger must have one of `project` or `include`\n" },
	{ "j: {trigger: {include: [a.yml, b.yml, c.yml, d.yml]}}",
	    "ci.yml:1:24: error: job \"j\": trigger:include has 4 files, at most 3 are allowed\n" },
	{ "j: {trigger: {include: a.yml, branch: b}}",
	    "ci.yml:1:14: error: job \"j\": trigger has `branch`, which is for `project` only; a child pipeline runs on this commit\n" },
	{ "j: {trigger: {include: a.yml, inputs: {b: c}}}",
	    "ci.yml:1:14: warning: job \"j\": trigger:inputs is for `project`; put it beside the file in `include`\n" },
	{ "j: {trigger: {include: [{artifact: a.yml}]}}",
	    "ci.yml:1:25: error: job \"j\": trigger:include has `artifact` but no `job`; name the job that makes the file\n" },
	{ "j: {trigger: {include: [{local: a.yml, template: b.yml}]}}",
	    "ci.yml:1:25: error: job \"j\": trigger:include must have exactly one of local, artifact, project, component, remote or template\n" },
	{ "j: {trigger: a/b, tags: [c]}",
	    "ci.yml:1:19: error: job \"j\": `tags` and `trigger` exclude each other: a trigger job starts a pipeline and runs nothing itself; remove one\n" },
	{ "j: {needs: {pipeline: a/b}}", "" }, /* shows the status of that pipeline */
};

static const struct row rules[] = {
	{ "j: {script: x, rules: {if: $A}}",
	    "ci.yml:1:23: error: job \"j\": rules must be a list of rules, not a map; start each rule with `- `\n" },
	{ "j: {script: x, rules: [$A]}",
	    "ci.yml:1:24: error: job \"j\": rules must be a list of maps such as `- if: ...`, but an entry is a string\n" },
	{ "j: {script: x, rules: [{}]}",
	    "ci.yml:1:24: error: job \"j\": rules has an empty rule; remove it\n" },
	{ "j: {script: x, rules: [[[{if: $A}]], {if: $B}]}", "" },
	{ "j: {script: x, rules: [~, {if: $B}]}",
	    "ci.yml:1:24: warning: job \"j\": rules has an empty entry\n" },
	{ "j: {script: x, rules: []}", "" },
	{ "j: {script: x, rules: , only: [main]}", "" },
	{ "j: {script: x, rules: [{if: [$A]}]}",
	    "ci.yml:1:29: error: job \"j\": rules:if must be one expression as a string, not a list\n" },
	{ "j: {script: x, rules: [{if: $A = \"b\"}]}",
	    "ci.yml:1:29: error: job \"j\": rules:if has invalid expression syntax: unexpected \"=\" at character 4; write == to compare\n" },
	{ "j: {script: x, rules: [{when: manul, if: $A}]}",
	    "ci.yml:1:31: error: job \"j\": rules:when has the unknown value \"manul\"; did you mean `manual`?\n" },
	{ "j: {script: x, rules: [{if: $A, when: delayed}]}",
	    "ci.yml:1:24: error: job \"j\": rules has `when: delayed` without `start_in`; say how long to wait, such as start_in: \"30 minutes\"\n" },
	{ "j: {script: x, rules: [{if: $A, start_in: 1 day}]}",
	    "ci.yml:1:24: error: job \"j\": rules has `start_in` without `when: delayed`; add it, or remove start_in\n" },
	{ "j: {script: x, rules: [{if: $A, allow_failure: {exit_codes: 1}}]}",
	    "ci.yml:1:48: error: job \"j\": rules:allow_failure must be true or false, not a map\n" },
	{ "j: {script: x, rules: [{changes: a.c}]}",
	    "ci.yml:1:34: error: job \"j\": rules:changes must be a list of strings, not a string; write it as a list: [\"a.c\"]\n" },
	{ "j: {script: x, rules: [{changes: [[a.c]]}]}",
	    "ci.yml:1:35: error: job \"j\": rules:changes must be a list of strings, but an entry is a list; lists in lists are not allowed here\n" },
	{ "j: {script: x, rules: [{exists: {project: a/b}}]}",
	    "ci.yml:1:33: error: job \"j\": rules:exists lacks `paths`, a list of globs\n" },
	{ "j: {script: x, rules: [{changes: {regexp: a}}]}",
	    "ci.yml:1:43: error: job \"j\": rules:changes:regexp is not supported; name the files with globs under `paths`\n" },
	{ "j: {script: x, rules: [{if: $A, variables: {B: {value: c}}}]}",
	    "ci.yml:1:48: error: job \"j\": rules:variables:B must be a string or number here; `value`, `expand` and the like are for the variables of jobs and of the top level\n" },
	{ "j: {script: x, rules: [{if: $A}], only: [main]}",
	    "ci.yml:1:35: error: job \"j\": `only` cannot be used together with `rules`; say it as a rule\n" },
	{ "j: {script: x, rules: [{if: $A}, {when: always}]}",
	    "ci.yml:1:34: warning: job \"j\": the last rule is `when` alone and there are no workflow:rules, so one push may start two pipelines; add workflow:rules or a condition\n" },
	{ "j: {script: x, rules: [{if: }]}",
	    "ci.yml:1:29: warning: job \"j\": rules:if is empty, so it holds always\n" },
	{ "j: {script: x, only: main}",
	    "ci.yml:1:22: error: job \"j\": only must be a list of refs or a map, not a string; write it as a list: [\"main\"]\n" },
	{ "j: {script: x, except: {variables: [$A ==]}}",
	    "ci.yml:1:37: error: job \"j\": except:variables has invalid expression syntax: a value is missing at the end\n" },
	{ "j: {script: x, only: [/^v, /^w/, /^x/@a/b, main]}",
	    "ci.yml:1:23: error: job \"j\": only has the pattern /^v, which lacks the slash at its end; `\\/` is a slash inside\n" },
};

static const struct row fits[] = {
	{ "j: {script: x, stage: tset}",
	    "ci.yml:1:23: error: job \"j\": stage \"tset\" does not exist; did you mean \"test\"?; the stages are .pre, build, test, deploy, .post\n" },
	{ "stages: [a]\nj: {script: x}",
	    "ci.yml:2:1: error: job \"j\": has no `stage`, and the usual one, \"test\", is not in `stages`; the stages are .pre, a, .post\n" },
	{ "stages: [a]\nj: {script: x, stage: a}\nk: {script: x, stage: b, needs: [j], dependencies: [j]}",
	    "ci.yml:3:23: error: job \"k\": stage \"b\" does not exist; the stages are .pre, a, .post\n" },
	{ "stages: [a, b, c, d, e, f, g, h, i, j, k, l, m, n]\nj: {script: x}",
	    "ci.yml:2:1: error: job \"j\": has no `stage`, and the usual one, \"test\", is not in `stages`; the stages are .pre, a, b, c, d, e, f, g, h, i, j, k and 4 more\n" },
	{ JOB "k: {script: x, needs: [jj]}",
	    "ci.yml:2:24: error: job \"k\": needs \"jj\", which is no job\n" },
	{ "job: {script: x}\nk: {script: x, needs: [jbo]}",
	    "ci.yml:2:24: error: job \"k\": needs \"jbo\", which is no job; did you mean \"job\"?\n" },
	{ JOB ".h: {script: x}\nk: {script: x, needs: [.h]}",
	    "ci.yml:3:24: error: job \"k\": needs \".h\", which is no job; hidden jobs never run\n" },
	{ JOB "k: {script: x, needs: [{job: jj, optional: true}]}", "" },
	{ JOB "k: {script: x, stage: build, needs: [j]}",
	    "ci.yml:2:38: error: job \"k\": needs \"j\", which is in the later stage \"test\"; a job may need jobs of its own or earlier stages\n" },
	{ JOB "k: {script: x, needs: [j, {job: j, artifacts: false}]}",
	    "ci.yml:2:27: error: job \"k\": needs \"j\" twice; remove one\n" },
	{ JOB "k: {script: x, rules: [{if: $A, needs: [z]}]}",
	    "ci.yml:2:41: error: job \"k\": needs \"z\", which is no job\n" },
	{ "a: {script: x, needs: [a]}",
	    "ci.yml:1:24: error: job \"a\": needs itself; remove that need\n" },
	{ "a: {script: x, needs: [b]}\nb: {script: x, needs: [c]}\nc: {script: x, needs: [a]}",
	    "ci.yml:3:24: error: job \"a\": waits for itself: \"a\" needs \"b\" needs \"c\" needs \"a\"; remove one of these needs\n" },
	{ JOB "k: {script: x, dependencies: [jj]}",
	    "ci.yml:2:30: error: job \"k\": `dependencies` has \"jj\", which is no job\n" },
	{ JOB "k: {script: x, stage: build, dependencies: [j]}",
	    "ci.yml:2:44: error: job \"k\": `dependencies` has \"j\", which is in the later stage \"test\"; only jobs of this or earlier stages have artifacts by then\n" },
	{ JOB "i: {script: x}\nk: {script: x, needs: [j], dependencies: [i]}",
	    "ci.yml:3:28: error: job \"k\": `dependencies` has \"i\", which is not in `needs`; add it there, too\n" },
	{ JOB "i: {script: x}\nk: {script: x, needs: [], dependencies: [i]}", "" },
	{ "a: {script: x, environment: {name: e, on_stop: s}}",
	    "ci.yml:1:29: error: job \"a\": environment:on_stop names \"s\", which is no job\n" },
	{ "a: {script: x, environment: {name: e, on_stop: s}}\ns: {script: x}",
	    "ci.yml:1:29: error: job \"a\": environment:on_stop names \"s\", which has no `environment`; give it the same name and `action: stop`\n" },
	{ "a: {script: x, environment: {name: e, on_stop: s}}\ns: {script: x, environment: f}",
	    "ci.yml:1:29: error: job \"a\": environment:on_stop names \"s\", whose environment is \"f\", not \"e\"; they must be the same\n" },
	{ "a: {script: x, environment: {name: e, on_stop: s}}\ns: {script: x, environment: e}",
	    "ci.yml:1:29: error: job \"a\": environment:on_stop names \"s\", whose environment lacks `action: stop`\n" },
	{ "a: {script: x, environment: {name: e, on_stop: s}}\ns: {script: x, environment: {name: e, action: stop}}",
	    "" },
	{ "a: {script: x, needs: b}",
	    "ci.yml:1:23: error: job \"a\": needs must be a list of jobs, not a string; write it as a list: [\"b\"]\n" },
	{ "a: {script: x, needs: [{project: a/b, job: c}]}",
	    "ci.yml:1:24: error: job \"a\": needs lacks `ref`, which is required\n" },
	{ "a: {script: x, needs: [{job: b, parallel: 10}]}",
	    "ci.yml:1:24: error: job \"a\": needs \"b\", which is no job\n"
	    "ci.yml:1:43: error: job \"a\": needs:parallel must be a map, not an integer\n" },
};

static const struct row parallels[] = {
	{ "a: {script: x, parallel: 0}",
	    "ci.yml:1:26: error: job \"a\": parallel is 0, it must be 1 to 200\n" },
	{ "a: {script: x, parallel: \"3\"}",
	    "ci.yml:1:26: error: job \"a\": parallel must be a whole number or a map with `matrix`, not a string; leave out the quotes\n" },
	{ "a: {script: x, parallel: {}}",
	    "ci.yml:1:26: error: job \"a\": parallel lacks `matrix`, which is required\n" },
	{ "a: {script: x, parallel: {matrix: {A: [b]}}}",
	    "ci.yml:1:35: error: job \"a\": parallel:matrix must be a list of maps of names and values, not a map; start it with `- `\n" },
	{ "a: {script: x, parallel: {matrix: [{A: []}]}}",
	    "ci.yml:1:40: error: job \"a\": parallel:matrix:A must not be empty\n" },
	{ "a: {script: x, parallel: {matrix: [{A-B: c}]}}",
	    "ci.yml:1:37: error: job \"a\": parallel:matrix has the key `A-B`; a variable's name has letters, digits and _ only\n" },
	{ "a: {script: x, parallel: {matrix: [{A: [1,2,3,4,5,6,7,8,9,0,1,2,3,4,5], B: [1,2,3,4,5,6,7,8,9,0,1,2,3,4]}]}}",
	    "ci.yml:1:35: error: job \"a\": parallel:matrix makes more than 200 jobs, which is the limit\n" },
	{ "a: {script: x, parallel: {matrix: [{A: [1, 2], B: [3]}]}}\nb: {script: x, needs: [{job: a, parallel: {matrix: [{B: 3, A: 1}]}}]}",
	    "ci.yml:2:24: error: job \"b\": `needs` selects \"a: [3, 1]\", which `parallel` of \"a\" does not make; give its keys in the same order and values it has\n" },
	{ "a: {script: x}\nb: {script: x, needs: [{job: a, parallel: {matrix: [{A: 1}]}}]}",
	    "ci.yml:2:24: error: job \"b\": `needs` selects instances of \"a\", which has no `parallel`\n" },
	{ "a: {script: x, parallel: 51}\nb: {script: x, needs: [a]}",
	    "ci.yml:2:24: error: job \"b\": needs 51 jobs, at most 50 are allowed; instances of parallel jobs count one by one\n" },
};

static void
check_rows(const struct row *row)
{
	struct built b = build_text(row->yaml, false);
	cleanup_free char *got = built_findings(&b);

	ck_assert_msg(
	    str_eq(got, row->want), "%s\ngot:\n%swant:\n%s", row->yaml, got, row->want);
	ck_assert_msg((b.config != NULL) == (strstr(row->want, "error:") == NULL),
	    "%s: result and findings disagree", row->yaml);
	built_free(&b);
}

#define TABLE(name)                                                                      \
	START_TEST(finds_in_##name)                                                      \
	{                                                                                \
		check_rows(&name[_i]);                                                   \
	}                                                                                \
	END_TEST

TABLE(top)
TABLE(jobs)
TABLE(results)
TABLE(triggers)
TABLE(rules)
TABLE(fits)
TABLE(parallels)

/* One mistake in what many jobs share is one finding. */
START_TEST(shared_mistake_is_said_once)
{
	struct built b =
	    build_text(".r: &r [{if: 5}]\na: {script: x, rules: *r}\n"
		       "b: {script: x, rules: *r}\nc: {script: x, rules: *r}",
		false);

	ck_assert_uint_eq(b.diags.count, 1);
	ck_assert_str_eq(b.diags.items[0].job, "a");
	built_free(&b);
}
END_TEST

/* What needs the whole pipeline is left out for fragments. */
START_TEST(shape_leaves_logic_out)
{
	struct built b =
	    build_text("a: {stage: nowhere, needs: [nothing], dependencies: [x]}\n"
		       "b: {script: x, trigger: a/b}",
		true);

	ck_assert_uint_eq(b.diags.count, 0);
	ck_assert_int_eq(b.rc, 0);
	built_free(&b);
}
END_TEST

/* Not one per job and not a hang: 200 are kept, the rest counted. */
START_TEST(many_mistakes_are_bounded)
{
	struct buf text = BUF_INIT;
	struct built b;

	for (int i = 0; i < 3000; i++)
		buf_printf(&text, "j%d: {script: x, needs: [n%d]}\n", i, i);
	b = build_text(buf_str(&text), false);
	ck_assert_uint_eq(b.diags.count, DIAGS_MAX);
	ck_assert_uint_eq(b.diags.dropped, 3000 - DIAGS_MAX);
	built_free(&b);
	buf_clear(&text);
}
END_TEST

START_TEST(too_many_jobs_are_refused)
{
	struct buf text = BUF_INIT;
	struct built b;

	for (int i = 0; i < 251; i++)
		buf_printf(&text, "j%d: {script: x, parallel: 200}\n", i);
	b = build_text(buf_str(&text), false);
	ck_assert_uint_eq(b.diags.count, 1);
	ck_assert_str_eq(b.diags.items[0].msg,
	    "the pipeline has 50200 jobs, at most 50000 are allowed");
	built_free(&b);
	buf_clear(&text);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("config findings");
	TCase *tc = tcase_create("findings");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_loop_test(tc, finds_in_top, 0, ARRAY_LEN(top));
	tcase_add_loop_test(tc, finds_in_jobs, 0, ARRAY_LEN(jobs));
	tcase_add_loop_test(tc, finds_in_results, 0, ARRAY_LEN(results));
	tcase_add_loop_test(tc, finds_in_triggers, 0, ARRAY_LEN(triggers));
	tcase_add_loop_test(tc, finds_in_rules, 0, ARRAY_LEN(rules));
	tcase_add_loop_test(tc, finds_in_fits, 0, ARRAY_LEN(fits));
	tcase_add_loop_test(tc, finds_in_parallels, 0, ARRAY_LEN(parallels));
	tcase_add_test(tc, shared_mistake_is_said_once);
	tcase_add_test(tc, shape_leaves_logic_out);
	tcase_add_test(tc, many_mistakes_are_bounded);
	tcase_add_test(tc, too_many_jobs_are_refused);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
