/* Findings about files, as every command shows them. */
#ifndef CLI_REPORT_H
#define CLI_REPORT_H

#include "pipelines/diag.h"

/* Print them on standard error; EXIT_INVALID if there are errors among them. */
int report_diags(const struct diags *diags);

#endif
