/* name.h: what can be a name, a type or an event in the store. No state; any thread. */
#ifndef MODEL_NAME_H
#define MODEL_NAME_H

#include <stddef.h>

/* Why a text cannot be a type (max_chars STORE_TYPE_MAX) or an event (STORE_NAME_MAX): "is empty", "is longer than 255 characters",
 * … NULL when it can. */
const char *name_text_problem(const char *text, size_t len, size_t max_chars);

/* The same for a name, whose components must not be empty, `.` or `..`. */
const char *name_problem(const char *name, size_t len);

#endif
