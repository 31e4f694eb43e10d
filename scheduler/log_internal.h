/* What the files of the log store share. */
#ifndef SCHEDULER_LOG_INTERNAL_H
#define SCHEDULER_LOG_INTERNAL_H

#include "scheduler/log_store.h"

/* DIR/ID÷1000/ID and suffix; malloced. */
char *log_path(const char *dir, int64_t job, const char *suffix);
const char *log_store_dir(const struct log_store *logs);

#define LOG_PLAIN ".log"
#define LOG_PACKED ".log.zst"
#define LOG_INDEX ".idx"
#define LOG_USAGE ".usage"

/* Takes over both descriptors, also on failure; index -1: none. */
MUST_CHECK int log_reader_from_files(
    int log, bool packed, int index, struct log_reader **out, struct error *err);

#endif
