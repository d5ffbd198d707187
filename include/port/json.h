/* json.h: JSON lines through jansson. Strings that are not UTF-8 are escaped first (text_escape). Errors are kept inside and come
 * out at json_line_end, so that the callers read like a list. One thread at a time. */
#ifndef PORT_JSON_H
#define PORT_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/err.h"

/* Every name here starts with json_line: jansson itself exports json_string and json_real. */
typedef struct JsonLine JsonLine;

JsonLine *json_line_begin(const char *type); /* {"type": type; NULL when memory ends (the other calls accept NULL) */
void json_line_string(JsonLine *line, const char *key, const char *value); /* NULL value = null */
void json_line_int(JsonLine *line, const char *key, int64_t value);
void json_line_real(JsonLine *line, const char *key, double value); /* rounded to three decimals; null when not finite */
void json_line_bool(JsonLine *line, const char *key, bool value);
bool json_line_end(JsonLine *line, FILE *out,
                   Err *err); /* prints one line in the order of the calls, frees; ERR_STOP: memory, write error */
void json_line_drop(JsonLine *line); /* frees it unprinted; NULL is allowed */
bool json_line_append(JsonLine *line, Buf *out, Err *err); /* the same behind what `out` holds, without a newline */

/* The library behind this and its version. */
void json_line_library(char *out, size_t cap);

#endif
