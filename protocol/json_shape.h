/*
 * How a struct looks as JSON: a table of its fields, by which it is both read and
 * written. Reading ignores members it does not know, takes null for missing, and names a
 * member of a wrong type by its path ("variables[3].value").
 */
#ifndef PROTOCOL_JSON_SHAPE_H
#define PROTOCOL_JSON_SHAPE_H

#include "base/arena.h"
#include "base/buf.h"

#define JSON_SHAPE_MAX_DEPTH 64

enum json_kind {
	JSON_KIND_STRING,  /* const char * */
	JSON_KIND_WORD,    /* const char *: a string, or an integer as one */
	JSON_KIND_INT,     /* int64_t */
	JSON_KIND_REAL,    /* double */
	JSON_KIND_BOOL,    /* bool */
	JSON_KIND_BITS,    /* uint64_t: an object of bools, one bit for each of names */
	JSON_KIND_STRINGS, /* const char ** and the size_t count */
	JSON_KIND_COMMAS,  /* the same; written, and also read, as "a,b" */
	JSON_KIND_OBJECT,  /* a struct, or, at offset 0, more fields of this one */
	JSON_KIND_OBJECTS, /* struct * and the size_t count */
	JSON_KIND_MAP,     /* const char *: an object, as JSON; bodies of JSON alone */
	JSON_KIND_FILLED,  /* bool: there was something in it; never written */
};

enum json_when {      /* writing a field that is NULL, 0, false or empty */
	JSON_PLAIN,   /* as null, 0, false, [] or {} */
	JSON_OMIT,    /* not at all */
	JSON_AS_NULL, /* an object or list: as null */
};

struct json_shape;

struct json_field {
	const char *key;
	enum json_kind kind;
	size_t offset, count; /* of the field, and of its size_t count */
	enum json_when when;
	const struct json_shape *shape; /* JSON_KIND_OBJECT(S) */
	const char *const *names;       /* JSON_KIND_BITS: ending with NULL */
};

struct json_shape {
	const struct json_field *fields; /* ending with a key of NULL */
	size_t size;                     /* of the struct, for JSON_KIND_OBJECTS */
};

/* { JSON_FIELD("id", INT, struct job_payload, id) } */
#define JSON_FIELD(name, type, in, field)                                                \
	.key = (name), .kind = JSON_KIND_##type, .offset = offsetof(in, field)
/* { JSON_COUNTED("script", STRINGS, struct job_step, script, script_count) } */
#define JSON_COUNTED(name, type, in, field, counter)                                     \
	JSON_FIELD(name, type, in, field), .count = offsetof(in, counter)

/*
 * Read text, an object, into out, a zeroed struct of that shape; strings and arrays go
 * into the arena. ERR_INVALID; ERR_LIMIT: longer than max or nested too deep.
 */
MUST_CHECK int json_shape_read(const struct json_shape *shape, const char *text,
    size_t len, size_t max, struct arena *arena, void *out, struct error *err);

void json_shape_write(const struct json_shape *shape, const void *in, struct buf *out);

#endif
