/* Findings on standard error. */
#include "cli/report.h"

#include <stdio.h>

#include "cli/command.h"

int
report_diags(const struct diags *diags)
{
	cleanup_buf struct buf out = BUF_INIT;

	for (size_t i = 0; i < diags->count; i++) {
		diag_format(&diags->items[i], &out);
		buf_add_char(&out, '\n');
	}
	if (diags->dropped > 0)
		buf_printf(
		    &out, "pawl: %zu more findings are not shown\n", diags->dropped);
	(void)fputs(buf_str(&out), stderr);
	return diags->errors > 0 ? EXIT_INVALID : EXIT_OK;
}
