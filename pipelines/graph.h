/*
 * The jobs of a plan as a picture: columns are stages, arrows are needs. Only jobs the
 * event creates are in it.
 */
#ifndef PIPELINES_GRAPH_H
#define PIPELINES_GRAPH_H

#include "pipelines/plan.h"

enum graph_format {
	GRAPH_TEXT,    /* a tree by stage, for a terminal */
	GRAPH_DOT,     /* Graphviz */
	GRAPH_MERMAID, /* for Markdown */
	GRAPH_SVG,     /* complete in itself, fits a light and a dark page */
};

/* "text", "dot", "mermaid", "svg" */
bool graph_format_parse(const char *name, enum graph_format *out);

void graph_write(const struct plan *plan, enum graph_format format, struct buf *out);

#endif
